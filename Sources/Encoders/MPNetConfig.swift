internal import Files
internal import Tensors

/// The sizes and choices of an MPNet, under the names of Hugging Face's `config.json`.
struct MPNetConfig: Sendable {
    /// The padding token's id, which Hugging Face's model fixes.
    static let paddingID = 1
    /// The number of buckets of distances, which Hugging Face's model fixes whatever the configuration says.
    static let buckets = 32
    /// The distance from which all share a bucket, which Hugging Face's model fixes.
    static let maximumDistance = 128

    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let maximumPositions: Int
    let layerSizes: PostNormSizes
    let json: JSON

    /// Throws a ``FileError`` for a key that is missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 2...(1 << 24))
        hiddenSize = try reader.int("hidden_size", 1...65_536)
        layers = try reader.int("num_hidden_layers", 1...1_024)
        let heads = try reader.int("num_attention_heads", 1...1_024)
        maximumPositions = try reader.int("max_position_embeddings", 3...(1 << 24), default: 512)
        let dropout = try reader.rate("hidden_dropout_prob", default: 0.1)
        layerSizes = PostNormSizes(
            width: hiddenSize, inner: try reader.int("intermediate_size", 1...1_048_576),
            heads: heads, activation: try reader.activation("hidden_act", default: .geluErf),
            epsilon: try reader.double("layer_norm_eps", 0...1, default: 1e-12),
            attentionDropout: try reader.rate("attention_probs_dropout_prob", default: 0.1),
            attendedDropout: dropout, outputDropout: dropout,
            deviation: try reader.double("initializer_range", 0...10, default: 0.02))
        try reader.check(
            heads: heads, divide: hiddenSize, "hidden_size", "num_attention_heads")
        try reader.refuse("embedding_size") { $0.int == json["hidden_size"]?.int }
        try reader.refuse("relative_attention_num_buckets") { $0.int == MPNetConfig.buckets }
        try reader.refuse("pruned_heads") { $0.members?.isEmpty ?? false }
        self.json = json
    }
}
