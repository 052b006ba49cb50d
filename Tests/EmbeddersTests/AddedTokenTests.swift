import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing
import Tokenizers

/// The tiny model of random numbers of `family`, with a tokenizer of `words` words; its table has 40 rows.
private func tiny(_ family: String, words: Int = 40) throws -> Embedder {
    let folder = GoldenRoot.all[0].folder + "/../encoders/models/" + family
    let path = folder + "/config.json"
    let configuration = try JSON(contentsOf: path)
    let kind = try EncoderFamily(configuration, path: path)
    let source = try CheckpointSource(folder: folder, rules: kind.keyRules)
    let vocabulary =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (5..<words).map { "w\($0)" }
    return Embedder(
        tokenizer: try .wordPiece(vocabulary: vocabulary, lowercase: true, modelMaxLength: 30),
        encoder: try kind.makeEncoder(configuration, path: path, source: source),
        poolings: [.lastMean])
}

private let families = EncoderFamily.allCases.map(\.rawValue)
private let texts = ["w5 w6 w7", "w39", "w8 w8 nothing w9"]

extension Embedder {
    fileprivate func table() throws -> Tensor { try #require(store[wordTableName]).value }
    fileprivate func bits(_ texts: [String], prompt: String? = nil) -> [UInt32] {
        embeddings(of: texts, prompt: prompt, threads: 1).bits
    }
}

@Suite struct AddedTokenTests {
    @Test(arguments: families) func tableGrows(_ family: String) throws {
        let base = try tiny(family)
        let old = try base.table()
        #expect(old.shape == [40, base.encoder.wordEmbeddingSize])
        let embedder = try base.addingSpecialTokens(["[A]", "[B]"], seed: 3)
        #expect(embedder.tokenizer.id(of: "[A]") == 40 && embedder.tokenizer.id(of: "[B]") == 41)
        #expect(embedder.encoder.vocabularySize == 42)
        #expect(embedder.encoder.configuration["vocab_size"]?.int == 42)
        #expect(embedder.maxLength == base.maxLength && embedder.poolings == base.poolings)
        let table = try embedder.table()
        #expect(table.shape == [42, old.shape.width] && table.isFinite)
        #expect(table.rows(0..<40).bits == old.bits)
        #expect(table.row(40) != table.row(41))
        // All else is the same, and has memory of its own.
        let (before, after) = (base.store.parameters, embedder.store.parameters)
        #expect(before.map(\.name) == after.map(\.name))
        for (a, b) in zip(before, after) where a.name != base.wordTableName {
            #expect(a !== b && a.value.bits == b.value.bits, "\(a.name)")
        }
        #expect(embedder.bits(texts) == base.bits(texts))
        let untouched = base.bits(texts)
        for parameter in after {
            let zeros = Tensor(zeros: [parameter.shape.rows, parameter.shape.width])
            if parameter.shape.rank == 2 {
                parameter.value.write(zeros, toRows: Array(0..<parameter.shape.rows))
            }
        }
        #expect(base.bits(texts) == untouched && embedder.bits(texts) != untouched)
    }

    @Test(arguments: families) func rowsAreAFunctionOfTheSeed(_ family: String) throws {
        let base = try tiny(family)
        let one = try base.addingSpecialTokens(["[A]"], seed: 3).table()
        let three = try base.addingSpecialTokens(["[X]", "[Y]", "[Z]"], seed: 3).table()
        #expect(one.bits == three.rows(0..<41).bits)
        let apart = try base.addingSpecialTokens(["[X]"], seed: 3)
            .addingSpecialTokens(["[Y]", "[Z]"], seed: 3).table()
        #expect(apart.bits == three.bits)
        let other = try base.addingSpecialTokens(["[A]"], seed: 4).table()
        #expect(other.row(40) != one.row(40) && other.row(39) == one.row(39))

        // As large as the family's tables begin.
        let many = try base.addingSpecialTokens((0..<400).map { "[\($0)]" }, seed: 1).table()
        let numbers = many.rows(40..<440).values.map(Double.init)
        let configuration = base.encoder.configuration
        let expected = try #require(
            (configuration["initializer_range"] ?? configuration["initializer_factor"])?.double)
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let deviation = (numbers.reduce(0) { $0 + $1 * $1 } / Double(numbers.count)).squareRoot()
        #expect(abs(mean) < 0.06 * expected && abs(deviation / expected - 1) < 0.05)
    }

