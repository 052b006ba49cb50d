import Checkpoints
import Embedders
import Encoders
import Files
import TestSupport
import Tensors
import Testing

@Suite struct LoadingTests {
    @Test(
        arguments: [
            // A change of config.json, and what the message must hold.
            ("model_type", nil, "model_type"), ("model_type", 3, "model_type"),
            ("model_type", "llama", "llama"), ("model_type", "", "unknown architecture"),
            ("vocab_size", nil, "missing"), ("hidden_size", nil, "missing"),
            ("num_hidden_layers", nil, "missing"), ("num_attention_heads", nil, "missing"),
            ("intermediate_size", nil, "missing"), ("max_position_embeddings", nil, "missing"),
            ("vocab_size", 0, "vocab_size"), ("vocab_size", -1, "vocab_size"),
            ("vocab_size", "226", "vocab_size"), ("vocab_size", 9_000_000_000, "vocab_size"),
            ("hidden_size", 9.5, "hidden_size"), ("hidden_size", [9], "hidden_size"),
            ("hidden_size", 0, "hidden_size"), ("num_hidden_layers", 0, "num_hidden_layers"),
            ("num_hidden_layers", 100_000, "num_hidden_layers"),
            ("num_attention_heads", 2, "2 does not divide hidden_size 9"),
            ("num_attention_heads", 0, "num_attention_heads"), ("hidden_act", "swish", "swish"),
            ("hidden_act", 1, "hidden_act"), ("hidden_act", ["a": 1], "hidden_act"),
            ("position_embedding_type", "relative_key", "relative_key"),
            ("is_decoder", true, "is_decoder"),
            ("add_cross_attention", true, "add_cross_attention"),
            ("embedding_size", 4, "embedding_size"), ("pruned_heads", ["0": [1]], "pruned_heads"),
            ("layer_norm_eps", -1, "layer_norm_eps"), ("layer_norm_eps", "x", "layer_norm_eps"),
            ("hidden_dropout_prob", 1, "hidden_dropout_prob"),
            ("hidden_dropout_prob", -0.1, "hidden_dropout_prob"),
            ("attention_probs_dropout_prob", 2, "attention_probs_dropout_prob"),
            ("initializer_range", .number("1e400"), "initializer_range"),
            ("type_vocab_size", 0, "type_vocab_size"),
            ("uniem_pooling_strategy", "median", "median"),
            ("uniem_pooling_strategy", 7, "pooling"),
            ("uniem_normalize", "yes", "uniem_normalize"),
            ("uniem_max_length", 0, "uniem_max_length"),
            ("uniem_max_length", 2, "2 tokens"),
        ] as [(String, JSON?, String)])
    func badConfig(_ key: String, _ value: JSON?, _ expected: String) throws {
        let error = try loadError { try edit($0 + "/config.json", [(key, value)]) }
        #expect(error.problem.contains(expected), "\(error)")
        let isAboutFolder = expected == "2 tokens"
        #expect(error.path.hasSuffix("/config.json") || isAboutFolder, "\(error)")
    }

    @Test(arguments: ["", "[]", "{", "null", "{} x"])
    func configThatIsNoObject(_ text: String) throws {
        let error = try loadError { try FileBytes.writeAtomically(text, to: $0 + "/config.json") }
        #expect(error.path.hasSuffix("/config.json"))
    }

    /// Sizes that are fine by themselves but not those of the weights.
    @Test(arguments: [
        ("vocab_size", 300, "word_embeddings.weight"),
        ("hidden_size", 12, "word_embeddings.weight"),
        ("intermediate_size", 15, "intermediate.dense.weight"),
        ("max_position_embeddings", 128, "position_embeddings.weight"),
        ("type_vocab_size", 3, "token_type_embeddings.weight"),
        ("num_hidden_layers", 3, "encoder.layer.2."),
    ]) func configOfAnotherModel(_ key: String, _ value: Int, _ tensor: String) throws {
        let error = try loadError { try edit($0 + "/config.json", [(key, .int(value))]) }
        #expect(error.problem.contains(tensor), "\(error)")
    }

