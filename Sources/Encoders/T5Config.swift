internal import Files
internal import Tensors

/// The sizes and choices of a T5, under the names of Hugging Face's `config.json`.
struct T5Config: Sendable {
    let vocabularySize: Int
    let hiddenSize: Int
    /// The width D of a head; heads need not fill the hidden width.
    let headSize: Int
    let heads: Int
    let layers: Int
    let intermediateSize: Int
    let buckets: Int
    let maximumDistance: Int
    let activation: Activation
    /// Whether the function gates a second linear layer.
    let isGated: Bool
    let epsilon: Double
    let dropout: Float
    let initializerFactor: Double
    let json: JSON

    /// - Parameter feedForward: what `feed_forward_proj` is where it is left out.
    ///
    /// Throws a ``FileError`` for a key that is missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String, feedForward: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("d_model", 1...65_536)
        headSize = try reader.int("d_kv", 1...65_536, default: 64)
        heads = try reader.int("num_heads", 1...1_024)
        layers = try reader.int("num_layers", 1...1_024)
        intermediateSize = try reader.int("d_ff", 1...1_048_576)
        buckets = try reader.int("relative_attention_num_buckets", 4...4_096, default: 32)
        maximumDistance = try reader.int(
            "relative_attention_max_distance", (buckets / 4 + 1)...(1 << 24),
            default: max(128, buckets / 4 + 1))
        // "gated-gelu" is the tanh form for historical reasons; a plain "gelu" is the exact one.
        let name = json["feed_forward_proj"]?.string ?? feedForward
        let (function, gated): (Activation, Bool) = try reader.choice(
            "feed_forward_proj",
            [
                "relu": (.relu, false), "gelu": (.geluErf, false), "gelu_new": (.geluTanh, false),
                "gated-gelu": (.geluTanh, true), "gated-relu": (.relu, true),
                "gated-gelu_new": (.geluTanh, true),
            ],
            default: feedForward == "relu" ? (.relu, false) : (.geluTanh, true))
        (activation, isGated) = (function, gated)
        let inner =
            name == "gated-gelu" ? "gelu_new" : String(name.split(separator: "-").last ?? "")
        try reader.refuse("dense_act_fn") { $0.string == inner }
        try reader.refuse("is_gated_act") { $0.bool == gated }
        epsilon = try reader.double("layer_norm_epsilon", 0...1, default: 1e-6)
        dropout = try reader.rate("dropout_rate", default: 0.1)
        initializerFactor = try reader.double("initializer_factor", 0...10, default: 1)
        self.json = json
    }
}
