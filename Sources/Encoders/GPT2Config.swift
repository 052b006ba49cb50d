internal import Files
internal import Tensors

/// The sizes and choices of a GPT-2, under the names of Hugging Face's `config.json`.
struct GPT2Config: Sendable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let heads: Int
    let intermediateSize: Int
    let maximumPositions: Int
    let activation: Activation
    let epsilon: Double
    let embeddingDropout: Float
    let attentionDropout: Float
    let residualDropout: Float
    /// Whether scores are divided by the root of the head's width.
    let scalesScores: Bool
    /// Whether scores are divided by the number of the layer, from 1.
    let scalesByLayer: Bool
    let initializerRange: Double
    let json: JSON

    /// `reorder_and_upcast_attn` changes the order of the same operations. Throws a ``FileError`` for a key that is
    /// missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("n_embd", 1...65_536)
        layers = try reader.int("n_layer", 1...1_024)
        heads = try reader.int("n_head", 1...1_024)
        intermediateSize = try reader.int("n_inner", 1...1_048_576, default: 4 * hiddenSize)
        maximumPositions = try reader.int("n_positions", 1...(1 << 24), default: 1_024)
        activation = try reader.activation("activation_function", default: .geluTanh)
        epsilon = try reader.double("layer_norm_epsilon", 0...1, default: 1e-5)
        embeddingDropout = try reader.rate("embd_pdrop", default: 0.1)
        attentionDropout = try reader.rate("attn_pdrop", default: 0.1)
        residualDropout = try reader.rate("resid_pdrop", default: 0.1)
        scalesScores = try reader.bool("scale_attn_weights", default: true)
        scalesByLayer = try reader.bool("scale_attn_by_inverse_layer_idx", default: false)
        initializerRange = try reader.double("initializer_range", 0...10, default: 0.02)
        try reader.check(heads: heads, divide: hiddenSize, "n_embd", "n_head")
        try reader.refuse("add_cross_attention") { $0.bool == false }
        try reader.refuse("pruned_heads") { $0.members?.isEmpty ?? false }
        self.json = json
    }
}
