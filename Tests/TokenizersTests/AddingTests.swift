import Files
import TestSupport
import Testing

@testable import Tokenizers

/// `base` with `tokens`, after it was saved and loaded again; the two must be equal, and give the same files.
private func added(
    _ tokens: [String], to base: Tokenizer, sourceLocation: SourceLocation = #_sourceLocation
) throws -> (tokenizer: Tokenizer, files: [String: JSON]) {
    let tokenizer = try base.adding(specialTokens: tokens)
    return try withFolder { folder in
        try tokenizer.save(to: folder)
        let copy = try Tokenizer(folder: folder)
        func expect(_ isEqual: Bool, _ what: Comment) {
            #expect(isEqual, what, sourceLocation: sourceLocation)
        }
        expect(copy.added.tokens.map(\.token) == tokenizer.added.tokens.map(\.token), "tokens")
        expect(copy.added.tokens.map(\.id) == tokenizer.added.tokens.map(\.id), "ids")
        expect(copy.special == tokenizer.special, "special ids")
        expect(copy.postProcessor == tokenizer.postProcessor, "post-processor")
        expect(copy.vocabularySize == tokenizer.vocabularySize, "size")
        expect(copy.modelMaxLength == tokenizer.modelMaxLength, "longest text")
        for text in texts + tokens {
            expect(copy.encode(text) == tokenizer.encode(text), "\"\(text)\" after saving")
        }
        // What was added is known now: nothing changes any more.
        let again = try copy.adding(specialTokens: tokens)
        expect(again.files.map(\.name) == copy.files.map(\.name), "names of files")
        expect(again.files == copy.files, "files of tokens added again")
        var files: [String: JSON] = [:]
        for name in try FileBytes.names(in: folder) where name.hasSuffix(".json") {
            files[name] = try JSON(contentsOf: folder + "/" + name)
        }
        return (copy, files)
    }
}

private let texts = [
    "[Q1] A man[Q2] is", "the[Q1]the  [Q2]", "你好[Q2]\n[Q1] é", "[q1] [Q 1]", "", " [[Q1]] [Q1",
]

@Suite struct AddingTests {
    /// What Transformers 4.39 gives for the first of ``texts``.
    static let golden: [(model: String, ids: [[Int32]])] = [
        (
            "bert-tiny",
            [
                [6, 616, 78, 431, 617, 430, 7], [6, 433, 616, 433, 617, 7],
                [6, 5, 298, 617, 616, 82, 7], [6, 32, 94, 69, 33, 32, 94, 59, 33, 7],
            ]
        ),
        (
            "gpt2-tiny",
            [
                [640, 220, 32, 285, 641, 272], [83, 302, 640, 83, 302, 220, 220, 641],
                [384, 254, 299, 121, 641, 198, 640, 220, 127, 102],
                [58, 80, 16, 60, 220, 58, 48, 220, 16, 60],
            ]
        ),
        (
            "roberta-tiny",
            [
                [0, 640, 224, 36, 289, 641, 276, 2], [0, 87, 306, 640, 87, 306, 224, 224, 641, 2],
                [0, 388, 258, 303, 125, 641, 202, 640, 224, 131, 106, 2],
                [0, 62, 84, 20, 64, 224, 62, 52, 224, 20, 64, 2],
            ]
        ),
        (
            "xlmroberta-tiny",
            [
                [0, 802, 6, 10, 803, 4, 7, 2], [0, 16, 802, 16, 803, 2],
                [0, 4, 3, 803, 802, 4, 3, 2], [0, 4, 3, 773, 3, 4, 3, 4, 3, 2],
            ]
        ),
        (
            "t5-encoder-tiny",
            [
                [812, 5, 10, 813, 3, 6, 1], [19, 812, 19, 813, 1], [3, 2, 704, 813, 812, 3, 2, 1],
                [3, 2, 290, 2, 3, 2, 3, 2, 1],
            ]
        ),
        (
            "albert-tiny",
            [
                [2, 661, 5, 11, 662, 6, 8, 3], [2, 15, 661, 15, 6, 662, 3],
                [2, 6, 566, 1, 662, 6, 661, 6, 25, 3], [2, 6, 1, 644, 1, 6, 1, 644, 6, 1, 3],
            ]
        ),
        (
            "mpnet-tiny",
            [
                [0, 613, 74, 427, 614, 426, 2], [0, 429, 613, 429, 614, 2],
                [0, 5, 294, 614, 613, 78, 2], [0, 28, 90, 65, 29, 28, 90, 55, 29, 2],
            ]
        ),
    ]

