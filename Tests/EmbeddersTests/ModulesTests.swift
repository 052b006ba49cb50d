import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing

/// Folders that sentence-transformers wrote: layers after pooling, several poolings, prompts.
@Suite struct ModulesTests {
    static let root = GoldenRoot.all[0].folder + "/../modules"
    static let cases = ["dense", "three-poolings", "prompt", "ordered", "prompt-all"]

    private func texts() throws -> [String] {
        try #require(try JSON(contentsOf: ModulesTests.root + "/texts.json").array)
            .compactMap(\.string)
    }

    private func golden(_ name: String) throws -> GoldenFile {
        try GoldenFile(path: ModulesTests.root + "/\(name).safetensors")
    }

    @Test(arguments: cases) func vectors(_ name: String) throws {
        let embedder = try Embedder.load(ModulesTests.root + "/" + name)
        let golden = try golden(name)
        #expect(embedder.loadReport.unused.isEmpty)
        for (key, prompt) in [("vectors", nil), ("without_prompt", "")] as [(String, String?)] {
            let vectors = embedder.embeddings(of: try texts(), prompt: prompt, threads: 1)
            expectClose(vectors, try golden.doubles(key), relative: 1e-5, absolute: 2e-6, key)
        }
    }

    /// Gradients of the layers after pooling, and through them of the encoder's.
    @Test(arguments: cases) func gradients(_ name: String) throws {
        let folder = ModulesTests.root + "/" + name
        let embedder = try withoutDropout(folder)
        let golden = try golden(name)
        let prompt = embedder.prompts.defaultText
        let batch = TokenBatch(try texts().map { embedder.tokenIDs(of: $0, prompt: prompt).ids })
        var tape = Tape(.training(seed: 1))
        var vectors = embedder.embed(
            batch, skipping: embedder.promptTokens(prompt), on: &tape)
        if embedder.normalizes { vectors = tape.normalize(vectors) }
        let gradients = tape.backward(from: vectors, seed: try golden.tensor("weights"))
        var compared = 0
        for parameter in embedder.store.parameters {
            guard golden.contains("grad." + parameter.name) else { continue }
            let gradient = try #require(gradients[parameter])
            expectClose(
                gradient, try golden.doubles("grad." + parameter.name), relative: 1e-4,
                absolute: 2e-6, parameter.name)
            compared += 1
        }
        let dense = embedder.head.count { if case .dense = $0 { true } else { false } }
        #expect(compared >= 3 + dense)
        #expect(embedder.store.parameters.filter { $0.name.contains("Dense") }.count >= dense)
    }

    private func withoutDropout(_ folder: String) throws -> Embedder {
        try withFolder { copy in
            try copyFolder(folder, to: copy + "/m")
            try edit(
                copy + "/m/config.json",
                [("hidden_dropout_prob", 0), ("attention_probs_dropout_prob", 0)])
            return try Embedder.load(copy + "/m")
        }
    }

