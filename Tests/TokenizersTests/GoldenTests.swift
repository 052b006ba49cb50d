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
        try compare(tokenizer, test)
    }

    @Test(arguments: cases)
    func everyRowAfterSaving(_ test: Case) throws {
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        try Tokenizer(folder: try SharedReference.path("reference/" + test.folder))
            .save(to: folder)
        #expect(FileBytes.exists(folder + "/tokenizer.json"))
        try compare(try Tokenizer(folder: folder), test)
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

    private func compare(_ tokenizer: Tokenizer, _ test: Case) throws {
        var reader = try LineReader(
            path: try SharedReference.path("reference/tokenizers/\(test.golden).golden.jsonl"))
        var rows = 0
        while let line = try reader.next() {
            let row = try JSON(parsing: line)
            let kind = try #require(row["kind"]?.string)
            switch kind {
            case "single": try single(tokenizer, row)
            case "truncate8", "truncate16":
                let text = try #require(row["text"]?.string)
                let length = try #require(Int(kind.dropFirst("truncate".count)))
                let encoding = tokenizer.encode(text, maxLength: length)
                expectIDs(encoding, row)
                #expect(encoding.isTruncated && encoding.ids.count == length)
                let all = tokenizer.ids(of: text)
                #expect(encoding.truncatedCount == all.ids.count - length)
                let fast = tokenizer.ids(of: text, maxLength: length)
                #expect(fast.ids == encoding.ids && fast.truncated == encoding.truncatedCount)
            case "pair", "pair_truncate16":
                let encoding = tokenizer.encode(
                    pair: try #require(row["text"]?.string),
                    try #require(row["text_pair"]?.string),
                    maxLength: kind == "pair" ? nil : 16)
                expectIDs(encoding, row)
                if kind == "pair" { expectDetails(tokenizer, encoding, row) }
            case "batch": try batch(tokenizer, row)
            default: Issue.record("unknown kind \(kind)")
            }
            rows += 1
        }
        #expect(rows == test.rows)
    }

    private func single(_ tokenizer: Tokenizer, _ row: JSON) throws {
        let text = try #require(row["text"]?.string)
        let encoding = tokenizer.encode(text)
        expectIDs(encoding, row)
        expectDetails(tokenizer, encoding, row)
        #expect(!encoding.isTruncated)
        let decoded = tokenizer.decode(encoding.ids, skipSpecialTokens: true)
        let expected = try #require(row["decoded"]?.string)
        #expect(Array(decoded.utf8) == Array(expected.utf8))
        let fast = tokenizer.ids(of: text)
        #expect(fast.ids == encoding.ids && fast.truncated == 0)
    }

    private func batch(_ tokenizer: Tokenizer, _ row: JSON) throws {
        let maxLength = try #require(row["max_length"]?.int)
        let all = try #require(row["texts"]?.array).map {
            tokenizer.ids(of: try #require($0.string), maxLength: maxLength).ids
        }
        let width = all.map(\.count).max() ?? 0
        let pad = try #require(tokenizer.padID)
        let padded = all.map { $0 + Array(repeating: pad, count: width - $0.count) }
        #expect(padded.map { $0.map(Int.init) } == row["ids"]?.array?.map(integers))
        let masks = all.map {
            Array(repeating: 1, count: $0.count) + Array(repeating: 0, count: width - $0.count)
        }
        #expect(masks == row["attention_mask"]?.array?.map(integers))
    }

    private func expectIDs(_ encoding: Encoding, _ row: JSON) {
        #expect(encoding.ids.map(Int.init) == row["ids"].map(integers), "\(row.text())")
        #expect(
            row["attention_mask"].map(integers) == Array(repeating: 1, count: encoding.ids.count))
        // Some tokenizers give no type ids; a null is no list.
        if let types = row["token_type_ids"]?.array {
            #expect(encoding.typeIDs.map(Int.init) == types.compactMap(\.int), "\(row.text())")
        }
    }

    private func expectDetails(_ tokenizer: Tokenizer, _ encoding: Encoding, _ row: JSON) {
        let tokens = encoding.tokens(using: tokenizer).map { Array($0.utf8) }
        let expected = row["tokens"]?.array?.compactMap(\.string).map { Array($0.utf8) }
        #expect(tokens == expected, "\(row.text())")
        let offsets = encoding.offsets.map { [$0.lowerBound, $0.upperBound] }
        #expect(offsets == row["offsets"]?.array?.map(integers), "\(row.text())")
        let mask = encoding.specialTokensMask.map { $0 ? 1 : 0 }
        #expect(mask == row["special_tokens_mask"].map(integers), "\(row.text())")
    }

    private func integers(_ json: JSON) -> [Int] { json.array?.compactMap(\.int) ?? [] }
}
