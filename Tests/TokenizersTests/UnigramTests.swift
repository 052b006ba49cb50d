import Files
import Testing

@testable import Tokenizers

struct UnigramTests {
    private func tokens(_ text: String, _ tokenizer: Tokenizer) -> [String] {
        tokenizer.encode(text, addSpecialTokens: false).tokens(using: tokenizer)
    }

    @Test func theHighestSumWins() throws {
        let tokenizer = try load(["tokenizer.json": Small.unigram()])
        // ▁ab: -7, ▁a b: -9, ▁ ab: -8.
        #expect(tokens("ab", tokenizer) == ["▁ab"])
        #expect(tokens("abc ab", tokenizer) == ["▁ab", "c", "▁ab"])
        // Of the sums -8 and -8 the one found first.
        var pieces = Small.pieces
        pieces[9] = ("▁ab", -8)
        let tie = try load(["tokenizer.json": Small.unigram(pieces)])
        #expect(tokens("ab", tie) == ["▁ab"])
        let encoding = tokenizer.encode("a  b")
        #expect(encoding.tokens(using: tokenizer) == ["▁a", "▁", "▁", "b"])
        #expect(encoding.offsets == [0..<1, 1..<2, 2..<3, 3..<4])
        #expect(tokenizer.decode(encoding.ids) == "a  b")
    }

    @Test func unknownTextIsOneToken() throws {
        let tokenizer = try load(["tokenizer.json": Small.unigram()])
        let encoding = tokenizer.encode("xyz b")
        #expect(encoding.ids == [4, 3, 4, 6])
        #expect(encoding.offsets == [0..<1, 0..<3, 3..<4, 4..<5])
        #expect(tokenizer.unkID == 3)
        let bytes = try load([
            "tokenizer.json": Small.unigram(
                Small.pieces + [("<0xC3>", -20), ("<0xBC>", -20)],
                model: [("byte_fallback", true)])
        ])
        #expect(tokens("ü", bytes) == ["▁", "<0xC3>", "<0xBC>"])
        #expect(tokens("üx", bytes) == ["▁", "<unk>"])
    }

