import Records
import Testing

@Suite struct RecognitionTests {
    @Test(arguments: [
        ("sentence1,sentence2,label", "sentence1, sentence2, label -> scored pairs"),
        ("text,text_pos,text_neg", "text, text_pos, text_neg -> triplets"),
        ("text,text_pos", "text, text_pos -> pairs"),
        ("score,sentence1,sentence2", "sentence1, sentence2, label (score) -> scored pairs"),
        (
            "pair_ID,sentence_A,sentence_B,relatedness_score",
            "sentence1 (sentence_A), sentence2 (sentence_B), label (relatedness_score) -> scored pairs"
        ),
        (
            "Sentence A,Sentence-B,Similarity Score",
            "sentence1 (\"Sentence A\"), sentence2 (Sentence-B), label (\"Similarity Score\") -> scored pairs"
        ),
        ("text1,text2,label", "sentence1 (text1), sentence2 (text2), label -> scored pairs"),
        (
            "question1,question2,label",
            "sentence1 (question1), sentence2 (question2), label -> scored pairs"
        ),
        (
            "premise,hypothesis,label",
            "sentence1 (premise), sentence2 (hypothesis), label -> scored pairs"
        ),
        (
            "query,positive,negative",
            "text (query), text_pos (positive), text_neg (negative) -> triplets"
        ),
        (
            "anchor,positive,negative",
            "text (anchor), text_pos (positive), text_neg (negative) -> triplets"
        ),
        (
            "negative,positive,anchor,score",
            "text (anchor), text_pos (positive), text_neg (negative) -> triplets"
        ),
        ("anchor,positive", "text (anchor), text_pos (positive) -> pairs"),
        ("question,answer", "text (question), text_pos (answer) -> pairs"),
        // uniem's own names before aliases, whatever the aliases would make.
        ("text,text_pos,question1,question2,score", "text, text_pos -> pairs"),
        ("sentence1,sentence2,label,text,text_pos", "sentence1, sentence2, label -> scored pairs"),
        ("sentence1,sentence2,label,score", "sentence1, sentence2, label -> scored pairs"),
        ("text,text_pos,negative", "text, text_pos, text_neg (negative) -> triplets"),
        ("text,query,text_pos", "text, text_pos -> pairs"),
    ])
    func recognisesFields(header: String, summary: String) throws {
        let values = header.split(separator: ",").map { name in
            ["label", "score"].contains(where: name.lowercased().contains) ? "1" : "x"
        }
        let data = try load("a.csv", header + "\n" + values.joined(separator: ",") + "\n")
        #expect(data.provenance.sources[0].recognition == summary)
    }

    @Test func renamesBeforeRecognition() throws {
        let text = "instruction\toutput\tid\nq\ta\t1\n"
        let data = try load(
            "a.tsv", text, rename: [("instruction", "text"), ("output", "text_pos")])
        #expect(data.records == .pairs([PairRecord(text: "q", textPos: "a")]))
        #expect(data.provenance.sources[0].ignoredColumns == ["id"])
        let swapped = try load(
            "a.csv", "text,text_pos\na,b\n", rename: [("text", "text_pos"), ("text_pos", "text")])
        #expect(swapped.records == .pairs([PairRecord(text: "b", textPos: "a")]))
    }

    @Test(arguments: [
        ("foo,text_pos,bar", "a.csv:1: no column text: text_pos would be part of pairs"),
        (
            "sentence1,sentence2",
            "no column label: sentence1, sentence2 would be part of scored pairs"
        ),
        (
            "anchor,query,positive",
            "text could be anchor or query; choose with --rename anchor=text"
        ),
        ("text1,text2,score,similarity", "label could be score or similarity"),
        ("text,text_pos,text", "the header names the column text twice"),
        ("foo,bar", "the first line may be a header (foo, bar), but its names are not known"),
        ("foo,bar,baz,qux", "no header with known names, and 4 columns"),
        ("one thing", "no header with known names, and 1 columns"),
    ])
    func saysWhatIsMissing(header: String, problem: String) throws {
        let row = header.split(separator: ",").map { _ in "1" }.joined(separator: ",")
        let text = try failure("a.csv", header + "\n" + row + "\n")
        #expect(text.contains(problem), "\(text)")
        #expect(text.contains("rename") || text.contains("name of its own"))
    }

    @Test func refusesBadRenaming() throws {
        let text = "{\"text\": \"a\", \"text_pos\": \"b\"}"
        func message(_ rename: [(old: String, new: String)]) throws -> String {
            try failure("a.jsonl", text, rename: rename)
        }
        #expect(
            try message([("q", "text")])
                == "a.jsonl:1: cannot rename the column q: there is none; the columns are text, text_pos"
        )
        #expect(try message([("text", "text_pos")]).contains("two columns are called text_pos"))
        #expect(try message([("text", "a"), ("text", "b")]).contains("renamed twice"))
        #expect(
            try failure("a.tsv", "a b\tc d\n", rename: [("q", "text")]).contains(
                "the file has no header; it is read as text, text_pos"))
    }
}