    /// Rows that no token has are there to be used; none goes away.
    @Test(arguments: families) func paddedTable(_ family: String) throws {
        let base = try tiny(family, words: 37)
        let old = try base.table()
        let two = try base.addingSpecialTokens(["[A]", "[B]"], seed: 3)
        #expect(two.tokenizer.id(of: "[B]") == 38 && two.encoder.vocabularySize == 40)
        #expect(try two.table().bits == old.bits)
        let five = try base.addingSpecialTokens(["a", "b", "c", "d", "e"], seed: 3)
        #expect(five.encoder.vocabularySize == 42)
        #expect(try five.table().rows(0..<40).bits == old.bits)
        let known = try base.addingSpecialTokens(["w7", "[MASK]"], seed: 3)
        #expect(known.encoder.vocabularySize == 40)
        #expect(try known.table().bits == old.bits)
    }

    @Test func givenRows() throws {
        let base = try tiny("bert", words: 39)
        var random = TestRandom(1)
        let rows = random.tensor([3, base.encoder.wordEmbeddingSize])
        let embedder = try base.addingSpecialTokens(["[A]", "w7", "[B]"], seed: 3, rows: rows)
        let table = try embedder.table()
        #expect(table.rows(at: [39, 7, 40]).bits == rows.bits)
        #expect(table.rows(8..<39).bits == (try base.table().rows(8..<39).bits))
        #expect(try base.table().row(7) != table.row(7))
    }

    @Test func refused() throws {
        let base = try tiny("bert")
        for tokens in [[""], ["a", "a"]] {
            #expect(fileError { _ = try base.addingSpecialTokens(tokens, seed: 1) } != nil)
        }
    }

    /// Layers after pooling are copied too.
    @Test(arguments: ["dense", "ordered", "prompt"]) func modules(_ name: String) throws {
        let base = try Embedder.load(ModulesTests.root + "/" + name)
        let embedder = try base.addingSpecialTokens(["[A]"], seed: 3)
        #expect(embedder.bits(sampleTexts) == base.bits(sampleTexts))
        #expect(embedder.head.count == base.head.count && embedder.poolsPrompt == base.poolsPrompt)
        let (before, after) = (base.store.parameters, embedder.store.parameters)
        #expect(before.map(\.name) == after.map(\.name))
        #expect(zip(before, after).allSatisfy { $0 !== $1 })
        try withFolder { folder in
            try embedder.save(to: folder + "/m")
            let copy = try Embedder.load(folder + "/m")
            #expect(copy.bits(sampleTexts + ["[A]"]) == embedder.bits(sampleTexts + ["[A]"]))
        }
    }
}

/// Tokens and a prompt with them, saved.
@Suite struct AddedPromptTests {
    private static let models: [(root: GoldenRoot, model: String)] = GoldenRoot.all.flatMap {
        root in
        [
            "bert-tiny", "bert-old-names", "st-bert-tiny", "gpt2-tiny", "gpt2-old-names",
            "roberta-tiny", "xlmroberta-tiny", "t5-encoder-tiny", "albert-tiny", "mpnet-tiny",
        ]
        .filter { FileBytes.exists(root.folder + "/models/\($0)/config.json") }
        .map { (root, $0) }
    }

    @Test(arguments: models) func savedAndLoaded(_ root: GoldenRoot, _ model: String) throws {
        let base = try Embedder.load(root.folder + "/models/" + model)
        let prompts = base.prompts.adding(name: "query", text: "[Q1] query: ", asDefault: true)
        let embedder = try base.addingSpecialTokens(["[Q1]"], seed: 7).with(prompts: prompts)
        #expect(embedder.bits(sampleTexts, prompt: "") == base.bits(sampleTexts))
        #expect(embedder.bits(sampleTexts) != base.bits(sampleTexts))
        #expect(
            embedder.bits(["x"]) == embedder.bits(["[Q1] query: x"], prompt: ""))
        try withFolder { folder in
            let path = folder + "/saved"
            try embedder.save(to: path)
            let copy = try Embedder.load(path)
            #expect(copy.prompts.defaultText == "[Q1] query: ")
            let id = Int32(base.tokenizer.vocabularySize)
            #expect(copy.tokenizer.id(of: "[Q1]") == id)
            #expect(copy.tokenIDs(of: "[Q1]").ids.contains(id))
            #expect(copy.bits(sampleTexts) == embedder.bits(sampleTexts))
            #expect(copy.encoder.vocabularySize == base.encoder.vocabularySize + 1)
            let config = try JSON(contentsOf: path + "/config_sentence_transformers.json")
            #expect(config["prompts"]?["query"]?.string == "[Q1] query: ")
            #expect(config["default_prompt_name"]?.string == "query")
        }
    }

    @Test func prompts() throws {
        let base = try tiny("bert")
        let one = Prompts().adding(name: "a", text: "w5 ", asDefault: false)
        #expect(one.defaultName == nil && one.defaultText.isEmpty)
        let two = one.adding(name: "b", text: "w6 ", asDefault: true)
        #expect(two.texts.map(\.name) == ["a", "b"] && two.defaultText == "w6 ")
        let changed = two.adding(name: "a", text: "w7 ", asDefault: false)
        #expect(changed.texts.map(\.text) == ["w7 ", "w6 "] && changed.defaultName == "b")

        let embedder = base.with(prompts: two)
        #expect(zip(embedder.store.parameters, base.store.parameters).allSatisfy { $0 === $1 })
        #expect(embedder.bits(["w9"]) == base.bits(["w6 w9"]))
        #expect(base.prompts.texts.isEmpty)
    }

    /// What else stands in the file is kept.
    @Test func otherKeysAreKept() throws {
        try withFolder { folder in
            try copyFolder(ModulesTests.root + "/prompt", to: folder + "/m")
            let name = "config_sentence_transformers.json"
            try edit(folder + "/m/" + name, [("truncate_dim", 7)])
            let base = try Embedder.load(folder + "/m")
            let prompts = base.prompts.adding(name: "new", text: "x: ", asDefault: true)
            try base.with(prompts: prompts).save(to: folder + "/n")
            let json = try JSON(contentsOf: folder + "/n/" + name)
            #expect(json["truncate_dim"]?.int == 7 && json["default_prompt_name"]?.string == "new")
            #expect(json["prompts"]?.members?.count == base.prompts.texts.count + 1)
        }
    }
}

