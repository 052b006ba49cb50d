import Files
import Testing

@testable import Tokenizers

struct LoadingTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        var changes: [String: JSON?]
        var problem: String
        var testDescription: String { name }
        init(_ name: String, _ changes: [String: JSON?], _ problem: String) {
            (self.name, self.changes, self.problem) = (name, changes, problem)
        }
    }

    static let bad: [Bad] = [
        Bad("no model", ["model": nil as JSON?], "model: missing"),
        Bad("model of another kind", ["model": "WordPiece"], "model: expected an object"),
        Bad(
            "word level", ["model": ["type": "WordLevel"]],
            "model.type: \"WordLevel\" is not supported"),
        Bad("type of another kind", ["model": ["type": 3]], "model.type: expected a string"),
        Bad("no type", ["model": ["vocab": [:]]], "model.type: missing"),
        Bad("list of words", ["model": model(["a", "b"])], "model.vocab: expected an object"),
        Bad("no words", ["model": model([:])], "model.vocab: expected tokens, found none"),
        Bad("negative id", ["model": model(["a": -1])], "must be from 0 to"),
        Bad("id of 2^31", ["model": model(["a": 2_147_483_648])], "must be from 0 to"),
        Bad("id of 1e300", ["model": model(["a": .number("1e300")])], "model.vocab.a: expected"),
        Bad("half an id", ["model": model(["a": 1.5])], "model.vocab.a: expected a whole number"),
        Bad("id as text", ["model": model(["a": "1"])], "found a string"),
        Bad(
            "one id twice", ["model": model(["[UNK]": 1, "a": 1])],
            "the id 1 stands for two tokens, \"[UNK]\" and \"a\""),
        Bad("one token twice", ["model": model(["a": 1, "a": 2])], "the token \"a\" has two ids"),
        Bad("no unknown token", ["model": model(["a": 0])], "model.unk_token: \"[UNK]\" is not"),
        Bad(
            "no room for characters",
            ["model": model(changes: [("max_input_chars_per_word", 0)])],
            "model.max_input_chars_per_word: expected a whole number from 1"),
        Bad(
            "new model key", ["model": model(changes: [("dropout", 1)])],
            "model.dropout: unknown key"),
        Bad("new key", ["future": 1], "future: unknown key"),
        Bad(
            "unknown normalizer", ["normalizer": ["type": "Nmt"]],
            "normalizer.type: \"Nmt\" is not supported"),
        Bad("half a normalizer", ["normalizer": ["type": "BertNormalizer"]], "clean_text: missing"),
        Bad(
            "inner normalizer",
            [
                "normalizer": [
                    "type": "Sequence", "normalizers": [["type": "NFC"], ["type": "Nmt"]],
                ]
            ],
            "normalizer.normalizers[1].type: \"Nmt\""),
        Bad(
            "unknown pre-tokenizer", ["pre_tokenizer": ["type": "UnicodeScripts"]],
            "pre_tokenizer.type: \"UnicodeScripts\""),
        Bad("unknown decoder", ["decoder": ["type": "CTC"]], "decoder.type: \"CTC\""),
        Bad(
            "unknown post-processor", ["post_processor": ["type": "Nothing"]],
            "post_processor.type: \"Nothing\""),
        Bad(
            "post-processor beyond the ids",
            ["post_processor": ["type": "BertProcessing", "sep": ["s", 99], "cls": ["c", 1]]],
            "post_processor."),
        Bad("added token of another kind", ["added_tokens": ["x"]], "added_tokens[0]: expected"),
        Bad(
            "added id of 2^31", ["added_tokens": [addedToken("<n>", 2_147_483_648)]],
            ".id: expected"),
        Bad("added id moves", ["added_tokens": [addedToken("a", 8)]], "has the id 8 here, but 9"),
        Bad("added id taken", ["added_tokens": [addedToken("<n>", 9)]], "already stands for \"a\""),
        Bad(
            "added twice", ["added_tokens": [addedToken("<n>", 99), addedToken("<n>", 99)]],
            "is added twice"),
        Bad(
            "template without text",
            [
                "post_processor": [
                    "type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": [:],
                ]
            ], "post_processor.single: expected sequence A"),
        Bad(
            "template with an unknown token",
            [
                "post_processor": [
                    "type": "TemplateProcessing",
                    "single": [["SpecialToken": ["id": "[X]", "type_id": 0]]], "pair": [],
                    "special_tokens": [:],
                ]
            ], "\"[X]\" is not among special_tokens"),
        Bad(
            "normalizers that multiply a text",
            ["normalizer": ["type": "Sequence", "normalizers": .array(multiplying)]],
            "normalizer: the steps may make"),
        Bad(
            "decoders that multiply a text",
            ["decoder": ["type": "Sequence", "decoders": .array(multiplying)]],
            "decoder: the steps may make"),
        Bad(
            "template of a million tokens",
            [
                "post_processor": [
                    "type": "TemplateProcessing",
                    "single": .array([sequenceA] + Array(repeating: specialX, count: 1000)),
                    "pair": [],
                    "special_tokens": [
                        "[X]": [
                            "id": "[X]", "tokens": ["[X]"],
                            "ids": .array(Array(repeating: 1, count: 1000)),
                        ]
                    ],
                ]
            ], "post_processor.single: expected at most 1024 tokens"),
        Bad(
            "template of many empty parts",
            [
                "post_processor": [
                    "type": "TemplateProcessing", "pair": [],
                    "single": .array([sequenceA] + Array(repeating: specialX, count: 2000)),
                    "special_tokens": ["[X]": ["id": "[X]", "tokens": [], "ids": []]],
                ]
            ], "post_processor.single: expected at most 1024 tokens"),
    ]

    /// Four steps that make sixteen letters of one.
    private static let multiplying = [JSON](
        repeating: [
            "type": "Replace", "pattern": ["String": "a"],
            "content": .string(String(repeating: "a", count: 16)),
        ], count: 4)
    private static let sequenceA: JSON = ["Sequence": ["id": "A", "type_id": 0]]
    private static let specialX: JSON = ["SpecialToken": ["id": "[X]", "type_id": 0]]

    /// The steps of real models stay far below the bound.
    @Test func textMayGrow() throws {
        let map = Small.characterMap([(0x41, String(repeating: "b", count: 33))])
        let step = Normalizer.sequence([
            .nfkd, .stripAccents, .lowercase, .precompiled(try #require(CharacterMap(map))),
            .prepend([0x20]), .replace(Replacement(pattern: .text([0x20]), content: [1, 2, 3])),
        ])
        let expected: Double = 3270  // 3 * (33 * 1.5 * 11 * 2 + 1)
        #expect(step.longest(of: 2) == expected)
        try TextGrowth.check(step.longest(of:), file: "", place: "normalizer")
        let content = [UInt8](repeating: 0x61, count: 64)
        let large = Normalizer.replace(Replacement(pattern: .text([0x61]), content: content))
        let twice = Normalizer.sequence([large, large])
        try TextGrowth.check(twice.longest(of:), file: "", place: "normalizer")
        let thrice = Normalizer.sequence([large, .sequence([large, large])])
        #expect(throws: FileError.self) {
            try TextGrowth.check(thrice.longest(of:), file: "", place: "normalizer")
        }
    }

    @Test(arguments: bad)
    func badFilesAreNamed(_ test: Bad) {
        let error = #expect(throws: FileError.self) {
            try load(["tokenizer.json": tokenizerJSON(test.changes)])
        }
        #expect(error?.path.hasSuffix("/tokenizer.json") == true)
        #expect(error?.problem.contains(test.problem) == true, "\(String(describing: error))")
    }

    @Test func textThatIsNoTokenizer() throws {
        let deep = String(repeating: "[", count: 100_000)
        let nested = String(repeating: "{\"type\":\"Sequence\",\"normalizers\":[", count: 5000)
        for text in [
            "", "{", "[]", "null", "{\"model\":", deep, "{\"normalizer\":" + nested, "\u{0}",
        ] {
            let error = #expect(throws: FileError.self) { try load(["tokenizer.json": text]) }
            #expect(error?.path.hasSuffix("/tokenizer.json") == true)
        }
        // Every beginning of a good file is a bad one.
        let good = tokenizerJSON()
        for end in stride(from: 0, to: good.utf8.count, by: 97) {
            let text = String(decoding: Array(good.utf8)[..<end], as: UTF8.self)
            #expect(throws: FileError.self) { try load(["tokenizer.json": text]) }
        }
    }

    @Test func folders() throws {
        let missing = #expect(throws: FileError.self) { try Tokenizer(folder: "/no/such/folder") }
        #expect(missing?.problem.contains("no such folder") == true)
        let empty = #expect(throws: FileError.self) { try load(["merges.txt": "x"]) }
        #expect(empty?.problem == "no tokenizer.json and no vocab.txt; found merges.txt")
        #expect(empty?.remedy.contains("spiece.model") == true)
    }

    private let words = smallVocabulary.joined(separator: "\n") + "\n"

    @Test func vocabularyFile() throws {
        let tokenizer = try load(["vocab.txt": words])
        #expect(tokenizer.ids(of: "Hello [MASK]").ids == [2, 16, 4, 3])
        #expect(tokenizer.padID == 0 && tokenizer.unkID == 1 && tokenizer.modelMaxLength == nil)
        let cased = try load([
            "vocab.txt": words,
            "tokenizer_config.json":
                "{\"do_lower_case\": false, \"model_max_length\": 64, \"mask_token\": \"<m>\"}",
        ])
        #expect(cased.ids(of: "Hello <m>").ids == [2, 1, Int32(smallVocabulary.count), 3])
        #expect(cased.modelMaxLength == 64)
        #expect(cased.maskID == Int32(smallVocabulary.count))
        // Windows line ends, no last line end, a byte order mark.
        let odd = "\u{FEFF}" + smallVocabulary.joined(separator: "\r\n")
        #expect(try load(["vocab.txt": odd]).ids(of: "hello").ids == [2, 16, 3])
        // A line that stands twice counts the second time; empty lines take an id.
        let twice = try load(["vocab.txt": words + "\n\nhello\n"])
        #expect(twice.ids(of: "hello").ids == [2, Int32(smallVocabulary.count + 2), 3])
        #expect(twice.vocabularySize == smallVocabulary.count + 3)
    }

    @Test func badVocabularyFiles() throws {
        for (files, problem) in [
            (["vocab.txt": ""], "expected a token a line"),
            (["vocab.txt": "a\nb\n"], "\"[UNK]\" is not in the vocabulary"),
            (["vocab.txt": "[UNK]\n[CLS]\n"], "\"[SEP]\" is not in the vocabulary"),
            (
                ["vocab.txt": words, "tokenizer_config.json": "{\"do_lower_case\": 1}"],
                "do_lower_case: expected true or false, found a number"
            ),
            (
                ["vocab.txt": words, "tokenizer_config.json": "{\"model_max_length\": -1}"],
                "model_max_length: expected a whole number"
            ),
            (
                [
                    "vocab.txt": words,
                    "tokenizer_config.json": "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
                ], "\"BertJapaneseTokenizer\" is not supported"
            ),
            (
                ["vocab.txt": words, "tokenizer_config.json": "{\"do_basic_tokenize\": false}"],
                "do_basic_tokenize: false is not supported"
            ),
            (
                ["vocab.txt": words, "added_tokens.json": "{\"<n>\": 5}"],
                "already stands for \"the\""
            ),
            (["vocab.txt": words, "added_tokens.json": "{\"<n>\": 1e99}"], "<n>: expected"),
            (["vocab.txt": words, "special_tokens_map.json": "[]"], "expected an object"),
            (
                ["vocab.txt": words, "tokenizer_config.json": "{\"truncation_side\": \"left\"}"],
                "truncation_side: \"left\" is not supported"
            ),
        ] as [([String: String], String)] {
            let error = #expect(throws: FileError.self) { try load(files) }
            #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
        }
    }

    @Test func configFiles() throws {
        let files = [
            "vocab.txt": words, "added_tokens.json": "{\"<n>\": 31, \"<s>\": 32}",
            "special_tokens_map.json": "{\"additional_special_tokens\": [\"<s>\"]}",
            "tokenizer_config.json": "{\"model_max_length\": 1e30, \"strip_accents\": false}",
        ]
        let tokenizer = try load(files)
        #expect(tokenizer.modelMaxLength == nil)
        #expect(tokenizer.ids(of: "<N> <s>").ids == [2, 31, 32, 3])
        #expect(tokenizer.decode([31, 32]) == "<n>")
        #expect(tokenizer.ids(of: "café").ids == [2, 1, 3])
        // Of a BERT tokenizer.json the config changes the case.
        let cased = try load([
            "tokenizer.json": tokenizerJSON(),
            "tokenizer_config.json": "{\"do_lower_case\": false}",
        ])
        #expect(cased.ids(of: "Hello hello").ids == [2, 1, 16, 3])
        let general = try load([
            "tokenizer.json": tokenizerJSON(),
            "tokenizer_config.json":
                "{\"do_lower_case\": false, \"tokenizer_class\": \"PreTrainedTokenizerFast\"}",
        ])
        #expect(general.ids(of: "Hello hello").ids == [2, 16, 16, 3])
    }

    @Test func savedFilesAreThoseThatWereRead() throws {
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        let files = [
            "tokenizer.json": tokenizerJSON(), "tokenizer_config.json": "{ \"x\":  1 }\n\n",
            "vocab.txt": words, "special_tokens_map.json": "{}", "added_tokens.json": "{}",
        ]
        try load(files).save(to: folder + "/deep/model")
        #expect(try FileBytes.names(in: folder + "/deep/model") == files.keys.sorted())
        for (name, text) in files {
            #expect(try FileBytes.readText(folder + "/deep/model/" + name) == text)
        }
    }

    @Test func aNewTokenizerIsSavedWhole() throws {
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        let tokenizer = try small(lowercase: false)
        try tokenizer.save(to: folder)
        #expect(try VocabularyFile.read(folder + "/vocab.txt") == smallVocabulary)
        for name in ["vocab.txt", "tokenizer.json"] {
            try FileBytes.remove(folder + "/" + name)
            let again = try Tokenizer(folder: folder)
            for text in ["Hello unaffable [MASK] café", "中国!", "hello world"] {
                #expect(again.encode(text) == tokenizer.encode(text), "without \(name)")
            }
            #expect(again.modelMaxLength == 128 && again.vocabularySize == smallVocabulary.count)
            try tokenizer.save(to: folder)
        }
    }

    @Test func badVocabularies() {
        for words in [
            [], ["a"], smallVocabulary + ["the"], smallVocabulary + [""],
            smallVocabulary + ["a\nb"], Array(smallVocabulary.dropFirst()),
        ] {
            #expect(throws: FileError.self) {
                try Tokenizer.wordPiece(vocabulary: words, lowercase: true, modelMaxLength: 8)
            }
        }
    }

    @Test func tokensAreComparedByTheirBytes() throws {
        // Composed and decomposed: two tokens, though Swift calls the strings equal.
        let words = smallVocabulary + ["\u{E9}", "e\u{301}"]
        let tokenizer = try Tokenizer.wordPiece(
            vocabulary: words, lowercase: false, modelMaxLength: 8)
        #expect(tokenizer.id(of: "\u{E9}") == 31 && tokenizer.id(of: "e\u{301}") == 32)
        #expect(tokenizer.ids(of: "\u{E9} e\u{301}").ids == [2, 31, 32, 3])
    }
}