    /// Fewer layers than the file holds: the rest is reported, not an error.
    @Test func unusedTensorsAreReported() throws {
        try withFolder { folder in
            try copyFolder(fixture("bert-tiny"), to: folder + "/m")
            try edit(folder + "/m/config.json", [("num_hidden_layers", 1)])
            let unused = try Embedder.load(folder + "/m").loadReport.unused
            #expect(unused.count == 16 && unused.allSatisfy { $0.contains("layer.1.") })
        }
        let old = try Embedder.load(fixture("bert-old-names")).loadReport
        #expect(old.unused.isEmpty)
        #expect(
            old.renamed["bert.embeddings.LayerNorm.gamma"] == "embeddings.LayerNorm.weight")
    }

    @Test func missingFiles() throws {
        let config = try loadError { try FileBytes.remove($0 + "/config.json") }
        #expect(config.problem.contains("config.json"))
        let weights = try loadError {
            try FileBytes.remove($0 + "/model.safetensors")
            try FileBytes.remove($0 + "/pytorch_model.bin")
        }
        #expect(weights.problem.contains("no weights"))
        let tokenizer = try loadError {
            try FileBytes.remove($0 + "/tokenizer.json")
            try FileBytes.remove($0 + "/vocab.txt")
        }
        #expect(tokenizer.problem.contains("tokenizer.json"))
        try withFolder { folder in
            try FileBytes.writeAtomically("x", to: folder + "/file")
            for path in [folder + "/no", folder + "/file", ""] {
                let error = try #require(fileError { _ = try Embedder.load(path) })
                #expect(error.path == path && error.problem.contains("folder"), "\(error)")
            }
            let empty = try #require(fileError { _ = try Embedder.load(folder) })
            #expect(empty.problem.contains("config.json"))
        }
    }

    @Test func damagedWeights() throws {
        let cut = try loadError { folder in
            let path = folder + "/model.safetensors"
            try FileBytes.writeAtomically(Array(try FileBytes.read(path).dropLast(8)), to: path)
        }
        #expect(cut.path.hasSuffix("/model.safetensors"))
        let shard = try loadError("bert-sharded") {
            try FileBytes.remove($0 + "/model-00002-of-00002.safetensors")
        }
        #expect(shard.path.hasSuffix("/model-00002-of-00002.safetensors"))
    }

    @Test func vocabularyLargerThanTheTable() throws {
        let error = try loadError { folder in
            try FileBytes.remove(folder + "/tokenizer.json")
            let path = folder + "/vocab.txt"
            try FileBytes.writeAtomically(
                try FileBytes.readText(path) + "more\nwords\n", to: path)
        }
        #expect(error.problem.contains("228") && error.problem.contains("226"), "\(error)")
        // A special token that the template puts around texts counts as well.
        _ = try loadError { folder in
            let path = folder + "/tokenizer.json"
            let text = try FileBytes.readText(path)
            var json = try JSON(contentsOf: path)
            var processor = try #require(json["post_processor"])
            processor.set(
                "special_tokens",
                [
                    "[CLS]": ["id": "[CLS]", "ids": [9999], "tokens": ["[CLS]"]],
                    "[SEP]": ["id": "[SEP]", "ids": [7], "tokens": ["[SEP]"]],
                ])
            json.set("post_processor", processor)
            #expect(json.text() != text)
            try FileBytes.writeAtomically(json.text(), to: path)
        }
    }

    /// No room for a word between the special tokens: nothing could be embedded.
    @Test func noRoomForText() throws {
        for length in 1...2 {
            let error = try loadError {
                try edit($0 + "/tokenizer_config.json", [("model_max_length", .int(length))])
            }
            #expect(error.problem.contains("\(length) tokens"), "\(error)")
        }
    }

    @Test(arguments: [
        "", "{}", "[]", "[1]", "null", #"[{"type": "a.b.LSTM", "path": ""}]"#, #"[{"path": ""}]"#,
        #"[{"type": 3}]"#,
    ])
    func badModules(_ text: String) throws {
        let error = try loadError("st-bert-tiny") {
            try FileBytes.writeAtomically(text, to: $0 + "/modules.json")
        }
        #expect(error.path.hasSuffix("/modules.json"), "\(error)")
    }

    @Test(arguments: [
        ("sentence_bert_config.json", #"{"max_seq_length": 2}"#),
        ("sentence_bert_config.json", #"{"max_seq_length": "48"}"#),
        ("sentence_bert_config.json", #"{"do_lower_case": true}"#),
        ("sentence_bert_config.json", "{"), ("1_Pooling/config.json", "{}"),
        ("1_Pooling/config.json", "["), ("1_Pooling/config.json", #"{"pooling_mode": "median"}"#),
        (
            "1_Pooling/config.json",
            #"{"pooling_mode_cls_token": true, "pooling_mode_median_tokens": true}"#
        ),
    ]) func badSentenceTransformersFiles(_ name: String, _ text: String) throws {
        let error = try loadError("st-bert-tiny") {
            try FileBytes.writeAtomically(text, to: $0 + "/" + name)
        }
        #expect(error.path.hasSuffix("/" + name), "\(error)")
    }

    @Test func poolingOfSentenceTransformers() throws {
        try withFolder { folder in
            let path = folder + "/m"
            try copyFolder(fixture("st-bert-tiny"), to: path)
            let file = path + "/1_Pooling/config.json"
            for (text, pooling) in [
                (#"{"pooling_mode_cls_token": true}"#, .cls),
                (#"{"pooling_mode_weightedmean_tokens": true}"#, .lastWeighted),
                (#"{"pooling_mode_max_tokens": true}"#, .max),
                (#"{"pooling_mode_lasttoken": true}"#, .lastToken),
                (#"{"pooling_mode_mean_sqrt_len_tokens": true}"#, .meanSqrtLength),
                (#"{"pooling_mode": "cls"}"#, .cls), (#"{"pooling_mode": "mean"}"#, .lastMean),
            ] as [(String, Pooling)] {
                try FileBytes.writeAtomically(text, to: file)
                #expect(try Embedder.load(path).poolings == [pooling])
            }
            // What is not built can be replaced by what was asked for.
            try FileBytes.writeAtomically(#"{"pooling_mode": "median"}"#, to: file)
            #expect(try Embedder.load(path, pooling: .cls).poolings == [.cls])
        }
    }

    @Test func poolingsThatDisagree() throws {
        let error = try loadError("st-bert-tiny") {
            try edit($0 + "/config.json", [("uniem_pooling_strategy", "cls")])
        }
        #expect(error.problem.contains("cls") && error.problem.contains("last_mean"))
        try withFolder { folder in
            try copyFolder(fixture("st-bert-tiny"), to: folder + "/m")
            try edit(folder + "/m/config.json", [("uniem_pooling_strategy", "cls")])
            #expect(try Embedder.load(folder + "/m", pooling: .cls).poolings == [.cls])
            try edit(folder + "/m/config.json", [("uniem_pooling_strategy", "last_mean")])
            #expect(try Embedder.load(folder + "/m").poolings == [.lastMean])
        }
    }

    /// Damage anywhere in the small files gives a model or one line, never a trap.
    @Test func mutationsNeverTrap() throws {
        try withFolder { folder in
            let path = folder + "/m"
            try copyFolder(fixture("st-bert-tiny"), to: path)
            var random = TestRandom(3)
            let pieces = Array("0123456789-{}[],:\"etrufalsn".utf8)
            var (good, bad) = (0, 0)
            for name in [
                "config.json", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json",
                "tokenizer_config.json",
            ] {
                let file = path + "/" + name
                let original = try FileBytes.read(file)
                for _ in 0..<60 {
                    var bytes = original
                    for _ in 0..<2 {
                        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                            pieces.randomElement(using: &random) ?? 0
                    }
                    try FileBytes.remove(file)
                    try FileWriter(path: file).write(bytes)
                    do {
                        let embedder = try Embedder.load(path)
                        #expect(embedder.encode(["", "some words"], threads: 1).count == 2)
                        good += 1
                    } catch {
                        #expect(error is FileError, "\(error)")
                        bad += 1
                    }
                }
                try FileWriter(path: file).write(original)
            }
            #expect(good > 10 && bad > 100, "\(good) good, \(bad) bad")
        }
    }
}
