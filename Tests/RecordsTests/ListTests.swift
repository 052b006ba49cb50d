import Files
import Records
import TestSupport
import Testing

@Suite struct ListTests {
    func triplets(_ texts: [(String, String, String)]) -> Records {
        .triplets(texts.map { TripletRecord(text: $0.0, textPos: $0.1, textNeg: $0.2) })
    }

    @Test func everyPositiveStandsWithEveryNegative() throws {
        let text = """
            {"query": "a", "pos": ["b", "c"], "neg": ["d", "e"], "pos_scores": [1, 2], "prompt": "p"}
            {"query": "f", "pos": ["g"], "neg": ["h"], "pos_scores": [3], "prompt": "p"}
            """
        let data = try load("a.jsonl", text)
        #expect(
            data.records
                == triplets([
                    ("a", "b", "d"), ("a", "b", "e"), ("a", "c", "d"), ("a", "c", "e"),
                    ("f", "g", "h"),
                ]))
        let source = data.provenance.sources[0]
        #expect(source.rowCount == 2 && source.selectedRowCount == 2 && source.recordCount == 5)
        #expect(source.ignoredColumns == ["pos_scores", "prompt"])
        #expect(
            source.description.hasSuffix(
                "a.jsonl: 2 rows (JSON lines), text (query), text_pos (pos), text_neg (neg) -> "
                    + "triplets, one for each text of pos and neg: 5 records; ignored: pos_scores, "
                    + "prompt"))
    }

    @Test func aListMayStandForOneOfTheFields() throws {
        let one = #"[{"anchor": "a", "positive": "b", "negative": ["c", "d"]}]"#
        #expect(try load("a.json", one).records == triplets([("a", "b", "c"), ("a", "b", "d")]))
        let positives = try load("a.jsonl", #"{"query": "a", "pos": ["b", "c"]}"#)
        #expect(positives.records.columns == [["a", "a"], ["b", "c"]])
        #expect(
            positives.provenance.sources[0].recognition
                == "text (query), text_pos (pos) -> pairs, one for each text of pos")
    }

    @Test func noNegativesInAnyRowArePairs() throws {
        let text = """
            {"query": "a", "pos": ["b", "c"], "neg": []}
            {"neg": [], "query": "d", "pos": ["e"]}
            {"query": "f", "pos": ["g"], "neg": null}
            {"query": "h", "pos": ["i"]}
            """
        let data = try load("a.jsonl", text)
        #expect(data.records.columns == [["a", "a", "d", "f", "h"], ["b", "c", "e", "g", "i"]])
        #expect(data.provenance.sources[0].ignoredColumns == ["neg"])
    }

    @Test func instructionAndTextAreJoined() throws {
        let text = """
            [{"query": ["Ask:", "a"], "pos": ["Find:", "b"], "neg": ["Find:", "c"], "task_name": "t"},
             {"query": ["Ask:", "d"], "pos": ["", "e"], "neg": ["Find:", "f"], "task_name": "t"}]
            """
        let data = try load("a.json", text)
        #expect(
            data.records
                == triplets([("Ask:\na", "Find:\nb", "Find:\nc"), ("Ask:\nd", "\ne", "Find:\nf")])
        )
        #expect(
            data.provenance.sources[0].recognition.hasSuffix(
                "-> triplets, each text an instruction, a line break and the text"))
        let pairs = try load("a.jsonl", #"{"query": ["i", "a"], "pos": ["j", "b"]}"#)
        #expect(pairs.records == .pairs([PairRecord(text: "i\na", textPos: "j\nb")]))
    }

    @Test func rowsInMemoryMayHoldLists() throws {
        let data = try Dataset(rows: [["query": "a", "pos": ["b"], "neg": ["c", "d"]]])
        #expect(data.records == triplets([("a", "b", "c"), ("a", "b", "d")]))
    }

    @Test func selectionAndRenamingCountRows() throws {
        let text = """
            {"q": "a", "p": ["b"], "n": ["c", "d"], "split": "train"}
            {"q": "e", "p": ["f"], "n": ["g"], "split": "test"}
            """
        let data = try load(
            "a.jsonl", text, select: "#split=train",
            rename: [("q", "text"), ("p", "text_pos"), ("n", "text_neg")])
        #expect(data.records == triplets([("a", "b", "c"), ("a", "b", "d")]))
        #expect(data.provenance.sources[0].selectedRowCount == 1)
        // Triplets are read as pairs where their negatives are called something else.
        let pairs = try load(
            "a.jsonl", text, rename: [("q", "text"), ("p", "text_pos")])
        #expect(pairs.kind == .pair && pairs.count == 2)
    }

    static let first = #"{"query": "a", "pos": ["b"], "neg": ["c"]}"#
    static let empty = #"{"query": "a", "pos": ["b"], "neg": []}"#
    static let instructed = #"{"query": ["i", "a"], "pos": ["j", "b"]}"#

    @Test(arguments: [
        (
            first, #"{"query": "a", "pos": ["b"], "neg": []}"#,
            "a.jsonl:2: neg must be a list of texts, found an array of 0; the first row has texts "
                + "there, so every row needs at least one; to train on pairs, rename the column"
        ),
        (
            first, #"{"query": "a", "pos": [], "neg": ["c"]}"#,
            "a.jsonl:2: pos must be a list of texts"
        ),
        (
            first, #"{"query": "a", "pos": "b", "neg": ["c"]}"#,
            "pos must be a list of texts, found \"b\""
        ),
        (first, #"{"query": "a", "pos": ["b"]}"#, "a.jsonl:2: the field neg is missing"),
        (first, #"{"query": "a", "pos": ["b"], "neg": null}"#, "a list of texts, found null"),
        (
            first, #"{"query": ["a"], "pos": ["b"], "neg": ["c"]}"#,
            "query must be a string, found an array"
        ),
        (
            first, #"{"query": "a", "pos": ["b", 5], "neg": ["c"]}"#,
            "text 2 of pos must be a string, found 5"
        ),
        (
            first, #"{"query": "a", "pos": ["b"], "neg": ["c", " "]}"#,
            "text 2 of neg is empty or blank"
        ),
        (
            first, #"{"query": "\u200b", "pos": ["b"], "neg": ["c"]}"#,
            "a.jsonl:2: query is empty or blank"
        ),
        (
            empty, #"{"query": "a", "pos": ["b"], "neg": ["c"]}"#,
            "a.jsonl:2: neg holds an array of 1, but the first row has no negatives; give every row"
        ),
        (
            #"{"query": "a", "pos": "b"}"#, #"{"query": "a", "pos": "b", "neg": "c"}"#,
            "a.jsonl:2: neg holds \"c\", but the first row has no negatives"
        ),
        (
            #"{"query": "a", "pos": "b"}"#, #"{"query": "a", "pos": ["b"]}"#,
            "pos must be a string, found an array of 1; lists of texts must stand in every row"
        ),
        (
            instructed, #"{"query": "a", "pos": ["j", "b"]}"#,
            "a.jsonl:2: query must be an instruction and a text, [\"...\", \"...\"], found \"a\""
        ),
        (instructed, #"{"query": ["i", "a"], "pos": ["j", "b", "c"]}"#, "found an array of 3"),
        (
            instructed, #"{"query": ["i", "a"], "pos": ["j", 7]}"#,
            "pos must be an instruction and a text"
        ),
        (
            instructed, #"{"query": ["i", "\t"], "pos": ["j", "b"]}"#,
            "the text of query is empty or blank"
        ),
        (
            #"{"query": ["a"], "pos": ["b"]}"#, "",
            "a.jsonl:1: query must be an instruction and a text"
        ),
        (
            #"{"query": ["a", "b"], "pos": "b"}"#, "",
            "a.jsonl:1: pos must be an instruction and a text"
        ),
        (
            #"{"query": [["a", "b"]], "pos": ["b", "c"]}"#, "",
            "where the first text field is an array, every text field is read as [instruction"
        ),
        (
            #"{"sentence1": ["a"], "sentence2": "b", "label": 1}"#, "",
            "a.jsonl:1: sentence1 must be a string, found an array of 1"
        ),
    ])
    func whatDiffersFromTheFirstRowIsAnError(first: String, second: String, problem: String) throws
    {
        let message = try failure("a.jsonl", first + "\n" + second + "\n")
        #expect(message.contains(problem), "\(message)")
    }

    @Test func aRowCannotStandForTooManyRecords() throws {
        func row(_ positives: Int, _ negatives: Int) -> String {
            func list(_ count: Int) -> String {
                "[" + Array(repeating: #""x""#, count: count).joined(separator: ",") + "]"
            }
            return "{\"query\": \"a\", \"pos\": \(list(positives)), \"neg\": \(list(negatives))}"
        }
        #expect(try load("a.jsonl", row(256, 256)).count == 65536)
        #expect(
            try failure("a.jsonl", row(257, 256)).hasPrefix(
                "a.jsonl:1: the lists stand for 65792 records, more than 65536; split the row"))
    }
}
