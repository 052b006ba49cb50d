import Files
import Records
import TestSupport
import Testing

@Suite struct ParquetTests {
    /// A file made by `Goldens/parquet_files.py`.
    func path(_ name: String) -> String { Goldens.folder + "/parquet/\(name).parquet" }

    @Test func readsRows() throws {
        let data = try Dataset.load(path("scored"))
        #expect(
            data.records
                == .scoredPairs([
                    ScoredPairRecord(sentence1: "a b", sentence2: "v", label: 3.5),
                    ScoredPairRecord(sentence1: "一", sentence2: "二", label: 0.1),
                    ScoredPairRecord(sentence1: "c", sentence2: "w", label: 2),
                    ScoredPairRecord(sentence1: "d\n", sentence2: "x", label: -1),
                    ScoredPairRecord(sentence1: "e", sentence2: "y", label: 0),
                ]))
        #expect(
            data.description
                == path("scored") + ": 5 rows (Parquet), sentence1, sentence2, label (score) -> "
                + "scored pairs; ignored: split, note")
        #expect(try Dataset.load(path("labels")).records.labels == [1, 0])
        #expect(try Dataset.load(path("whole")).records.labels == [0x1p40, 3])
    }

    @Test func isRecognisedByItsFirstBytes() throws {
        let scratch = try Scratch()
        let file = try scratch.file("rows.data", bytes: try FileBytes.read(path("pairs")))
        #expect(try Dataset.load(file).records.columns == [["a", "b"], ["c", "d"]])
        _ = try scratch.file(
            "train-00000-of-00001.parquet", bytes: try FileBytes.read(path("pairs")))
        #expect(try DatasetDictionary.load(scratch.path).names == ["train"])
    }

    @Test func rowsAreSelectedAndColumnsRenamed() throws {
        let train = try Dataset.load(path("scored") + "#split=train")
        #expect(train.records.columns[0] == ["a b", "c", "e"])
        #expect(train.provenance.sources[0].rowCount == 5)
        let pairs = try Dataset.load(
            path("scored") + "#split=test",
            rename: [("sentence1", "text"), ("sentence2", "text_pos"), ("score", "other")])
        #expect(pairs.records.columns == [["一", "d\n"], ["二", "x"]])
        #expect(
            try Dataset.load(path("unknown"), rename: [("q", "text"), ("r", "text_pos")]).count == 1
        )
    }

    @Test func streams() throws {
        let stream = try RecordStream(path("scored"))
        let data = try Dataset.load(path("scored"))
        #expect(try stream.count() == 5)
        #expect(try stream.fingerprintText() == data.fingerprintText)
        let shuffled = stream.shuffled(buffer: 2, seed: 9)
        var all: [Record] = []
        for skipped in 0...5 {
            let records = try shuffled.records(epoch: 1, skipping: skipped)
            var rest: [Record] = []
            while let record = try records.next() { rest.append(record) }
            if skipped == 0 { all = rest }
            #expect(rest == Array(all.dropFirst(skipped)))
        }
        let selected = try RecordStream(path("scored") + "#split=train")
        #expect(try selected.count() == 3)
    }

    @Test func columnsThatCannotBeReadMatterWhereAFieldIsInThem() throws {
        let pairs = try Dataset.load(path("pairs"))
        #expect(pairs.provenance.sources[0].ignoredColumns == ["id", "vector"])
        #expect(
            message("lists").hasPrefix(
                "lists.parquet: pos cannot be read: it holds a list in each row"))
        #expect(
            message("pairs", select: "#vector=1").contains(
                "cannot select by vector: it holds a list in each row"))
    }

    @Test(arguments: [
        ("empty", "empty.parquet: no rows"),
        ("null", "null.parquet: row 2: text must be a string, found null; remove the row or give"),
        ("blank", "blank.parquet: row 3: text is empty or blank; remove the row"),
        ("nan", "nan.parquet: row 2: label must be a finite number, found nan; write the score"),
        (
            "missing_label",
            "missing_label.parquet: row 2: label must be a finite number, found null"
        ),
        ("unknown", "unknown.parquet: none of the columns is known: q, r; name them with"),
        ("utf8", "UTF-8"),
    ])
    func badRows(name: String, problem: String) {
        let text = message(name)
        #expect(text.contains(problem), "\(text)")
    }

    @Test func badSpecifications() {
        #expect(message("scored", select: "#note=x").contains("none of 5 rows has note=x"))
        #expect(message("scored", select: "#part=x").contains("there is no such column"))
        let renamed = fileError {
            _ = try Dataset.load(path("scored"), rename: [("none", "text")])
        }
        #expect(renamed?.problem == "cannot rename the column none: there is none")
    }

    @Test func cutFilesAreErrors() throws {
        let bytes = try FileBytes.read(path("scored"))
        for end in stride(from: 4, to: bytes.count, by: 37) {
            _ = try plainFailure("a.parquet", bytes: Array(bytes[..<end]))
        }
    }

    /// The error of loading the file `name`, without its folder; a stream must have the same.
    func message(_ name: String, select: String = "") -> String {
        let error = fileError { _ = try Dataset.load(path(name) + select) }
        #expect(error == streamFailure(path(name) + select))
        return error?.description.replacing(Goldens.folder + "/parquet/", with: "") ?? ""
    }
}