/// The start of the reference's prefix training.
@Suite struct PrefixReferenceTests {
    private static let cases: [(root: GoldenRoot, name: String)] = GoldenRoot.all.flatMap { root in
        ["prefix_hf", "prefix_list", "prefix_full"]
            .filter { FileBytes.exists(root.folder + "/training/\($0)/run.json") }
            .map { (root, $0) }
    }

    /// Ids of the first batch, the size of the table, and the first loss with the rows that the reference drew.
    @Test(arguments: cases) func firstStep(_ root: GoldenRoot, _ name: String) throws {
        let folder = root.folder + "/training/" + name
        let run = try JSON(contentsOf: folder + "/run.json")
        let strategy = try #require(run["case"]?["strategy"])
        let tokens = try #require(strategy["additional_special_tokens"]?.array).compactMap(\.string)
        let prefix = strategy["prefix"]?.string ?? tokens.joined()
        let rows = try GoldenFile(path: folder + "/prefix_new_rows.safetensors").tensor("rows")
        let model = root.folder + "/" + (try #require(run["model_dir"]?.string))
        let embedder = try Embedder.load(model, pooling: .lastMean)
            .addingSpecialTokens(tokens, seed: 42, rows: rows)
        let expected = try #require(run["prefix"])
        #expect(
            tokens.map { embedder.tokenizer.id(of: $0).map(Int.init) }
                == expected["additional_special_token_ids"]?.array?.map(\.int))
        #expect(embedder.encoder.vocabularySize == expected["embedding_rows"]?.int)

        let first = try #require(try JSON(contentsOf: folder + "/batches.json")["first"])
        var columns: [[[Int32]]] = []
        let maxLength = run["case"]?["run"]?["max_length"]?.int
        for (column, field) in [("text_ids", "text"), ("text_pos_ids", "text_pos")] {
            let batch = try #require(first[column]?.array).map { row in
                (row.array ?? []).compactMap { $0.int.map { Int32($0) } }
            }
            let padding = try #require(embedder.tokenizer.padID)
            let wanted = batch.map { Array($0.prefix { $0 != padding }) }
            var reader = try LineReader(path: folder + "/train.jsonl")
            var found: [[Int32]] = []
            while found.count < wanted.count, let line = try reader.next() {
                let text = try #require(try JSON(parsing: line)[field]?.string)
                found.append(
                    embedder.tokenIDs(
                        of: text, prompt: field == "text" ? prefix : "", maxLength: maxLength
                    ).ids)
            }
            #expect(found == wanted)
            columns.append(found)
        }
        var tape = Tape(.inference)
        let a = embedder.embed(TokenBatch(columns[0]), on: &tape)
        let b = embedder.embed(TokenBatch(columns[1]), on: &tape)
        let loss = tape.inBatchLoss(a, b, form: .softmax, temperature: 0.05)
        let wanted = try #require(run["steps"]?.array?.first?["loss_f64"]?.double)
        #expect(abs(Double(loss.scalar) - wanted) < 1e-5 * max(1, wanted))
    }
}
