internal import Files
internal import Tensors

/// The sizes and choices of a ModernBERT, under the names of Hugging Face's `config.json`.
struct ModernBERTConfig: Sendable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let heads: Int
    let intermediateSize: Int
    let maximumPositions: Int
    let activation: Activation
    let epsilon: Double
    let normsHaveBias: Bool
    let attentionHasBias: Bool
    let feedForwardHasBias: Bool
    let embeddingDropout: Float
    let attentionDropout: Float
    let feedForwardDropout: Float
    /// For each layer, whether it sees only the keys within `window`.
    let isLocal: [Bool]
    /// How far local layers see to either side.
    let window: Int
    let globalBase: Double
    let localBase: Double
    let initializerRange: Double
    let json: JSON

    /// Throws a ``FileError`` for a key that is missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("hidden_size", 1...65_536)
        layers = try reader.int("num_hidden_layers", 1...1_024)
        heads = try reader.int("num_attention_heads", 1...1_024)
        intermediateSize = try reader.int("intermediate_size", 1...1_048_576)
        maximumPositions = try reader.int(
            "max_position_embeddings", 1...(1 << 24), default: 8_192)
        activation = try reader.activation("hidden_activation", default: .geluErf)
        epsilon = try reader.double("norm_eps", 0...1, default: 1e-5)
        normsHaveBias = try reader.bool("norm_bias", default: false)
        attentionHasBias = try reader.bool("attention_bias", default: false)
        feedForwardHasBias = try reader.bool("mlp_bias", default: false)
        embeddingDropout = try reader.rate("embedding_dropout", default: 0)
        attentionDropout = try reader.rate("attention_dropout", default: 0)
        feedForwardDropout = try reader.rate("mlp_dropout", default: 0)
        let period = try reader.int("global_attn_every_n_layers", 1...1_024, default: 3)
        isLocal = try reader.windowedLayers(layers) { $0 % period != 0 }
        window = try reader.int("local_attention", 2...(1 << 24), default: 128) / 2
        let rotary = json["rope_parameters"]
        globalBase = try reader.rotaryBase(
            rotary?["full_attention"], "global_rope_theta", default: 160_000)
        // An explicit null says "as the others"; a missing key has a default of its own.
        let local = json["local_rope_theta"]?.isNull == true ? globalBase : 10_000
        localBase = try reader.rotaryBase(
            rotary?["sliding_attention"], "local_rope_theta", default: local)
        initializerRange = try reader.double("initializer_range", 0...10, default: 0.02)
        try reader.check(
            heads: heads, divide: hiddenSize, "hidden_size", "num_attention_heads")
        guard hiddenSize / heads % 2 == 0 else {
            throw reader.error("num_attention_heads", "heads of an odd width cannot turn in pairs")
        }
        self.json = json
    }
}
