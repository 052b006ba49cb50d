import Files
import Testing

@testable import Tokenizers

struct EncodeTests {
    private func tokens(
        _ text: String, _ tokenizer: Tokenizer, special: Bool = false
    ) -> [String] {
        let encoding = tokenizer.encode(text, addSpecialTokens: special)
        return encoding.tokens(using: tokenizer)
    }

    @Test func longestPiecesFromTheLeft() throws {
        let tokenizer = try small()
        #expect(tokens("Unaffable", tokenizer) == ["un", "##aff", "##able"])
        #expect(tokens("unaffablez", tokenizer) == ["[UNK]"])
        #expect(tokens("abbb", tokenizer) == ["a", "##b", "##b", "##b"])
        let encoding = tokenizer.encode("The unaffable!")
        #expect(
            encoding.tokens(using: tokenizer)
                == ["[CLS]", "the", "un", "##aff", "##able", "!", "[SEP]"])
        #expect(
            encoding.offsets == [0..<0, 0..<3, 4..<6, 6..<9, 9..<13, 13..<14, 0..<0])
        #expect(encoding.specialTokensMask == [true, false, false, false, false, false, true])
        #expect(encoding.typeIDs == [0, 0, 0, 0, 0, 0, 0])
    }

    @Test func longWordsAreUnknown() throws {
        let tokenizer = try small()
        func word(_ count: Int, _ letter: String = "b") -> String {
            "a" + String(repeating: letter, count: count - 1)
        }
        #expect(tokens(word(100), tokenizer).count == 100)
        #expect(tokens(word(101), tokenizer) == ["[UNK]"])
        // Characters count, not bytes.
        let wide = String(repeating: "ж", count: 100)
        #expect(tokenizer.encode(wide).offsets == [0..<0, 0..<100, 0..<0])
        let long = tokenizer.encode(word(101) + " a")
        #expect(long.offsets == [0..<0, 0..<101, 102..<103, 0..<0])
    }

    @Test func specialTokensAreNeverCut() throws {
        let tokenizer = try small()
        #expect(tokens("hello[MASK]world", tokenizer) == ["hello", "[MASK]", "world"])
        #expect(tokens("[mask]", tokenizer) == ["[", "mask", "]"])
        let encoding = tokenizer.encode("a [SEP] b")
        #expect(encoding.ids == [2, 9, 3, 1, 3])
        #expect(encoding.specialTokensMask == [true, false, false, false, true])
        #expect(encoding.offsets[2] == 2..<7)
    }

    @Test func controlCharactersGo() throws {
        let tokenizer = try small()
        #expect(tokens("he\u{0}l\u{200B}lo\u{FFFD}", tokenizer) == ["hello"])
        #expect(tokenizer.encode("h\u{AD}ello").offsets[1] == 0..<6)
        #expect(tokens("\u{7}\u{1F}", tokenizer).isEmpty)
        #expect(
            tokens("hello\u{A0}world\tthe\u{3000}a", tokenizer) == ["hello", "world", "the", "a"])
    }

    @Test func ideographsStandApart() throws {
        let tokenizer = try small()
        #expect(tokens("a中国hello", tokenizer) == ["a", "中", "国", "hello"])
        #expect(tokenizer.encode("a中国").offsets == [0..<0, 0..<1, 1..<2, 2..<3, 0..<0])
        #expect(tokens("のの", tokenizer) == ["[UNK]"])
    }

    @Test func accentsAndCase() throws {
        let tokenizer = try small()
        #expect(tokens("Café", tokenizer) == ["cafe"])
        #expect(tokens("Cafe\u{301}", tokenizer) == ["cafe"])
        #expect(tokenizer.encode("Cafe\u{301} a").offsets == [0..<0, 0..<4, 6..<7, 0..<0])
        // No rule for a final sigma, no expansion of ß.
        #expect(tokens("Σ", tokenizer) == ["σ"])
        #expect(tokens("aΣ", tokenizer) == ["[UNK]"])
        #expect(tokens("ß", tokenizer) == ["ß"])
        // İ is i and a dot, which goes as an accent.
        #expect(tokens("İ", tokenizer) == ["i"])
        let cased = try small(lowercase: false)
        #expect(tokens("Hello", cased) == ["[UNK]"])
        #expect(tokens("hello İ", cased) == ["hello", "İ"])
        #expect(tokens("café", cased) == ["[UNK]"])
    }

    @Test func truncation() throws {
        let tokenizer = try small()
        let encoding = tokenizer.encode("hello world the a", maxLength: 4)
        #expect(encoding.ids == [2, 16, 17, 3])
        #expect(encoding.truncatedCount == 2 && encoding.isTruncated)
        #expect(tokenizer.encode("hello world", maxLength: 4).isTruncated == false)
        #expect(tokenizer.encode("hello world", maxLength: 2).ids == [2, 3])
        #expect(tokenizer.encode("hello world", maxLength: 0, addSpecialTokens: false).ids == [])
        let fast = tokenizer.ids(of: "hello world the a", maxLength: 4)
        #expect(fast.ids == encoding.ids && fast.truncated == 2)
    }

    @Test func pairsLoseTheLongerTextFirst() throws {
        let tokenizer = try small()
        func ids(_ first: Int, _ second: Int, _ maxLength: Int) -> [Int32] {
            tokenizer.encode(
                pair: Array(repeating: "hello", count: first).joined(separator: " "),
                Array(repeating: "world", count: second).joined(separator: " "),
                maxLength: maxLength
            ).ids
        }
        #expect(ids(2, 6, 8) == [2, 16, 16, 3, 17, 17, 17, 3])
        #expect(ids(6, 2, 8) == [2, 16, 16, 16, 3, 17, 17, 3])
        #expect(ids(6, 6, 8) == [2, 16, 16, 3, 17, 17, 17, 3])
        #expect(ids(6, 1, 7) == [2, 16, 16, 16, 3, 17, 3])
        let pair = tokenizer.encode(pair: "hello", "world")
        #expect(pair.typeIDs == [0, 0, 0, 1, 1])
        #expect(pair.offsets == [0..<0, 0..<5, 0..<0, 0..<5, 0..<0])
        #expect(tokenizer.encode(pair: "hello", "") == tokenizer.encode("hello"))
        #expect(
            tokenizer.encode(pair: "hello", "world", addSpecialTokens: false).typeIDs == [0, 1])
    }

    @Test func decoding() throws {
        let tokenizer = try small()
        let ids = tokenizer.encode("the unaffable hello .").ids
        #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "the unaffable hello.")
        #expect(
            tokenizer.decode(ids, skipSpecialTokens: false)
                == "[CLS] the unaffable hello. [SEP]")
        #expect(tokenizer.decode([-1, 9999, Int32.max, 5], skipSpecialTokens: true) == "the")
    }

    @Test func oneAndManySteps() throws {
        // The quick way through the normalizer must give what the steps give.
        let pools: [[UInt32]] = [
            Array(0..<0x180), Array(0x300..<0x370) + [0x61, 0x41, 0x20, 0xE9],
            Array(0x1D165..<0x1D173) + [0x323, 0x301, 0x94D, 0xA9C0, 0x61, 0x302E],
            Array(0xF900..<0xFB00), Array(0x1100..<0x1200) + Array(0xAC00..<0xAC40),
            Array(0x370..<0x530), Array(0x1E00..<0x2000), Array(0xE000..<0x11000),
        ]
        var generator = SystemRandomNumberGenerator()
        for round in 0..<300 {
            var text = ""
            for _ in 0..<20 {
                let pool = pools[(round + Int.random(in: 0...1, using: &generator)) % pools.count]
                let value = pool[Int.random(in: 0..<pool.count, using: &generator)]
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
            for strip in [nil, true, false] {
                for (clean, cjk, lower) in [(true, true, true), (false, true, false)] {
                    let normalizer = BertNormalizer(
                        cleanText: clean, handleChineseCharacters: cjk, stripAccents: strip,
                        lowercase: lower)
                    var quick = NormalizedText(Array(text.utf8), isAligned: true)
                    var steps = quick
                    normalizer.apply(to: &quick)
                    normalizer.stepByStep(&steps)
                    #expect(quick.bytes == steps.bytes, "\(text.unicodeScalars.map(\.value))")
                    #expect(quick.origins == steps.origins)
                    var plain = NormalizedText(Array(text.utf8), isAligned: false)
                    normalizer.apply(to: &plain)
                    #expect(plain.bytes == quick.bytes)
                }
            }
        }
    }
}
