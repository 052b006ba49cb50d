import Files
import Testing

@testable import Tokenizers

/// Reads what the Python library wrote: one row a line.
enum Golden {
    /// Holds `tokenizer` against every row of `file`.
    static func compare(_ tokenizer: Tokenizer, _ file: String, rows expected: Int) throws {
        var reader = try LineReader(path: file)
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
        #expect(rows == expected)
    }

    private static func single(_ tokenizer: Tokenizer, _ row: JSON) throws {
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

    private static func batch(_ tokenizer: Tokenizer, _ row: JSON) throws {
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

    private static func expectIDs(_ encoding: Encoding, _ row: JSON) {
        #expect(encoding.ids.map(Int.init) == row["ids"].map(integers), "\(row.text())")
        #expect(
            row["attention_mask"].map(integers) == Array(repeating: 1, count: encoding.ids.count))
        // Some tokenizers give no type ids; a null is no list.
        if let types = row["token_type_ids"]?.array {
            #expect(encoding.typeIDs.map(Int.init) == types.compactMap(\.int), "\(row.text())")
        }
    }

    private static func expectDetails(_ tokenizer: Tokenizer, _ encoding: Encoding, _ row: JSON) {
        let tokens = encoding.tokens(using: tokenizer).map { Array($0.utf8) }
        let expected = row["tokens"]?.array?.compactMap(\.string).map { Array($0.utf8) }
        #expect(tokens == expected, "\(row.text())")
        let offsets = encoding.offsets.map { [$0.lowerBound, $0.upperBound] }
        #expect(offsets == row["offsets"]?.array?.map(integers), "\(row.text())")
        let mask = encoding.specialTokensMask.map { $0 ? 1 : 0 }
        #expect(mask == row["special_tokens_mask"].map(integers), "\(row.text())")
    }

    private static func integers(_ json: JSON) -> [Int] { json.array?.compactMap(\.int) ?? [] }
}