    @Test(.enabled(if: SharedReference.isAvailable), arguments: golden)
    func idsOfTransformers(_ model: String, _ ids: [[Int32]]) throws {
        let folder = try SharedReference.path("reference/models/" + model)
        let (tokenizer, _) = try added(["[Q1]", "[Q2]"], to: Tokenizer(folder: folder))
        for (text, expected) in zip(texts, ids) {
            #expect(tokenizer.ids(of: text).ids == expected, "\(text)")
        }
        // Without `tokenizer.json` the other files must say it all.
        let others = try FileBytes.names(in: folder).filter {
            Tokenizer.fileNames.contains($0) && $0 != "tokenizer.json"
        }
        guard others.contains(where: { $0 == "merges.txt" || $0.hasSuffix(".model") }) else {
            return
        }
        try withFolder { copy in
            for name in others {
                try FileBytes.writeAtomically(
                    try FileBytes.read(folder + "/" + name), to: copy + "/" + name)
            }
            let (plain, _) = try added(["[Q1]", "[Q2]"], to: Tokenizer(folder: copy))
            for (text, expected) in zip(texts, ids) {
                #expect(plain.ids(of: text).ids == expected, "\(text)")
            }
        }
    }

    /// One folder for each of ``golden``.
    private static let someCases = GoldenTests.cases.filter { test in
        golden.contains { "models/" + $0.model == test.folder }
    }

    /// Texts without the new tokens are not touched.
    @Test(.enabled(if: SharedReference.isAvailable), arguments: someCases)
    fileprivate func everyRowAfterAdding(_ test: GoldenTests.Case) throws {
        let base = try Tokenizer(folder: try SharedReference.path("reference/" + test.folder))
        let (tokenizer, _) = try added(["[Q1]", "[Q2]"], to: base)
        #expect(tokenizer.vocabularySize == base.vocabularySize + 2)
        try Golden.compare(tokenizer, try SharedReference.path(test.file), rows: test.rows)
    }

