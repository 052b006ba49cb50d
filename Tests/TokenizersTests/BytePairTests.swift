import Files
import Testing

@testable import Tokenizers

struct BytePairTests {
    private let merges = ["l o", "lo w", "Ġ low", "e r", "n e", "ne w", "a b", "b c", "ab c"]

    private func tokens(_ text: String, _ tokenizer: Tokenizer) -> [String] {
        tokenizer.encode(text, addSpecialTokens: false).tokens(using: tokenizer)
    }

    @Test func lowestRankFirst() throws {
        let tokenizer = try load(["tokenizer.json": Small.byteLevel(merges)])
        #expect(tokens("low lower", tokenizer) == ["low", "Ġlow", "er"])
        #expect(tokens("abc", tokenizer) == ["abc"] && tokens("xbc", tokenizer) == ["x", "bc"])
        // "bc" comes before "abc" can be made of "a" and "bc".
        let other = try load(["tokenizer.json": Small.byteLevel(["b c", "a b", "ab c"])])
        #expect(tokens("abc", other) == ["a", "bc"])
        // Though it is in the vocabulary; a model may say that this is enough.
        let whole = try load([
            "tokenizer.json": Small.byteLevel(
                ["b c", "a b", "ab c"], model: [("ignore_merges", true)])
        ])
        #expect(tokens("abc", whole) == ["abc"])
    }

    @Test func bytesAndOffsets() throws {
        let tokenizer = try load(["tokenizer.json": Small.byteLevel(merges)])
        let encoding = tokenizer.encode(" lowé x")
        #expect(encoding.tokens(using: tokenizer) == ["Ġlow", "Ã", "©", "Ġ", "x"])
        // The space of the first word goes from its offsets.
        #expect(encoding.offsets == [1..<4, 4..<5, 4..<5, 6..<6, 6..<7])
        #expect(tokenizer.decode(encoding.ids) == " lowé x")
        // Half a character.
        #expect(tokenizer.decode(Array(encoding.ids.prefix(2))) == " low\u{FFFD}")
    }

    @Test func longWordsTakeTheQueue() throws {
        let merges = ["a a", "aa aa", "b a", "aaaa b", "ab ab", "a b"]
        let vocabulary = Small.bytePairs(merges + ["b b"])
        let tokenizer = try load([
            "tokenizer.json": Small.byteLevel(
                merges.filter { $0 != "ab ab" }, vocabulary: vocabulary)
        ])
        guard case .bytePair(let model) = tokenizer.model else { return }
        var generator = Repeatable(state: 7)
        for _ in 0..<50 {
            // The same word by itself, and in a long one: pairs do not join over "c".
            let parts = (0..<20).map { _ in
                String(
                    (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                        Bool.random(using: &generator) ? "a" : "b"
                    })
            }
            var short: [Int32] = []
            for (index, part) in parts.enumerated() {
                if index > 0, let c = tokenizer.id(of: "c") { short.append(c) }
                short += tokenizer.ids(of: part).ids
            }
            #expect(tokenizer.ids(of: parts.joined(separator: "c")).ids == short)
        }
        #expect(model.merges.count == 5)
        let long = String(repeating: "a", count: 100_001)
        #expect(tokenizer.ids(of: long).ids.count == 25_001)
    }

