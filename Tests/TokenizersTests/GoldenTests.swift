import Files
import TestSupport
import Testing

@testable import Tokenizers

/// Every row that the Python library wrote for the WordPiece tokenizers.
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
        #expect(FileBytes.exists(folder + "/tokenizer.json"))
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
            #expect(tokenizer.specialTokenCount == 2)
        }
    }

    @Test(arguments: ["gpt2-tiny", "xlmroberta-tiny", "t5-encoder-tiny", "gpt2-old-names"])
    func otherFamiliesAreNamed(_ name: String) throws {
        let folder = try SharedReference.path("reference/models/\(name)")
        let error = #expect(throws: FileError.self) { try Tokenizer(folder: folder) }
        #expect(error?.path.contains(name) == true)
        #expect(error?.remedy.contains("supported") == true, "\(String(describing: error))")
    }

    @Test func hubFilesWithoutModelType() throws {
        let folder = try SharedReference.path("reference/tokenizers/files/t5-hubstyle")
        let error = #expect(throws: FileError.self) { try Tokenizer(folder: folder) }
        #expect(error?.problem == "model.type: \"Unigram\" is not supported")
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