    @Test func newTokens() throws {
        let (tokenizer, files) = try added(["<q>", "[Q 1]", " x"], to: small())
        let end = Int32(smallVocabulary.count)
        #expect(tokenizer.vocabularySize == smallVocabulary.count + 3)
        #expect(["<q>", "[Q 1]", " x"].map(tokenizer.id(of:)) == [end, end + 1, end + 2])
        #expect(tokenizer.ids(of: "A<q>[q 1][Q 1] x").ids.dropFirst(2).first == end)
        #expect(tokenizer.ids(of: "a[Q 1][Q 1] x").ids == [2, 9, end + 1, end + 1, end + 2, 3])
        #expect(tokenizer.decode([9, end, 9]) == "a a")
        #expect(tokenizer.encode("<q>").specialTokensMask == [true, false, true])
        let config = try #require(files["tokenizer_config.json"])
        #expect(
            config["additional_special_tokens"]?.array?.map(\.string) == ["<q>", "[Q 1]", " x"])
        let listed = config["added_tokens_decoder"]?[String(end)]
        #expect(listed?["content"]?.string == "<q>" && listed?["special"]?.bool == true)
        for key in ["normalized", "lstrip", "rstrip", "single_word"] {
            #expect(listed?[key]?.bool == false)
        }
        #expect(config["added_tokens_decoder"]?.members?.count == 8)
        #expect(config["cls_token"]?.string == "[CLS]")
        #expect(files["added_tokens.json"]?.members?.map(\.key) == ["<q>", "[Q 1]", " x"])
        #expect(
            files["special_tokens_map.json"]?["additional_special_tokens"]?.array?.count == 3)
        let model = try #require(files["tokenizer.json"])
        #expect(
            model["added_tokens"]?.array?.suffix(3).map { $0["id"]?.int }
                == [Int(end), Int(end) + 1, Int(end) + 2])
        #expect(model["model"]?["vocab"]?.members?.count == smallVocabulary.count)
    }

    @Test func nothingToAdd() throws {
        let base = try small()
        #expect(try base.adding(specialTokens: []).files == base.files)
    }

    /// A known token keeps its id and is found as a new one would be, as in the reference library.
    @Test func knownTokens() throws {
        let mask = addedToken("[MASK]", 4, left: true, normalized: true)
        let base = try load([
            "tokenizer.json": tokenizerJSON(["added_tokens": [addedToken("[CLS]", 2), mask]])
        ])
        #expect(base.ids(of: "a  [mask] THE").ids == [2, 9, 4, 5, 3])
        let (tokenizer, files) = try added(["the", "<q>", "[MASK]"], to: base)
        #expect(tokenizer.vocabularySize == base.vocabularySize + 1)
        #expect(["the", "<q>", "[MASK]"].map(tokenizer.id(of:)) == [5, 31, 4])
        #expect(tokenizer.added.tokens.map(\.id) == [2, 4, 5, 31])
        #expect(tokenizer.added.tokens.allSatisfy { $0.token.isSpecial && !$0.token.leftStrip })
        #expect(tokenizer.ids(of: "thea [MASK]").ids == [2, 5, 9, 4, 3])
        #expect(tokenizer.decode([5, 9]) == "a")
        #expect(files["added_tokens.json"]?.members?.map(\.key) == ["<q>"])
    }

    @Test func spellingsAreBytes() throws {
        let (tokenizer, _) = try added(["[\u{E9}]", "[e\u{301}]"], to: small())
        let end = Int32(smallVocabulary.count)
        #expect(tokenizer.ids(of: "[e\u{301}][\u{E9}]").ids == [2, end + 1, end, 3])
    }

    @Test func refused() throws {
        let base = try small()
        for (tokens, expected) in [
            (["a", ""], "token 2 of 2 is empty"),
            (["<q>", "<r>", "<q>"], "(\"<q>\") is given twice"),
            (["the", "the"], "token 2 of 2 (\"the\")"),
        ] {
            let error = fileError { _ = try base.adding(specialTokens: tokens) }
            #expect(error?.problem.contains(expected) == true, "\(String(describing: error))")
            #expect(error?.path == "additional_special_tokens" && error?.remedy.isEmpty == false)
        }
    }
}

