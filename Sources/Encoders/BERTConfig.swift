public import Files
public import Tensors

/// The sizes and choices of a BERT, under the names of Hugging Face's `config.json`.
public struct BERTConfig: Sendable {
    /// Rows of the word table.
    public var vocabularySize: Int
    /// The width H.
    public var hiddenSize: Int
    /// The number of layers.
    public var layers: Int
    /// Attention heads per layer; divides the width.
    public var heads: Int
    /// The width between the two linear layers of a feed-forward block.
    public var intermediateSize: Int
    /// Rows of the position table: the longest sequence.
    public var maximumPositions: Int
    /// Rows of the segment table.
    public var typeVocabularySize: Int
    /// The function of the feed-forward block.
    public var activation: Activation
    /// Added to variances.
    public var layerNormEpsilon: Double
    /// The share of hidden values dropped in training.
    public var hiddenDropout: Float
    /// The share of attention weights dropped in training.
    public var attentionDropout: Float
    /// The standard deviation of fresh weights.
    public var initializerRange: Double
    /// Rows of the table of tasks; `nil` where there is none (ERNIE only).
    public var taskVocabularySize: Int?
    /// The id of the padding token where positions are counted from behind it, as RoBERTa does; `nil` where they are
    /// counted from 0.
    public var paddingID: Int?
    /// The whole file.
    public var json: JSON

    /// Reads `json`, the content of the file at `path`.
    ///
    /// Keys that Hugging Face gives a default have the same one here. Throws a ``FileError`` for a key that is
    /// missing, out of range, or asks for maths that are not built.
    public init(_ json: JSON, path: String) throws(FileError) {
        let reader = ConfigReader(json: json, path: path)
        vocabularySize = try reader.int("vocab_size", 1...(1 << 24))
        hiddenSize = try reader.int("hidden_size", 1...65_536)
        layers = try reader.int("num_hidden_layers", 1...1_024)
        heads = try reader.int("num_attention_heads", 1...1_024)
        intermediateSize = try reader.int("intermediate_size", 1...1_048_576)
        maximumPositions = try reader.int("max_position_embeddings", 1...(1 << 24))
        typeVocabularySize = try reader.int("type_vocab_size", 1...1_024, default: 2)
        activation = try reader.activation("hidden_act", default: .geluErf)
        layerNormEpsilon = try reader.double("layer_norm_eps", 0...1, default: 1e-12)
        hiddenDropout = Float(try reader.double("hidden_dropout_prob", 0...0.99, default: 0.1))
        attentionDropout = Float(
            try reader.double("attention_probs_dropout_prob", 0...0.99, default: 0.1))
        initializerRange = try reader.double("initializer_range", 0...10, default: 0.02)
        try reader.refuse("position_embedding_type") { $0.string == "absolute" }
        try reader.refuse("is_decoder") { $0.bool == false }
        try reader.refuse("add_cross_attention") { $0.bool == false }
        try reader.refuse("embedding_size") { $0.int == json["hidden_size"]?.int }
        try reader.refuse("pruned_heads") { $0.members?.isEmpty ?? false }
        try reader.check(heads: heads, divide: hiddenSize, "hidden_size", "num_attention_heads")
        self.json = json
    }

    var layerSizes: PostNormSizes {
        PostNormSizes(
            width: hiddenSize, inner: intermediateSize, heads: heads, activation: activation,
            epsilon: layerNormEpsilon, attentionDropout: attentionDropout,
            attendedDropout: hiddenDropout, outputDropout: hiddenDropout,
            deviation: initializerRange)
    }

    /// The `config.json` of a fresh BERT of the given sizes; what is not given is BERT's usual choice.
    public static func fresh(
        vocabularySize: Int, hiddenSize: Int, layers: Int, heads: Int, intermediateSize: Int? = nil,
        maximumPositions: Int = 512
    ) -> JSON {
        [
            "architectures": ["BertModel"],
            "attention_probs_dropout_prob": 0.1,
            "classifier_dropout": .null,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": .int(hiddenSize),
            "initializer_range": 0.02,
            "intermediate_size": .int(intermediateSize ?? 4 * hiddenSize),
            "layer_norm_eps": 1e-12,
            "max_position_embeddings": .int(maximumPositions),
            "model_type": "bert",
            "num_attention_heads": .int(heads),
            "num_hidden_layers": .int(layers),
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "torch_dtype": "float32",
            "type_vocab_size": 2,
            "use_cache": true,
            "vocab_size": .int(vocabularySize),
        ]
    }
}
