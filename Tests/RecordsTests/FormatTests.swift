import Files
import Records
import Testing

@Suite struct FormatTests {
    let scored = Records.scoredPairs([
        ScoredPairRecord(sentence1: "a b", sentence2: "c \"d\"", label: 3.5),
        ScoredPairRecord(sentence1: "一", sentence2: "二", label: 0),
    ])

    @Test(arguments: [
        (
            "a.jsonl",
            "\u{FEFF}{\"sentence1\": \"a b\", \"sentence2\": \"c \\\"d\\\"\", \"label\": 3.5}\r\n\n \n"
                + "{\"label\": 0, \"sentence2\": \"\\u4e8c\", \"sentence1\": \"一\"}", "JSON lines"
        ),
        (
            "a.json",
            "\n[ {\"sentence1\": \"a b\", \"sentence2\": \"c \\\"d\\\"\",\n \"label\": 3.5},\n"
                + "{\"label\": 0, \"sentence2\": \"二\", \"sentence1\": \"一\"} ]\n", "JSON array"
        ),
        (
            "lines.json",
            "{\"sentence1\": \"a b\", \"sentence2\": \"c \\\"d\\\"\", \"label\": 3.5}\n"
                + "{\"label\": \"0\", \"sentence2\": \"二\", \"sentence1\": \"一\"}", "JSON lines"
        ),
        (
            "a.csv", "label,sentence1,sentence2\r\n3.5,a b,\"c \"\"d\"\"\"\r\n\r\n0,一,二\r\n", "CSV"
        ),
        ("none.csv", "a b,\"c \"\"d\"\"\",3.5\n一,二,0", "CSV without header"),
        ("a.tsv", "sentence1\tsentence2\tlabel\r\na b\tc \"d\"\t3.5\n\n一\t二\t0\n", "TSV"),
        ("a.data", "a b\tc \"d\"\t3.5\n一\t二\t0\n", "TSV without header"),
        ("noending", "a b\tc \"d\"\t3.5\n一\t二\t0\n", "TSV without header"),
        ("sniffed.txt", "label,sentence1,sentence2\n3.5,a b,\"c \"\"d\"\"\"\n0,一,二\n", "CSV"),
        (
            "sniffed2.txt",
            "[{\"sentence1\": \"a b\", \"sentence2\": \"c \\\"d\\\"\", \"label\": 3.5},\n"
                + "{\"label\": false, \"sentence2\": \"二\", \"sentence1\": \"一\"}]", "JSON array"
        ),
    ])
    func readsEveryFormat(name: String, text: String, format: String) throws {
        let data = try load(name, text)
        #expect(data.records == scored)
        #expect(data.provenance.sources.map(\.format) == [format])
    }