/// What stands in the files beside the new tokens.
@Suite struct AddingFilesTests {
    /// Where nothing lists the added tokens, the small files say what the special ones are; with the list that is the
    /// configuration's part.
    @Test func olderFolders() throws {
        let map: JSON = [
            "cls_token": ["content": "a", "lstrip": false], "mask_token": "x",
            "additional_special_tokens": [
                "!", ["content": "<s>", "lstrip": true, "rstrip": false, "normalized": false],
            ],
        ]
        let base = try load([
            "tokenizer.json": tokenizerJSON(), "special_tokens_map.json": map.text(),
            "tokenizer_config.json": #"{"cls_token": "the", "model_max_length": 77}"#,
            "added_tokens.json": #"{"<old>": 32}"#,
        ])
        #expect(base.clsID == 9)
        let (tokenizer, files) = try added(["<q>"], to: base)
        #expect(tokenizer.clsID == 9 && tokenizer.maskID == 27 && tokenizer.modelMaxLength == 77)
        #expect(
            ["<s>", "<old>", "<q>"].map(tokenizer.id(of:)) == ["<s>", "<old>"].map(base.id(of:)) + [
                34
            ])
        let config = try #require(files["tokenizer_config.json"])
        #expect(config["cls_token"]?.string == "a" && config["mask_token"]?.string == "x")
        let list = try #require(config["additional_special_tokens"]?.array)
        #expect(list.count == 3 && list[0].string == "!" && list[2].string == "<q>")
        #expect(list[1]["content"]?.string == "<s>" && list[1]["lstrip"]?.bool == true)
        #expect(list[1]["__type"]?.string == "AddedToken")
        #expect(
            files["special_tokens_map.json"]?["additional_special_tokens"]?.array?.map(\.string)
                == ["!", "<s>", "<q>"])
        #expect(
            Set(files["added_tokens.json"]?.members?.map(\.key) ?? []) == ["<old>", "<s>", "<q>"])
    }

    /// Version 5 has another name for the list, and named tokens under it.
    @Test func newerFolders() throws {
        func config(_ extra: JSON) throws -> JSON {
            let config: JSON = ["extra_special_tokens": extra]
            let known = [addedToken("[CLS]", 2), addedToken("[SEP]", 3), addedToken("<x>", 31)]
            let base = try load([
                "tokenizer.json": tokenizerJSON(["added_tokens": .array(known)]),
                "tokenizer_config.json": config.text(),
            ])
            return try #require(added(["<q>"], to: base).files["tokenizer_config.json"])
        }
        let list = try config(["[SEP]", "<x>"])
        #expect(list["extra_special_tokens"] == nil)
        #expect(
            list["additional_special_tokens"]?.array?.map(\.string) == ["[SEP]", "<x>", "<q>"])
        let named = try config(["image_token": "!"])
        #expect(named["extra_special_tokens"]?["image_token"]?.string == "!")
        #expect(named["additional_special_tokens"]?.array?.map(\.string) == ["<q>"])
    }

    @Test func tokensOfT5AreAllListedOrNone() throws {
        let extra = (0..<3).map { "<extra_id_\($0)>" }
        func list(_ tokens: [String]) throws -> [String?]? {
            let known = extra.enumerated().map { addedToken($1, 13 + $0) }
            let base = try load([
                "tokenizer.json": Small.unigram(
                    Small.pieces + extra.map { ($0, 0) },
                    parts: [("added_tokens", .array(known))])
            ])
            let config = try added(tokens, to: base).files["tokenizer_config.json"]
            return config?["additional_special_tokens"]?.array?.map(\.string)
        }
        #expect(try list(["<q>"]) == ["<q>"])
        #expect(
            try list(["<q>", "<extra_id_1>"]) == ["<q>", "<extra_id_1>"] + [extra[0], extra[2]])
    }

    /// The reference library counts the tokens of the vocabulary: an id that none has would move all new ones.
    @Test func gapsAreClosed() throws {
        var lines = smallVocabulary
        lines[8] = "the"
        lines[20] = ""
        let base = try load(["vocab.txt": lines.joined(separator: "\n")])
        let (tokenizer, files) = try added(["<q>", "<r>"], to: base)
        #expect(tokenizer.ids(of: "the<q><r>").ids == [2, 8, 31, 32, 3])
        let words = try #require(files["tokenizer.json"]?["model"]?["vocab"]?.members)
        #expect(Set(words.compactMap(\.value.int)) == Set(0..<31))
        #expect(words.filter { $0.key.contains(" ") }.map(\.value.int) == [5, 20])

        let merges = ["a b"]
        let numbered = Small.bytePairs(merges).map {
            ($0.key, $0.value.int.map { JSON.int($0 * 2) })
        }
        let vocabulary = JSON.object(numbered.map { ($0.0, $0.1 ?? .null) })
        let bytes = try load([
            "vocab.json": vocabulary.text(), "merges.txt": merges.joined(separator: "\n"),
        ])
        let (pairs, others) = try added(["<q>"], to: bytes)
        #expect(pairs.id(of: "<q>").map(Int.init) == 2 * numbered.count - 1)
        #expect(others["vocab.json"]?.members?.count == 2 * numbered.count - 1)
    }

    @Test func gapsThatCannotBeClosed() throws {
        // The ids of the added tokens have a gap themselves, or there are too many.
        for added in [
            [addedToken("<a>", 31), addedToken("<b>", 33)], [addedToken("<a>", 31 + 1025)],
        ] {
            let base = try load([
                "tokenizer.json": tokenizerJSON(["added_tokens": .array(added)])
            ])
            let error = fileError { _ = try base.adding(specialTokens: ["<q>"]) }
            #expect(error?.problem.contains("gaps") == true && error?.path == "tokenizer.json")
        }
        let base = try load([
            "tokenizer.json": tokenizerJSON(["added_tokens": [addedToken("<a>", 31 + 1024)]])
        ])
        #expect(try added(["<q>"], to: base).tokenizer.id(of: "<q>") == 1056)
        let full = try load([
            "tokenizer.json": tokenizerJSON([
                "added_tokens": [addedToken("<a>", Vocabulary.maximumSize - 1)]
            ])
        ])
        let error = fileError { _ = try full.adding(specialTokens: ["<q>"]) }
        #expect(error?.problem.contains("more than") == true)
    }
}
