import Files
import Testing

@testable import Tokenizers

struct PipelineTests {
    /// Blocks that are not asked for capitals have none, and capitals elsewhere are found.
    @Test func capitals() {
        let wrong = (UInt32(0)..<0x110000).filter { value in
            guard let scalar = Unicode.Scalar(value) else { return false }
            return ScalarClass.of(value).contains(.upper) != scalar.properties.changesWhenLowercased
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5).map { String($0, radix: 16) })")
    }

    private func normalized(_ text: String, _ normalizer: Normalizer) -> [UInt32] {
        var result = NormalizedText(Array(text.utf8), isAligned: true)
        normalizer.apply(to: &result)
        #expect(result.origins.count == result.bytes.count)
        return result.scalars.map(\.value)
    }

    @Test func unicodeForms() {
        #expect(normalized("é", .nfd) == [0x65, 0x301])
        #expect(normalized("e\u{301}", .nfc) == [0xE9])
        #expect(normalized("\u{1EA4}", .nfd) == [0x41, 0x302, 0x301])
        #expect(normalized("A\u{302}\u{301}", .nfc) == [0x1EA4])
        // Marks change places by class; equal classes do not.
        #expect(normalized("a\u{301}\u{323}", .nfd) == [0x61, 0x323, 0x301])
        #expect(normalized("a\u{301}\u{323}", .nfc) == [0x1EA1, 0x301])
        #expect(normalized("a\u{308}\u{301}", .nfd) == [0x61, 0x308, 0x301])
        #expect(normalized("a\u{301}\u{301}", .nfc) == [0xE1, 0x301])
        // Never composed again.
        #expect(normalized("\u{958}", .nfc) == [0x915, 0x93C])
        #expect(normalized("\u{212B}", .nfc) == [0xC5])
        #expect(normalized("\u{2126}", .nfd) == [0x3A9])
        #expect(normalized("각", .nfd) == [0x1100, 0x1161, 0x11A8])
        #expect(normalized("\u{1100}\u{1161}\u{11A8}", .nfc) == [0xAC01])
        #expect(normalized("ﬁ①Ａ", .nfkc) == [0x66, 0x69, 0x31, 0x41])
        #expect(normalized("ﬁ①Ａ", .nfc) == [0xFB01, 0x2460, 0xFF21])
        #expect(normalized("ǅ", .nfkd) == [0x44, 0x7A, 0x30C])
        #expect(normalized("𝐀𝟗", .nfkd) == [0x41, 0x39])
        #expect(normalized("", .nfkc) == [])
    }

    @Test func otherNormalizers() {
        #expect(normalized("ÀΣİ", .lowercase) == [0xE0, 0x3C3, 0x69, 0x307])
        #expect(normalized("a\u{301}\u{903}", .stripAccents) == [0x61])
        #expect(normalized(" \ta b ", .strip(left: true, right: true)) == [0x61, 0x20, 0x62])
        #expect(normalized(" \ta b ", .strip(left: false, right: true)).count == 5)
        #expect(normalized("  ", .strip(left: true, right: true)) == [])
        #expect(normalized("É", .sequence([.nfd, .stripAccents, .lowercase])) == [0x65])
    }

    @Test func preTokenizers() {
        func words(_ text: String, _ step: PreTokenizer) -> [String] {
            var normalized = NormalizedText(Array(text.utf8), isAligned: false)
            var pieces = [0..<normalized.bytes.count]
            step.split(&normalized, &pieces)
            return pieces.map { String(decoding: normalized.bytes[$0], as: UTF8.self) }
        }
        let text = "it's  (a_b)—né。$5\u{85}x "
        #expect(
            words(text, .bert)
                == ["it", "'", "s", "(", "a", "_", "b", ")", "—", "né", "。", "$", "5", "x"])
        #expect(words(text, .whitespaceSplit) == ["it's", "(a_b)—né。$5", "x"])
        #expect(
            words(text, .whitespace)
                == ["it", "'", "s", "(", "a_b", ")—", "né", "。$", "5", "x"])
        #expect(words("a, b", .punctuation) == ["a", ",", " b"])
        #expect(words("a-b c", .sequence([.whitespaceSplit, .bert])) == ["a", "-", "b", "c"])
        #expect(words("", .bert).isEmpty && words("   ", .whitespace).isEmpty)
    }

    @Test func templates() throws {
        let processor: JSON = [
            "type": "TemplateProcessing",
            "single": [
                ["SpecialToken": ["id": "both", "type_id": 1]],
                ["Sequence": ["id": "A", "type_id": 2]],
            ],
            "pair": [
                ["Sequence": ["id": "B", "type_id": 0]],
                ["SpecialToken": ["id": "both", "type_id": 3]],
                ["Sequence": ["id": "A", "type_id": 4]],
            ],
            "special_tokens": [
                "both": ["id": "both", "ids": [2, 3], "tokens": ["[CLS]", "[SEP]"]]
            ],
        ]
        let tokenizer = try load(["tokenizer.json": tokenizerJSON(["post_processor": processor])])
        let single = tokenizer.encode("hello")
        #expect(single.ids == [2, 3, 16] && single.typeIDs == [1, 1, 2])
        let pair = tokenizer.encode(pair: "hello", "world")
        #expect(pair.ids == [17, 2, 3, 16] && pair.typeIDs == [0, 3, 3, 4])
        #expect(tokenizer.encode("hello", addSpecialTokens: false).typeIDs == [2])
        #expect(tokenizer.specialTokenCount == 2)
    }

    @Test func decoderRepairsSpaces() {
        let decoder = Decoder.wordPiece(prefix: "##", cleanup: true)
        #expect(decoder.decode(["##a", "b", "##c", ".", "n't", "d"]) == "##a bc.n't d")
        let plain = Decoder.wordPiece(prefix: "##", cleanup: false)
        #expect(plain.decode(["a", ".", "##"]) == "a .")
    }
}
