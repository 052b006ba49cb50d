import Files
import Testing
import Uniem

@testable import UniemCLI

@Suite("inspect")
struct InspectTests {
    @Test("a model: sizes, parameters, pooling, tokenizer")
    func model() throws {
        let path = try Sample.model.get()
        let json = try uniem("inspect", path, "--json").jsonLines[0]
        #expect(json["kind"]?.string == "model" && json["family"]?.string == "bert")
        #expect(json["hidden_size"]?.int == 16 && json["num_hidden_layers"]?.int == 1)
        #expect(json["dimension"]?.int == 16 && json["max_length"]?.int == 64)
        #expect(json["pooling"]?.string == "last_mean" && json["normalizes"]?.bool == true)
        #expect(json["tokenizer"]?.string == "WordPiece")
        let words = try #require(json["tokenizer_vocabulary_size"]?.int)
        #expect(words == json["vocab_size"]?.int)
        // Word, position and type tables with their norm; one layer of width 16, 32 inside.
        let table = (words + 64 + 2) * 16 + 32
        let layer = 4 * (16 * 16 + 16) + 2 * 16 * 32 + 32 + 16 + 2 * 32
        let pooler = 16 * 16 + 16
        let count = try #require(json["parameter_count"]?.int)
        #expect(count == table + layer || count == table + layer + pooler)
        #expect(json["parameters"] == nil)

        let text = try uniem("inspect", path).output
        #expect(text.contains("Parameters") && text.contains("WordPiece, \(words) tokens"))
        let listed = try uniem("inspect", path, "--parameters").output
        #expect(
            listed.contains("embeddings.word_embeddings.weight")
                && listed.contains("[\(words), 16]"))
        let parameters = try uniem("inspect", path, "--parameters", "--json").jsonLines[0][
            "parameters"]
        let sizes = parameters?.array?.map {
            ($0["shape"]?.array ?? []).compactMap(\.int).reduce(1, *)
        }
        #expect(sizes?.reduce(0, +) == count)
    }

    @Test("scored pairs: rows, ignored columns, lengths, repeated rows, labels")
    func scoredPairs() throws {
        let folder = try TemporaryFolder()
        let rows = [
            ("a", "bb", 0.0), ("ccc", "雨", 5), ("a", "bb", 0), ("é", "dddd", 2.5),
        ].map {
            "{\"sentence1\": \"\($0)\", \"sentence2\": \"\($1)\", \"label\": \($2), \"x\": 1}\n"
        }
        let path = try folder.file("d.jsonl", rows.joined())
        let json = try uniem("inspect", path, "--json").jsonLines[0]
        #expect(json["kind"]?.string == "dataset" && json["record_kind"]?.string == "scoredPair")
        #expect(json["rows"]?.int == 4 && json["repeated_rows"]?.int == 1)
        let source = try #require(json["sources"]?.array?.first)
        #expect(source["ignored_columns"]?.array?.compactMap(\.string) == ["x"])
        let columns = try #require(json["columns"]?.array)
        #expect(columns.map { $0["name"]?.string } == ["sentence1", "sentence2"])
        #expect(columns[0]["shortest"]?.int == 1 && columns[0]["longest"]?.int == 3)
        #expect(columns[0]["mean"]?.double == 1.5 && columns[1]["median"]?.int == 2)
        let labels = try #require(json["labels"])
        #expect(labels["smallest"]?.double == 0 && labels["largest"]?.double == 5)
        #expect(labels["distinct"]?.int == 3 && labels["mean"]?.double == 1.875)
        #expect(labels["bins"]?.array?.map { $0["count"]?.int } == [2, 1, 1])
        let text = try uniem("inspect", path).output
        #expect(text.contains("Ignored") && text.contains("Repeated rows"))
        #expect(text.contains("########## 1\n") || text.contains("#################### 1\n"))
    }

    @Test("every row of the sample data falls into one bin", arguments: [Sample.scoredPairs])
    func bins(_ path: String) throws {
        let data = try Dataset.load(path)
        let report = LabelReport(try #require(data.records.labels))
        #expect(report.bins.count == 10)
        #expect(report.bins.reduce(0) { $0 + $1.count } == data.count)
        #expect(report.bins.first?.lower == 0 && report.bins.last?.upper == 5)
    }

    @Test("labels as large as numbers get are no problem")
    func hugeLabels() {
        let labels = (0...20).map { Double($0 - 10) / 10 * Double.greatestFiniteMagnitude }
        let report = LabelReport(labels)
        #expect(report.bins.reduce(0) { $0 + $1.count } == 21)
        #expect(report.bins.allSatisfy { $0.lower.isFinite && $0.upper.isFinite })
    }

    @Test("pairs and triplets, with a selection and new names")
    func others() throws {
        let pairs = try uniem("inspect", Sample.pairs + "#language=zh", "--json").jsonLines[0]
        #expect(pairs["rows"]?.int == 108 && pairs["labels"] == nil)
        #expect(pairs["sources"]?.array?.first?["selection"]?.string == "language=zh")
        let triplets = try uniem("inspect", Sample.triplets)
        #expect(triplets.output.contains("text_neg") && triplets.status == 0)
        let folder = try TemporaryFolder()
        let path = try folder.file("d.csv", "q,r\na,b\n")
        let renamed = try uniem("inspect", path, "--rename", "q=text", "r=text_pos")
        #expect(renamed.output.contains("pairs"), "\(renamed.error)")
    }
}
