import Files
import TestSupport
import Testing

@testable import Tokenizers

/// Every row that the Python library wrote.
@Suite(.enabled(if: SharedReference.isAvailable))
struct GoldenTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var folder: String
        var golden: String
        var rows: Int
        var file: String { "reference/tokenizers/\(golden).golden.jsonl" }
        var testDescription: String { folder }
    }

    static let cases = [
        Case(folder: "tokenizers/files/all-MiniLM-L6-v2", golden: "all-MiniLM-L6-v2", rows: 878),
        Case(
            folder: "tokenizers/files/uer-chinese-roberta", golden: "uer-chinese-roberta",
            rows: 874),
        Case(folder: "models/bert-tiny", golden: "bert-tiny", rows: 960),
        Case(folder: "models/bert-old-names", golden: "bert-old-names", rows: 952),
        Case(folder: "models/mpnet-tiny", golden: "mpnet-tiny", rows: 964),
        Case(folder: "tokenizers/files/bert-hubstyle", golden: "bert-tiny", rows: 960),
        Case(folder: "models/gpt2-tiny", golden: "gpt2-tiny", rows: 1074),
        Case(folder: "models/gpt2-old-names", golden: "gpt2-tiny", rows: 1074),
        Case(folder: "tokenizers/files/gpt2-prefixspace", golden: "gpt2-prefixspace", rows: 1105),
        Case(folder: "models/roberta-tiny", golden: "roberta-tiny", rows: 1164),
        Case(folder: "tokenizers/files/roberta-mergepairs", golden: "roberta-tiny", rows: 1164),
        Case(folder: "models/xlmroberta-tiny", golden: "xlmroberta-tiny", rows: 943),
        Case(
            folder: "tokenizers/files/xlmroberta-hubstyle", golden: "xlmroberta-hubstyle",
            rows: 942),
        Case(folder: "models/t5-encoder-tiny", golden: "t5-encoder-tiny", rows: 906),
        Case(folder: "tokenizers/files/t5-hubstyle", golden: "t5-hubstyle", rows: 906),
        Case(folder: "models/albert-tiny", golden: "albert-tiny", rows: 935),
    ]

    @Test(arguments: cases)
    func everyRow(_ test: Case) throws {
        let tokenizer = try Tokenizer(
            folder: try SharedReference.path("reference/" + test.folder))
        try Golden.compare(
            tokenizer, try SharedReference.path(test.file), rows: test.rows)
    }

    @Test(arguments: cases)
    func everyRowAfterSaving(_ test: Case) throws {
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        try Tokenizer(folder: try SharedReference.path("reference/" + test.folder))
            .save(to: folder)
        #expect(
            FileBytes.exists(folder + "/tokenizer.json")
                || FileBytes.exists(folder + "/merges.txt"))
        try Golden.compare(
            try Tokenizer(folder: folder), try SharedReference.path(test.file), rows: test.rows)
    }

    @Test func index() throws {
        let path = try SharedReference.path("reference/tokenizers/index.json")
        let index = try #require(try JSON(contentsOf: path)["tokenizers"])
        for (name, entry) in index.members ?? [] {
            let files = try #require(entry["files"]?.string)
            guard Self.cases.contains(where: { $0.folder == files }) else { continue }
            let tokenizer = try Tokenizer(folder: try SharedReference.path("reference/" + files))
            #expect(tokenizer.vocabularySize == entry["len"]?.int, "\(name)")
            #expect(tokenizer.modelMaxLength == entry["model_max_length"]?.int, "\(name)")
            let ids = try #require(entry["special_ids"])
            #expect(tokenizer.padID.map(Int.init) == ids["pad_token"]?.int, "\(name)")
            #expect(tokenizer.unkID.map(Int.init) == ids["unk_token"]?.int, "\(name)")
            #expect(tokenizer.clsID.map(Int.init) == ids["cls_token"]?.int, "\(name)")
            #expect(tokenizer.sepID.map(Int.init) == ids["sep_token"]?.int, "\(name)")
            #expect(tokenizer.maskID.map(Int.init) == ids["mask_token"]?.int, "\(name)")
            #expect(tokenizer.specialTokenCount == tokenizer.ids(of: "").ids.count)
        }
    }

    /// Folders of which a test takes away `tokenizer.json`: the model's own files must give the same.
    @Test(arguments: [
        ("gpt2-tiny", 1074), ("roberta-tiny", 1164), ("xlmroberta-tiny", 943),
        ("t5-encoder-tiny", 906), ("albert-tiny", 935),
    ])
    func everyRowWithoutTokenizerJSON(_ name: String, _ rows: Int) throws {
        let source = try SharedReference.path("reference/models/\(name)")
        let golden = try SharedReference.path("reference/tokenizers/\(name).golden.jsonl")
        let config = ["tokenizer_config.json", "special_tokens_map.json"]
        for left in [config, ["config.json"], []] {
            let folder = try temporaryFolder()
            defer { try? FileBytes.remove(folder) }
            let models = ["vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model"]
            for file in left + models where FileBytes.exists(source + "/" + file) {
                var bytes = try FileBytes.read(source + "/" + file)
                if name == "t5-encoder-tiny", file == "config.json", left.count == 1 {
                    // The class has 100 of them unless a file says otherwise.
                    bytes = Array("{\"model_type\": \"t5\"}".utf8)
                }
                try FileBytes.writeAtomically(bytes, to: folder + "/" + file)
            }
            let tokenizer = try Tokenizer(folder: folder)
            if name == "t5-encoder-tiny", left.count < 2 {
                #expect(tokenizer.vocabularySize == 900)
                #expect(tokenizer.id(of: "<extra_id_0>") == 899)
                continue
            }
            if left.count == 1 {
                let json = try Tokenizer(folder: source)
                #expect(tokenizer.special == json.special)
                #expect(tokenizer.encode("A <mask> \u{FB01}") == json.encode("A <mask> \u{FB01}"))
            } else {
                try Golden.compare(tokenizer, golden, rows: rows)
            }
        }
    }
}

/// The same for the small reference that the repository itself holds.
struct FixtureTests {
    @Test(arguments: [("bert-tiny", 333), ("bert-old-names", 168)])
    func everyRow(_ name: String, rows: Int) throws {
        let tests = try #require(FileBytes.parent(of: #filePath).flatMap(FileBytes.parent))
        let fixtures = tests + "/Fixtures/reference"
        try Golden.compare(
            try Tokenizer(folder: fixtures + "/models/" + name),
            fixtures + "/tokenizers/\(name).golden.jsonl", rows: rows)
    }
}