    @Test func metaspace() throws {
        func make(_ scheme: JSON, _ more: [(key: String, value: JSON)] = []) throws -> Tokenizer {
            var step: JSON = ["type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme]
            for (key, value) in more { step.set(key, value) }
            return try load([
                "tokenizer.json": Small.unigram(parts: [("pre_tokenizer", step)])
            ])
        }
        #expect(try make("always").ids(of: "a<s>a").ids == [8, 0, 8])
        #expect(try make("first").ids(of: "a<s>a").ids == [8, 0, 5])
        #expect(try make("never").ids(of: "a<s>a").ids == [5, 0, 5])
        #expect(try make(.null, [("add_prefix_space", false)]).ids(of: "a").ids == [5])
        #expect(try make(.null, [("str_rep", "▁")]).ids(of: "a").ids == [8])
        let words: JSON = [
            "type": "Sequence",
            "pretokenizers": [
                ["type": "WhitespaceSplit"],
                ["type": "Metaspace", "replacement": "▁", "add_prefix_space": true],
            ],
        ]
        let hub = try load(["tokenizer.json": Small.unigram(parts: [("pre_tokenizer", words)])])
        #expect(tokens(" ab \t ▁a", hub) == ["▁ab", "▁a"])
        #expect(hub.encode(" ab \t ▁a").offsets == [1..<3, 6..<8])
    }

    @Test func characterMaps() throws {
        let bytes = Small.characterMap([(0x09, " "), (0x41, "ab"), (0x42, "")])
        let map = try #require(CharacterMap(bytes))
        var text = NormalizedText(Array("xAB\ty\u{301}".utf8), isAligned: false)
        map.apply(to: &text)
        #expect(String(decoding: text.bytes, as: UTF8.self) == "xab y\u{301}")
        let json = Small.unigram(
            parts: [
                (
                    "normalizer",
                    ["type": "Precompiled", "precompiled_charsmap": .string(base64(bytes))]
                )
            ])
        let tokenizer = try load(["tokenizer.json": json])
        #expect(tokens("cA\tB", tokenizer) == ["▁", "c", "ab", "▁"])
        #expect(CharacterMap([]) == nil && CharacterMap([255, 255, 255, 255, 0, 0, 0, 0]) == nil)
        let endless = Small.characterMap([(0x41, String(repeating: "a", count: 2000))])
        #expect(CharacterMap(endless) == nil)
    }

    private func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for place in 0..<4 {
                text.append(place > part.count ? "=" : digits[bits >> (18 - 6 * place) & 63])
            }
        }
        return text
    }

    @Test func base64IsRead() {
        for count in 0..<9 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 251 &* $0 &+ 60) }
            #expect(Base64.decode(base64(bytes)) == bytes)
        }
        for bad in ["A", "AA=A", "A===", "AB C", "====", "AAé="] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
    }

    @Test func scoresAreReadAsTheReferenceDoes() {
        for text in ["0", "-0.5", "12", "-2.523940086364746", "1e3", "2.5E-3", "0.0", "1e-320"] {
            #expect(ScoreText.value(text) == Double(text), "\(text)")
        }
        // Eighteen digits are more than a Double holds: rounded first, divided then.
        #expect(ScoreText.value("0.100000000000000037") == 100000000000000037.0 / 1e18)
        #expect(ScoreText.value("123456789012345678901234") == 12345678901234567890.0 * 1e4)
        for text in [
            "1e999", "-1e400", "1e99999999999999999999", "1e-9223372036854775808",
            "1e9223372036854775807", "1e1000000",
        ] {
            #expect(ScoreText.value(text) == nil, "\(text)")
        }
        #expect(ScoreText.value("0e999") == 0 && ScoreText.value("1e-999") == 0)
    }

    @Test func replacements() {
        func replaced(_ text: String, _ pattern: Replacement.Pattern, _ content: String) -> String {
            var normalized = NormalizedText(Array(text.utf8), isAligned: true)
            Replacement(pattern: pattern, content: Array(content.utf8)).apply(to: &normalized)
            #expect(normalized.origins.count == normalized.bytes.count)
            return String(decoding: normalized.bytes, as: UTF8.self)
        }
        #expect(replaced("``a`` ```", .text(Array("``".utf8)), "\"") == "\"a\" \"`")
        #expect(replaced(" a  b   ", .run(ofSpaces: false, minimum: 2), "▁") == " a▁b▁")
        #expect(replaced("a\u{A0}\n b", .run(ofSpaces: true, minimum: 1), " ") == "a b")
        #expect(replaced("aa", .text([0x61]), "") == "")
    }

    @Test func sentencePieceFiles() throws {
        let plain = Small.pieces.dropFirst(4).map { ($0.0, $0.1, 1) }
        let start = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
        let map = Small.characterMap([(0x41, "a")])
        let xlm = try Small.load(
            "sentencepiece.bpe.model", Small.model(start + plain, unknownID: 0, map: map))
        #expect(
            xlm.encode("Ab <mask>").tokens(using: xlm) == ["<s>", "▁ab", "<mask>", "</s>"])
        #expect(xlm.ids(of: "ab").ids == [0, 9, 2] && xlm.maskID == Int32(plain.count + 4))
        let t5Start = [("<pad>", 0.0, 3), ("</s>", 0.0, 3), ("<unk>", 0.0, 2)]
        let t5 = try Small.load(
            "spiece.model", Small.model(t5Start + plain, unknownID: 2),
            ["tokenizer_config.json": "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}"])
        #expect(
            t5.encode("ab <extra_id_0>").tokens(using: t5) == ["▁ab", "<extra_id_0>", "</s>"])
        #expect(t5.vocabularySize == plain.count + 5 && t5.clsID == nil && t5.padID == 0)
        let albertStart = [
            ("<pad>", 0.0, 3), ("<unk>", 0, 2), ("[CLS]", 0, 3), ("[SEP]", 0, 3), ("[MASK]", 0, 4),
            ("1,", -1, 1), ("1", -5, 1), (",", -5, 1),
        ]
        let file = Small.model(albertStart + plain, unknownID: 1)
        let albert = try Small.load("spiece.model", file)
        #expect(
            albert.encode("ÁB 1,").tokens(using: albert) == [
                "[CLS]", "▁ab", "▁", "1", ",", "[SEP]",
            ])
        #expect(albert.encode(pair: "a", "b").typeIDs == [0, 0, 0, 1, 1, 1])
        let cased = try Small.load(
            "spiece.model", file,
            [
                "tokenizer_config.json":
                    "{\"tokenizer_class\": \"AlbertTokenizer\", \"do_lower_case\": false, \"keep_accents\": true}"
            ])
        #expect(cased.encode("Aé").tokens(using: cased) == ["[CLS]", "▁", "<unk>", "é", "[SEP]"])
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        try albert.save(to: folder)
        #expect(try FileBytes.read(folder + "/spiece.model") == file)
        #expect(try Tokenizer(folder: folder).ids(of: "ab 1").ids == albert.ids(of: "ab 1").ids)
    }

    @Test func badFiles() throws {
        let pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("a", -1.0, 1)]
        for (bytes, problem) in [
            ([], "no pieces"), ([0x0A, 0x7F], "cut short"), ([0x0B], "cut short"),
            (Array(repeating: 0xFF, count: 40), "cut short"),
            (Small.model(pieces, unknownID: 9), "trainer_spec.unk_id"),
            (Small.model(pieces, unknownID: 0, trainer: [(3, 2)]), "trainer_spec.model_type: 2"),
            (Small.model(pieces, unknownID: 0, trainer: [(24, 1)]), "treat_whitespace_as_suffix"),
            (Small.model(pieces, unknownID: 0, normalizer: [(3, 0)]), "add_dummy_prefix"),
            (Small.model(pieces, unknownID: 0, map: [1, 2, 3]), "precompiled_charsmap"),
            (Small.model([("a", .nan, 1)], unknownID: 0), "pieces[0].score"),
            (Small.model([("a", 0, 9)], unknownID: 0), "pieces[0].type: 9"),
        ] as [([UInt8], String)] {
            let error = #expect(throws: FileError.self) {
                try Small.load("spiece.model", bytes, ["config.json": "{\"model_type\": \"t5\"}"])
            }
            #expect(
                error?.problem.contains(problem) == true, "\(problem): \(String(describing: error))"
            )
        }
        for (text, problem) in [
            (Small.unigram(model: [("unk_id", 99)]), "model.unk_id"),
            (Small.unigram(model: [("unk_id", .null)]), "model.unk_id: missing"),
            (Small.unigram(model: [("vocab", [["a"]])]), "model.vocab[0]"),
            (Small.unigram(model: [("vocab", [["a", .number("1e999")]])]), "model.vocab[0]"),
            (
                Small.unigram(parts: [
                    ("pre_tokenizer", ["type": "ByteLevel", "add_prefix_space": true])
                ]), "ByteLevel is not supported with Unigram"
            ),
            (
                Small.unigram(parts: [
                    ("normalizer", ["type": "Precompiled", "precompiled_charsmap": "AAA"])
                ]), "normalizer.precompiled_charsmap"
            ),
            (
                Small.unigram(parts: [
                    ("normalizer", ["type": "Replace", "pattern": ["Regex": "a|b"], "content": ""])
                ]), "normalizer.pattern.Regex"
            ),
            (
                Small.unigram(parts: [
                    ("pre_tokenizer", ["type": "Metaspace", "replacement": "__"])
                ]), "pre_tokenizer.replacement"
            ),
        ] {
            let error = #expect(throws: FileError.self) { try load(["tokenizer.json": text]) }
            #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
        }
    }
}