    @Test func filesWithoutHeaderArePairsTripletsOrScoredPairs() throws {
        #expect(
            try load("a.tsv", "one two\tthree\n").records
                == .pairs([PairRecord(text: "one two", textPos: "three")]))
        #expect(
            try load("a.tsv", "one two\tthree\tfour\n").records
                == .triplets([TripletRecord(text: "one two", textPos: "three", textNeg: "four")]))
        #expect(
            try load("a.tsv", "one\ttwo\t-1e0\n").records
                == .scoredPairs([ScoredPairRecord(sentence1: "one", sentence2: "two", label: -1)]))
    }

    @Test func csvFieldsHoldLineBreaksCommasAndQuotes() throws {
        let data = try load("a.csv", "text,text_pos\n\"a,\r\nb\",\"\"\"\"\nc,d\n")
        #expect(
            data.records
                == .pairs([
                    PairRecord(text: "a,\r\nb", textPos: "\""), PairRecord(text: "c", textPos: "d"),
                ]))
    }

    @Test func csvRoundTrips() throws {
        var random = TestRandom(state: 5)
        let pieces = ["a", "\"", ",", "\n", "\r\n", "é", "e\u{301}", " ", "\t", "漢", "🎈", "x"]
        for _ in 0..<40 {
            let pairs = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                let texts = (0..<2).map { _ in
                    "x"
                        + (0..<Int.random(in: 0...9, using: &random)).map { _ in
                            pieces.randomElement(using: &random) ?? ""
                        }.joined()
                }
                return PairRecord(text: texts[0], textPos: texts[1])
            }
            func quoted(_ text: String) -> String {
                "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
            }
            let csv =
                "text,text_pos\n"
                + pairs.map { quoted($0.text) + "," + quoted($0.textPos) + "\n" }.joined()
            #expect(try load("a.csv", csv).records == .pairs(pairs))
        }
    }

    @Test func readsFoldersListsAndSelections() throws {
        let scratch = try Scratch()
        let b = try scratch.file("b.tsv", "split\ttext\ttext_pos\ntrain\tb1\tb\ntest\tb2\tb\n")
        let a = try scratch.file(
            "a.jsonl", "{\"text\":\"a1\",\"text_pos\":\"a\",\"split\":\"test\"}")
        _ = try scratch.file("README.md", "no data")
        func texts(_ specification: String) throws -> [String] {
            try Dataset.load(specification).records.columns[0]
        }
        #expect(try texts(scratch.path) == ["a1", "b1", "b2"])
        #expect(try texts(scratch.path + "/#split=test") == ["a1", "b2"])
        #expect(try texts(b + "," + a) == ["b1", "b2", "a1"])
        #expect(try texts(b + "#split=train," + a) == ["b1", "a1"])
        let folder = try Dataset.load(scratch.path)
        #expect(folder.provenance.skippedFiles == [scratch.path + "/README.md"])
        let selected = try Dataset.load(b + "#split=train")
        #expect(
            selected.description
                == b + "#split=train: 1 rows of 2 (TSV), text, text_pos -> pairs")
        // A name that holds a comma and a '#' is a path where it exists.
        let odd = try scratch.file("x,y#1.tsv", "one two\tthree\n")
        #expect(try texts(odd) == ["one two"])
    }

    @Test func theLastOfAJSONKeyGivenTwiceCounts() throws {
        let text =
            "{\"query\":\"a\",\"query\":\"b\",\"positive\":\"c\"}\n{\"query\":\"d\",\"positive\":\"e\"}"
        #expect(try load("a.jsonl", text).records.columns == [["b", "d"], ["c", "e"]])
    }

    @Test func rowsOfDictionaries() throws {
        let data = try Dataset(rows: [
            ["sentence1": "a", "sentence2": "b", "label": 1, "id": 7],
            ["sentence1": "c", "sentence2": "d", "label": 0.5],
        ])
        #expect(data.records.labels == [1, 0.5])
        #expect(data.provenance.sources[0].ignoredColumns == ["id"])
        let number = #expect(throws: FileError.self) {
            try Dataset(rows: [["sentence1": "a", "sentence2": "b", "label": .number(.nan)]])
        }
        #expect(number?.problem == "label must be a finite number, found nan")
        #expect(throws: FileError.self) { try Dataset(rows: []) }
        let error = #expect(throws: FileError.self) {
            try Dataset(
                rows: [["q": "a", "r": "b"], ["q": " ", "r": "b"]],
                rename: [("q", "text"), ("r", "text_pos")])
        }
        #expect(error?.description.hasPrefix("rows:2: q is empty or blank") == true)
    }

    @Test func streamsRecords() throws {
        let scratch = try Scratch()
        let path = try scratch.file("a.tsv", "k\tq\tanswer\n1\ta\tb\n2\tc\td\n")
        var reader = try RecordReader(path + "#k=2", rename: [("q", "text")])
        #expect(reader.kind == .pair)
        #expect(try reader.next() == .pair(PairRecord(text: "c", textPos: "d")))
        #expect(try reader.next() == nil)
        #expect(reader.source.rowCount == 2)
        #expect(reader.source.recognition == "text (q), text_pos (answer) -> pairs")
    }
}