    @Test func prefixSpace() throws {
        let step: JSON = ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true]
        let tokenizer = try load([
            "tokenizer.json": Small.byteLevel(
                merges, parts: [("pre_tokenizer", step), ("post_processor", step)])
        ])
        #expect(tokens("low", tokenizer) == ["Ġlow"] && tokens(" low", tokenizer) == ["Ġlow"])
        #expect(tokens("low<|endoftext|>low", tokenizer) == ["Ġlow", "<|endoftext|>", "Ġlow"])
        #expect(tokenizer.encode("low").offsets == [0..<3])
    }

    @Test func unknownCharacters() throws {
        func make(_ changes: [(key: String, value: JSON)], _ more: [String] = []) throws
            -> Tokenizer
        {
            let tokens = ["<unk>", "a", "b", "ab"] + more
            let model: JSON = [
                "type": "BPE", "unk_token": "<unk>", "merges": [["a", "b"]],
                "vocab": .object(tokens.enumerated().map { ($1, .int($0)) }),
            ]
            var changed = model
            for (key, value) in changes { changed.set(key, value) }
            return try load(["tokenizer.json": JSON.object([("model", changed)]).text()])
        }
        #expect(try make([]).ids(of: "abxya").ids == [3, 0, 0, 1])
        let fused = try make([("fuse_unk", true)])
        #expect(fused.ids(of: "abxya").ids == [3, 0, 1])
        #expect(fused.encode("abxya").offsets == [0..<2, 2..<4, 4..<5])
        #expect(try make([("unk_token", .null)]).ids(of: "abxya").ids == [3, 1])
        let bytes = try make([("byte_fallback", true)], ["<0xC3>", "<0xA9>"])
        #expect(bytes.ids(of: "aéx").ids == [1, 4, 5, 0])
        #expect(bytes.encode("aéx").offsets == [0..<1, 1..<2, 1..<2, 2..<3])
    }

    @Test func prefixAndSuffix() throws {
        let tokens = ["<unk>", "a", "##a", "##b", "a</w>", "##b</w>", "##ab</w>", "aa"]
        let model: JSON = [
            "type": "BPE", "unk_token": "<unk>", "continuing_subword_prefix": "##",
            "end_of_word_suffix": "</w>", "merges": ["##a ##b</w>", "a ##a"],
            "vocab": .object(tokens.enumerated().map { ($1, .int($0)) }),
        ]
        let json: JSON = ["pre_tokenizer": ["type": "WhitespaceSplit"], "model": model]
        let tokenizer = try load(["tokenizer.json": json.text()])
        #expect(tokenizer.ids(of: "aab a aaab").ids == [1, 6, 4, 7, 6])
        #expect(tokenizer.ids(of: "b ab").ids == [0, 1, 5])
    }

    @Test func filesOfTheirOwn() throws {
        let vocabulary = JSON.object(Small.bytePairs(merges))
        let files = [
            "vocab.json": vocabulary.text(),
            "merges.txt": "#version: 0.2\n" + merges.joined(separator: "\n") + "\n",
        ]
        let tokenizer = try load(files)
        let json = try load(["tokenizer.json": Small.byteLevel(merges)])
        #expect(
            tokenizer.ids(of: "lower<|endoftext|>").ids == json.ids(of: "lower<|endoftext|>").ids)
        #expect(tokenizer.specialTokenCount == 0 && tokenizer.unkID == 0 && tokenizer.padID == nil)
        var roberta = files
        roberta["vocab.json"] = JSON.object(
            Small.bytePairs(merges, special: ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
        ).text()
        roberta["tokenizer_config.json"] =
            "{\"tokenizer_class\": \"RobertaTokenizer\", \"add_prefix_space\": true}"
        let second = try load(roberta)
        #expect(
            second.encode("low <mask>").tokens(using: second) == ["<s>", "Ġlow", "<mask>", "</s>"])
        #expect(second.padID == 1 && second.maskID == 4 && second.pairSpecialTokenCount == 4)
        let bos = try load(
            files.merging([
                "config.json": "{\"model_type\": \"gpt2\"}",
                "tokenizer_config.json": "{\"add_bos_token\": true}",
            ]) { $1 })
        #expect(bos.encode("low").tokens(using: bos) == ["<|endoftext|>", "low"])
        // Saved, a folder tells by itself what it holds.
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        try tokenizer.save(to: folder)
        #expect(
            try FileBytes.names(in: folder) == [
                "merges.txt", "tokenizer_config.json", "vocab.json",
            ])
        #expect(try FileBytes.readText(folder + "/merges.txt") == files["merges.txt"])
        #expect(
            try Tokenizer(folder: folder).ids(of: "lower").ids == tokenizer.ids(of: "lower").ids)
    }

    @Test func patterns() {
        func words(_ text: String, _ pattern: WordPattern) -> [String] {
            let bytes = Array(text.utf8)
            var ranges: [Range<Int>] = []
            pattern.split(bytes, 0..<bytes.count, into: &ranges)
            return ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        #expect(
            words("I've 12³ é's\u{A0} x  \n y!?  ", .gpt2) == [
                "I", "'ve", " 12³", " é", "'s", "\u{A0}", " x", "  \n", " y", "!?", "  ",
            ])
        #expect(words("'S 'st", .gpt2) == ["'", "S", " '", "st"])
        #expect(
            words("I'VE 12345\r\n\n x(y)\n.  z", .llama3) == [
                "I", "'VE", " ", "123", "45", "\r\n\n", " x", "(y", ")\n", ".", " ", " z",
            ])
        #expect(words("a12 'ſx\t!", .qwen2) == ["a", "1", "2", " '", "ſx", "\t", "!"])
        #expect(words("a'ſx", .qwen2) == ["a", "'ſ", "x"])
        #expect(words("", .gpt2).isEmpty)
    }

    @Test func badFiles() {
        let good = Small.bytePairs(merges)
        for (text, problem) in [
            (Small.byteLevel(merges, model: [("merges", ["a  b"])]), "model.merges[0]: expected"),
            (Small.byteLevel(merges, model: [("merges", [["a"]])]), "model.merges[0]: expected"),
            (Small.byteLevel(merges, model: [("merges", ["x yz"])]), "the token \"yz\" is not"),
            (Small.byteLevel(merges, model: [("merges", ["x y"])]), "the token \"xy\" is not"),
            (Small.byteLevel(merges, model: [("dropout", 0.1)]), "model.dropout"),
            (Small.byteLevel(merges, model: [("unk_token", "zz")]), "model.unk_token"),
            (Small.byteLevel(merges, model: [("vocab", [])]), "model.vocab: expected an object"),
            (
                Small.byteLevel(
                    merges,
                    parts: [
                        (
                            "pre_tokenizer",
                            [
                                "type": "Split", "pattern": ["Regex": "x+"], "behavior": "Isolated",
                                "invert": false,
                            ]
                        )
                    ]), "pre_tokenizer.pattern.Regex: \"x+\" is not supported"
            ),
        ] {
            let error = #expect(throws: FileError.self) { try load(["tokenizer.json": text]) }
            #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
        }
        for (merge, line) in [("#version: 0.2\na b c\n", 2), ("a b\n\nq z\n", 3), ("ab\n", 1)] {
            let error = #expect(throws: FileError.self) {
                try load(["vocab.json": JSON.object(good).text(), "merges.txt": merge])
            }
            #expect(error?.path.hasSuffix("merges.txt") == true && error?.line == line)
        }
        let named = #expect(throws: FileError.self) {
            try load([
                "vocab.json": JSON.object(good).text(), "merges.txt": "a b",
                "config.json": "{\"model_type\": \"clip\"}",
            ])
        }
        #expect(named?.problem.contains("model_type: \"clip\" is not supported") == true)
    }
}
