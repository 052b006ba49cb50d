internal import Files
internal import Tensors

/// The sizes and choices of an ALBERT, under the names of Hugging Face's `config.json`.
struct ALBERTConfig: Sendable {
    let vocabularySize: Int
    let embeddingSize: Int
    let hiddenSize: Int
    let layers: Int
    /// Groups of layers that have weights of their own.
    let groups: Int
    /// Layers in a group.
    let groupLayers: Int
    let maximumPositions: Int
    let typeVocabularySize: Int
    let dropout: Float
    let layerSizes: PostNormSizes
    let json: JSON

    /// Throws a ``FileError`` for a key that is missing, out of range, or asks for maths that are not built.
    init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        embeddingSize = try reader.int("embedding_size", 1...65_536, default: 128)
        hiddenSize = try reader.int("hidden_size", 1...65_536)
        layers = try reader.int("num_hidden_layers", 1...1_024)
        groups = try reader.int("num_hidden_groups", 1...layers, default: 1)
        groupLayers = try reader.int("inner_group_num", 1...1_024, default: 1)
        let heads = try reader.int("num_attention_heads", 1...1_024)
        maximumPositions = try reader.int("max_position_embeddings", 1...(1 << 24), default: 512)
        typeVocabularySize = try reader.int("type_vocab_size", 1...1_024, default: 2)
        dropout = try reader.rate("hidden_dropout_prob", default: 0)
        layerSizes = PostNormSizes(
            width: hiddenSize, inner: try reader.int("intermediate_size", 1...1_048_576),
            heads: heads, activation: try reader.activation("hidden_act", default: .geluTanh),
            epsilon: try reader.double("layer_norm_eps", 0...1, default: 1e-12),
            attentionDropout: try reader.rate("attention_probs_dropout_prob", default: 0),
            attendedDropout: dropout, outputDropout: 0,
            deviation: try reader.double("initializer_range", 0...10, default: 0.02))
        try reader.check(
            heads: heads, divide: hiddenSize, "hidden_size", "num_attention_heads")
        try reader.refuse("position_embedding_type") { $0.string == "absolute" }
        try reader.refuse("pruned_heads") { $0.members?.isEmpty ?? false }
        self.json = json
    }

    /// The group whose weights layer `index` has; Hugging Face divides in floating point.
    func group(ofLayer index: Int) -> Int {
        min(Int(Double(index) / (Double(layers) / Double(groups))), groups - 1)
    }
}
