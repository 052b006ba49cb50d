import Checkpoints
import Embedders
import Files
import TestSupport
import Tensors
import Testing

/// Folders of adapters that are damaged, or of kinds that are not built.
@Suite struct AdapterDamageTests {
    @Test(
        arguments: [
            ("peft_type", "IA3", "peft_type: \"IA3\" is not supported (supported: LORA)"),
            ("peft_type", nil, "peft_type: missing"),
            ("use_dora", true, "use_dora: true changes the model"),
            ("bias", "all", "bias: \"all\" is not supported"),
            ("lora_bias", true, "lora_bias"),
            ("modules_to_save", ["pooler"], "modules_to_save: pooler is not supported"),
            ("modules_to_save", "pooler", "modules_to_save: expected a list of names"),
            ("init_lora_weights", "pissa", "init_lora_weights: \"pissa\""),
            ("layer_replication", [[0, 1]], "layer_replication"),
            ("trainable_token_indices", [1], "trainable_token_indices"),
            ("alora_invocation_tokens", [5], "alora_invocation_tokens"),
            ("r", 0, "r: expected a whole number"), ("r", 1e18, "r: expected a whole number"),
            ("r", 4, "lora_A.weight has shape [3, 9], expected [4, 9]"),
            ("lora_alpha", "x", "lora_alpha: expected a number"),
            ("lora_dropout", 1, "lora_dropout"), ("use_rslora", 1, "use_rslora"),
            ("target_modules", [1], "target_modules: expected a list of names"),
            (
                "target_modules", ["query", "value", "key"],
                "no tensor encoder.layer.0.attention.self.key"
            ),
            ("target_modules", ["query"], "of a layer that target_modules does not name"),
            ("rank_pattern", ["query": 2], "has shape [3, 9], expected [2, 9]"),
            ("rank_pattern", ["(a+)+": 2], "rank_pattern: (a+)+ is an expression"),
            ("rank_pattern", ["query": 0], "expected a rank for query"),
            ("alpha_pattern", ["value": "x"], "expected a number for value"),
            ("alpha_pattern", [2], "alpha_pattern: expected an object"),
            ("base_model_name_or_path", nil, "base_model_name_or_path is missing"),
            ("base_model_name_or_path", "/no/such", "the base model /no/such is no folder here"),
            ("base_model_name_or_path", 3, "base_model_name_or_path: expected a string"),
        ] as [(String, JSON?, String)])
    func badConfigurations(_ key: String, _ value: JSON?, _ expected: String) throws {
        try withFolder { folder in
            try copyFolder(LoRACase.sentenceTransformers, to: folder + "/a")
            let path = folder + "/a/adapter_config.json"
            try edit(
                path,
                [("base_model_name_or_path", .string(fixture("st-bert-tiny"))), (key, value)])
            let error = try #require(fileError { _ = try Embedder.load(folder + "/a") })
            #expect(error.path.hasPrefix(folder + "/a"))
            #expect("\(error)".contains(expected), "\(error)")
        }
    }

    @Test(
        arguments: [
            ("init_lora_weights", "gaussian"), ("modules_to_save", ["classifier"]),
            ("layers_to_transform", [0, 1]), ("use_bdlora", nil), ("some_new_key", 3),
            ("rank_pattern", ["^encoder.layer.0.attention.self.query": 3, "key": 9]),
            ("target_modules", #".*\.(query|value)"#), ("target_modules", "all-linear"),
            ("target_modules", nil), ("target_parameters", []),
        ] as [(String, JSON?)])
    func harmlessConfigurations(_ key: String, _ value: JSON?) throws {
        let expected = try Embedder.load(LoRACase.sentenceTransformers).sampleBits
        try withFolder { folder in
            try copyFolder(LoRACase.sentenceTransformers, to: folder + "/a")
            try edit(
                folder + "/a/adapter_config.json",
                [("base_model_name_or_path", .string(fixture("st-bert-tiny"))), (key, value)])
            #expect(try Embedder.load(folder + "/a").sampleBits == expected)
        }
    }

    /// Writes the tensors of the adapter in `folder` after `change`.
    private func rewrite(
        _ folder: String, _ change: (inout [(name: String, tensor: Tensor)]) -> Void
    ) throws {
        let path = folder + "/adapter_model.safetensors"
        let file = try SafetensorsFile(path: path)
        var tensors = try file.entries.map { (name: $0.name, tensor: try file.tensor($0)) }
        change(&tensors)
        try FileBytes.remove(path)
        try SafetensorsWriter.write(tensors, to: path)
    }

    /// The error of loading a copy of the folder after `change`.
    private func failure(_ change: (String) throws -> Void) throws -> FileError {
        try withFolder { folder in
            let copy = folder + "/a"
            try copyFolder(LoRACase.sentenceTransformers, to: copy)
            try change(copy)
            let error = try #require(
                fileError { _ = try Embedder.load(copy, baseModel: fixture("st-bert-tiny")) })
            #expect(error.path.hasPrefix(copy), "\(error)")
            return error
        }
    }

