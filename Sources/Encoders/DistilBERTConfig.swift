internal import Files
internal import Tensors

/// The sizes and choices of a DistilBERT, under the names of Hugging Face's `config.json`.
struct DistilBERTConfig: Sendable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let maximumPositions: Int
    let dropout: Float
    let layerSizes: PostNormSizes
    let json: JSON

    /// `sinusoidal_pos_embds` says how positions begin, not how they are used. Throws a ``FileError`` for a key that is
    /// missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("dim", 1...65_536)
        layers = try reader.int("n_layers", 1...1_024)
        let heads = try reader.int("n_heads", 1...1_024)
        maximumPositions = try reader.int("max_position_embeddings", 1...(1 << 24), default: 512)
        dropout = try reader.rate("dropout", default: 0.1)
        layerSizes = PostNormSizes(
            width: hiddenSize, inner: try reader.int("hidden_dim", 1...1_048_576), heads: heads,
            activation: try reader.activation("activation", default: .geluErf), epsilon: 1e-12,
            attentionDropout: try reader.rate("attention_dropout", default: 0.1),
            attendedDropout: 0, outputDropout: dropout,
            deviation: try reader.double("initializer_range", 0...10, default: 0.02))
        try reader.check(heads: heads, divide: hiddenSize, "dim", "n_heads")
        try reader.refuse("pruned_heads") { $0.members?.isEmpty ?? false }
        self.json = json
    }
}