    @Test(arguments: cases) func roundTrip(_ name: String) throws {
        let embedder = try Embedder.load(ModulesTests.root + "/" + name)
        try withFolder { folder in
            try embedder.save(to: folder + "/m")
            let copy = try Embedder.load(folder + "/m")
            #expect(copy.poolings == embedder.poolings && copy.head.count == embedder.head.count)
            #expect(copy.poolsPrompt == embedder.poolsPrompt)
            #expect(copy.prompts.texts.map(\.name) == embedder.prompts.texts.map(\.name))
            #expect(copy.prompts.defaultName == embedder.prompts.defaultName)
            #expect(
                copy.store.parameters.map(\.name) == embedder.store.parameters.map(\.name))
            #expect(
                copy.embeddings(of: try texts(), threads: 1).bits
                    == embedder.embeddings(of: try texts(), threads: 1).bits)
        }
    }

    @Test func facts() throws {
        let load = { try Embedder.load(ModulesTests.root + "/" + $0) }
        #expect(try load("three-poolings").poolings == [.cls, .max, .lastMean])
        #expect(try load("three-poolings").dimension == 8)
        #expect(try load("three-poolings").normalizes == false)
        #expect(try load("ordered").poolings == [.lastToken, .cls, .meanSqrtLength])
        #expect(try load("dense").dimension == 7)
        let prompts = try load("prompt").prompts
        #expect(prompts.defaultName == "query" && prompts.defaultText == "How long: ")
        #expect(try prompts.text(named: "other") == "渡船")
        let error = fileError { _ = try prompts.text(named: "passage") }
        #expect(error?.remedy.contains("query") == true)
    }

    @Test(
        arguments: [
            ("2_Dense/config.json", "activation_function", "torch.nn.Softmax", "Softmax"),
            ("2_Dense/config.json", "in_features", 8, "linear.weight"),
            ("2_Dense/config.json", "out_features", 9, "linear.weight"),
            ("2_Dense/config.json", "out_features", 0, "out_features"),
            ("2_Dense/config.json", "bias", "yes", "bias"),
            ("2_Dense/config.json", "bias", false, "linear.bias"),
            ("2_Dense/config.json", "use_residual", true, "residual.weight"),
            ("2_Dense/config.json", "module_input_name", "token_embeddings", "module_input_name"),
            ("1_Pooling/config.json", "pooling_mode", ["mean", "cls"], "takes vectors of 9"),
            ("1_Pooling/config.json", "pooling_mode", "median", "median"),
            ("config_sentence_transformers.json", "default_prompt_name", "x", "no prompt \"x\""),
            ("config_sentence_transformers.json", "prompts", [1], "expected an object"),
            ("config_sentence_transformers.json", "prompts", ["a": 1], "prompts.a"),
        ] as [(String, String, JSON, String)])
    func badFiles(_ file: String, _ key: String, _ value: JSON, _ expected: String) throws {
        try withFolder { folder in
            try copyFolder(ModulesTests.root + "/dense", to: folder + "/m")
            try edit(folder + "/m/" + file, [(key, value)])
            let error = try #require(fileError { _ = try Embedder.load(folder + "/m") })
            #expect("\(error)".contains(expected), "\(error)")
        }
    }

    @Test func missingWeights() throws {
        try withFolder { folder in
            try copyFolder(ModulesTests.root + "/dense", to: folder + "/m")
            try FileBytes.remove(folder + "/m/2_Dense/model.safetensors")
            let error = try #require(fileError { _ = try Embedder.load(folder + "/m") })
            #expect(error.path.hasSuffix("2_Dense") && error.problem.contains("no weights"))
        }
    }

    /// A pooling that sentence-transformers has no name for cannot stand before its layers.
    @Test func poolingWithoutName() throws {
        let error = try #require(
            fileError {
                _ = try Embedder.load(ModulesTests.root + "/dense", pooling: .firstLastMean)
            })
        #expect(error.problem.contains("first_last_mean"))
        #expect(
            try Embedder.load(ModulesTests.root + "/dense", pooling: .cls).poolings == [.cls])
    }

    @Test(arguments: [
        (["Transformer", "Dense", "Pooling"], "Pooling stands at place 3"),
        (["Pooling", "Transformer"], "Transformer stands at place 2"),
        (["Transformer", "Pooling", "LayerNorm"], "LayerNorm is not supported"),
    ]) func orderOfModules(_ kinds: [String], _ expected: String) throws {
        try withFolder { folder in
            try copyFolder(ModulesTests.root + "/dense", to: folder + "/m")
            let paths = ["Transformer": "", "Pooling": "1_Pooling"]
            let list = kinds.enumerated().map { index, kind -> JSON in
                [
                    "idx": .int(index), "name": .string("\(index)"),
                    "path": .string(paths[kind] ?? "2_" + kind),
                    "type": .string("sentence_transformers.models." + kind),
                ]
            }
            try FileBytes.writeAtomically(JSON.array(list).text(), to: folder + "/m/modules.json")
            let error = try #require(fileError { _ = try Embedder.load(folder + "/m") })
            #expect(error.problem.contains(expected), "\(error)")
        }
    }
}
