internal import Files

/// The sizes and choices of a Qwen3, under the names of Hugging Face's `config.json`.
struct Qwen3Config: Sendable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let heads: Int
    /// Heads of keys and values.
    let keyHeads: Int
    /// The width D of a head; heads need not fill the hidden width.
    let headSize: Int
    let intermediateSize: Int
    let maximumPositions: Int
    let epsilon: Double
    let attentionHasBias: Bool
    let attentionDropout: Float
    /// For each layer, whether it sees only the last `window` tokens.
    let isLocal: [Bool]
    let window: Int
    let rotaryBase: Double
    let initializerRange: Double
    let json: JSON

    /// Throws a ``FileError`` for a key that is missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("hidden_size", 1...65_536)
        layers = try reader.int("num_hidden_layers", 1...1_024)
        heads = try reader.int("num_attention_heads", 1...1_024)
        keyHeads = try reader.int("num_key_value_heads", 1...heads, default: heads)
        headSize = try reader.int("head_dim", 1...65_536, default: 128)
        intermediateSize = try reader.int("intermediate_size", 1...1_048_576)
        maximumPositions = try reader.int(
            "max_position_embeddings", 1...(1 << 24), default: 32_768)
        epsilon = try reader.double("rms_norm_eps", 0...1, default: 1e-6)
        attentionHasBias = try reader.bool("attention_bias", default: false)
        attentionDropout = try reader.rate("attention_dropout", default: 0)
        let isWindowed = try reader.bool("use_sliding_window", default: false)
        window = try reader.int("sliding_window", 1...(1 << 24), default: 4_096)
        let firstLocal = try reader.int("max_window_layers", 0...(1 << 24), default: 28)
        let local = try reader.windowedLayers(layers) { $0 >= firstLocal }
        isLocal = local.map { isWindowed && $0 }
        rotaryBase = try reader.rotaryBase(
            json["rope_parameters"], "rope_theta", default: 10_000)
        initializerRange = try reader.double("initializer_range", 0...10, default: 0.02)
        try reader.refuse("hidden_act") { $0.string == "silu" }
        try reader.check(
            heads: keyHeads, divide: heads, "num_attention_heads", "num_key_value_heads")
        guard headSize % 2 == 0 else {
            throw reader.error("head_dim", "heads of an odd width cannot turn in pairs")
        }
        self.json = json
    }
}