    private func tensorFailure(
        _ change: (inout [(name: String, tensor: Tensor)]) -> Void
    ) throws -> FileError {
        try failure { try rewrite($0, change) }
    }

    @Test func badTensors() throws {
        let prefix = "base_model.model.encoder.layer.0."
        #expect(try tensorFailure { $0.removeLast() }.problem.contains("no tensor encoder.layer.1"))
        #expect(
            try tensorFailure { $0.removeFirst() }.problem.contains("no tensor encoder.layer.0"))
        #expect(try tensorFailure { $0 = [] }.problem.contains("no adapter of a linear layer"))
        #expect(
            try tensorFailure { $0[1].tensor = Tensor(zeros: [31, 3]) }.problem.contains(
                "lora_B.weight has shape [31, 3], expected [9, 3]"))
        #expect(
            try tensorFailure { $0[0].tensor = Tensor(zeros: [3, 9, 1]) }.problem.contains(
                "has shape [3, 9, 1]"))
        #expect(
            try tensorFailure { $0[0].tensor = Tensor(zeros: []) }.problem.contains("has shape []"))
        for extra in [
            prefix + "attention.self.query.lora_magnitude_vector",
            prefix + "attention.self.queries.lora_A.weight", prefix + "attention.self.query.weight",
            "base_model.model.embeddings.word_embeddings.lora_embedding_A",
        ] {
            let error = try tensorFailure { $0.append((extra, Tensor(zeros: [1]))) }
            #expect(error.problem.contains("belongs to no linear layer"), "\(error)")
        }
        #expect(
            try tensorFailure {
                $0.append(("bert." + $0[0].name.dropFirst("base_model.model.".count), $0[0].tensor))
            }.problem.contains("stands there twice"))
    }

    @Test func missingAndDamagedFiles() throws {
        let weights = "/adapter_model.safetensors"
        let missing = try failure { try FileBytes.remove($0 + weights) }
        #expect(missing.path.hasSuffix(weights))
        let bytes = try FileBytes.read(LoRACase.sentenceTransformers + weights)
        for count in [0, 7, 9, 600, bytes.count - 1] {
            let cut = try failure {
                try FileBytes.writeAtomically(Array(bytes.prefix(count)), to: $0 + weights)
            }
            #expect(cut.path.hasSuffix(weights))
        }
        for text in ["", "[]", "{", "3"] {
            let malformed = try failure {
                try FileBytes.writeAtomically(text, to: $0 + "/adapter_config.json")
            }
            #expect(malformed.path.hasSuffix("/adapter_config.json"), "\(malformed)")
        }
        // The adapter of another architecture.
        let other = try failure { copy in
            for name in ["/adapter_config.json", weights] {
                try FileBytes.writeAtomically(
                    try FileBytes.read(LoRACase(name: "distilbert").folder + name),
                    to: copy + name)
            }
        }
        #expect(other.problem.contains("belongs to no linear layer"))
        #expect(other.remedy.contains("query, key, value, dense"))
        let embedder = try Embedder.load(fixture("bert-tiny"))
        let none = fileError { try embedder.attachAdapter(from: fixture("bert-tiny")) }
        #expect(none?.problem.contains("no adapter_config.json") == true)
    }
}
