import Encoders
import Files
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct ConfigTests {
    private func make(_ json: JSON) throws -> any Encoder {
        try EncoderFamily(json, path: "m/config.json").makeEncoder(
            json, path: "m/config.json", source: RandomSource(seed: 1))
    }

    private static let roberta: JSON = [
        "model_type": "roberta", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 10,
    ]
    private static let distilbert: JSON = [
        "model_type": "distilbert", "vocab_size": 20, "dim": 8, "n_layers": 1, "n_heads": 2,
        "hidden_dim": 12,
    ]
    private static let t5: JSON = [
        "model_type": "t5", "vocab_size": 20, "d_model": 8, "num_layers": 1, "num_heads": 2,
        "d_ff": 12,
    ]
    private static let gpt2: JSON = [
        "model_type": "gpt2", "vocab_size": 20, "n_embd": 8, "n_layer": 1, "n_head": 2,
        "n_positions": 10,
    ]
    private static let mpnet: JSON = [
        "model_type": "mpnet", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 10,
    ]
    private static let modernBERT: JSON = [
        "model_type": "modernbert", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 4,
        "num_attention_heads": 2, "intermediate_size": 6,
    ]
    private static let qwen3: JSON = [
        "model_type": "qwen3", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 6, "head_dim": 6,
    ]

    @Test func unknownFamily() {
        #expect {
            try make(["model_type": "convbert"])
        } throws: {
            "\($0)".contains("convbert")
                && "\($0)".contains("supported: bert, roberta, xlm-roberta")
        }
        #expect(throws: FileError.self) { try make(["vocab_size": 3]) }
        #expect(throws: FileError.self) { try make(.array([])) }
    }

    @Test(
        arguments: [
            (roberta, "position_embedding_type", "relative_key" as JSON),
            (roberta, "hidden_act", "mish"), (roberta, "is_decoder", true),
            (roberta, "pad_token_id", 9), (roberta, "num_attention_heads", 3),
            (roberta, "pruned_heads", ["0": [1]]), (roberta, "vocab_size", 0),
            (roberta, "hidden_dropout_prob", 1), (roberta, "embedding_size", 4),
            (distilbert, "n_heads", 3), (distilbert, "activation", 7),
            (t5, "feed_forward_proj", "gated-silu"), (t5, "is_gated_act", true),
            (t5, "dense_act_fn", "gelu_new"), (t5, "relative_attention_num_buckets", 3),
            (t5, "relative_attention_max_distance", 8), (gpt2, "add_cross_attention", true),
            (gpt2, "scale_attn_weights", "yes"), (gpt2, "n_layer", 1.5),
            (mpnet, "relative_attention_num_buckets", 64), (mpnet, "embedding_size", 3),
            (modernBERT, "layer_types", ["full_attention"]), (modernBERT, "num_attention_heads", 8),
            (modernBERT, "rope_scaling", ["rope_type": "yarn"]), (modernBERT, "local_attention", 1),
            (
                modernBERT, "rope_parameters",
                ["full_attention": ["rope_type": "linear", "factor": 2]]
            ),
            (qwen3, "hidden_act", "gelu"), (qwen3, "num_key_value_heads", 3),
            (qwen3, "rope_parameters", ["rope_type": "yarn", "rope_theta": 10]),
            (qwen3, "rope_scaling", ["type": "linear"]), (qwen3, "head_dim", 5),
            (qwen3, "layer_types", ["full_attention", "chunked_attention", "full_attention"]),
        ] as [(JSON, String, JSON)])
    func refused(_ json: JSON, _ key: String, _ value: JSON) throws {
        _ = try make(json)
        var json = json
        json.set(key, value)
        #expect {
            try make(json)
        } throws: { error in
            // What stands inside a key is named by its own.
            (error as? FileError)?.path == "m/config.json"
                && ("\(error)".contains(key) || "\(error)".contains("rope_type"))
        }
    }

    @Test func missingKeys() throws {
        for json in [
            Self.roberta, Self.distilbert, Self.t5, Self.gpt2, Self.mpnet, Self.modernBERT,
            Self.qwen3,
        ] {
            for (key, _) in json.members ?? []
            where !["max_position_embeddings", "n_positions", "head_dim"].contains(key)
                || (key == "max_position_embeddings" && json["model_type"]?.string == "roberta")
            {
                let rest = JSON.object((json.members ?? []).filter { $0.key != key })
                #expect(throws: FileError.self, "\(key)") { try make(rest) }
            }
        }
    }

    @Test func longestSequences() throws {
        #expect(try make(Self.roberta).maximumLength == 8)
        #expect(try make(Self.distilbert).maximumLength == 512)
        #expect(try make(Self.gpt2).maximumLength == 10)
        #expect(try make(Self.t5).maximumLength == nil)
        var tape = Tape(.inference)
        let full = try make(Self.roberta)
        _ = full(TokenBatch([Array(repeating: 5, count: 8)]), on: &tape)
    }

    /// Rotary bases stand in two places, by the age of the file.
    @Test func rotaryBases() throws {
        func last(_ json: JSON, _ changes: [(String, JSON)]) throws -> [Float] {
            var json = json
            json.set("initializer_range", 0.5)
            for (key, value) in changes { json.set(key, value) }
            let encoder = try make(json)
            var tape = Tape(.inference)
            return encoder(TokenBatch([[1, 2, 3, 4, 5]]), on: &tape).last.values
        }
        let plain = try last(Self.qwen3, [])
        let old = try last(Self.qwen3, [("rope_theta", 50)])
        #expect(old != plain)
        #expect(try last(Self.qwen3, [("rope_parameters", ["rope_theta": 50])]) == old)
        let modern = try last(Self.modernBERT, [])
        let global = try last(Self.modernBERT, [("global_rope_theta", 50)])
        let local = try last(Self.modernBERT, [("local_rope_theta", 50)])
        #expect(modern != global && modern != local && local != global)
        let both: JSON = [
            "full_attention": ["rope_theta": 50, "rope_type": "default"],
            "sliding_attention": ["rope_theta": 10_000],
        ]
        #expect(try last(Self.modernBERT, [("rope_parameters", both)]) == global)
        let same = try last(
            Self.modernBERT, [("global_rope_theta", 50), ("local_rope_theta", .null)])
        let each = try last(
            Self.modernBERT, [("global_rope_theta", 50), ("local_rope_theta", 50)])
        #expect(same == each)
    }

    /// Scores are divided as the two switches of GPT-2 say.
    @Test func scalesOfGPT2() throws {
        var json = Self.gpt2
        json.set("n_layer", 2)
        json.set("initializer_range", 0.5)
        func last(_ changes: [(String, JSON)]) throws -> [Float] {
            var json = json
            for (key, value) in changes { json.set(key, value) }
            var tape = Tape(.inference)
            let encoder = try make(json)
            return encoder(TokenBatch([[1, 2, 3, 4]]), on: &tape).last.values
        }
        let plain = try last([])
        #expect(try last([("scale_attn_weights", false)]) != plain)
        #expect(try last([("scale_attn_by_inverse_layer_idx", true)]) != plain)
        #expect(try last([("reorder_and_upcast_attn", true)]) == plain)
    }

    /// A padding token inside a text has RoBERTa's padding position, and is not counted.
    @Test func paddingInText() throws {
        let encoder = try make(Self.roberta)
        func embeddings(_ ids: [Int32]) -> Tensor {
            var tape = Tape(.inference)
            return encoder.states(TokenBatch([ids, ids]), keepingLayers: false, on: &tape)
                .embeddings
        }
        let (with, without) = (embeddings([4, 1, 6]), embeddings([4, 6]))
        #expect(with.row(0) == without.row(0) && with.row(2) == without.row(1))
        #expect(with.row(3) == with.row(0) && with.row(5) == with.row(2))
    }
}
