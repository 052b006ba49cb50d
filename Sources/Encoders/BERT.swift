public import Files
public import Layers
public import Tensors

/// BERT (Devlin et al. 2018, arXiv 1810.04805) as Hugging Face's `BertModel`: absolute positions, token types,
/// post-norm layers.
///
/// ``RoBERTa`` and ``ERNIE`` are BERTs too: what differs stands in their ``BERTConfig``.
public struct BERT: Encoder {
    /// The parameters, under `BertModel`'s names.
    public let store = ParameterStore()
    private let config: BERTConfig
    private let words: Embedding
    private let positions: Embedding
    private let types: Embedding
    private let tasks: Embedding?
    private let norm: LayerNorm
    private let layers: [PostNormLayer]

    /// Names of checkpoints with heads (`bert.` prefix) and of TensorFlow's norms (`gamma`, `beta`).
    static let keyRules: [KeyRule] = [
        .dropPrefix("bert."), .replaceSuffix("LayerNorm.gamma", with: "LayerNorm.weight"),
        .replaceSuffix("LayerNorm.beta", with: "LayerNorm.bias"), .ignorePrefix("cls."),
        .ignorePrefix("classifier."), .ignoreSuffix("embeddings.position_ids"),
        .ignoreSuffix("embeddings.token_type_ids"),
    ]

    /// Builds the encoder; throws where `source` has not all parameters.
    public init(_ config: BERTConfig, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        let (width, deviation) = (config.hiddenSize, config.initializerRange)
        let embeddings = root["embeddings"]
        words = try Embedding(
            embeddings["word_embeddings"], count: config.vocabularySize, width: width,
            deviation: deviation)
        positions = try Embedding(
            embeddings["position_embeddings"], count: config.maximumPositions, width: width,
            deviation: deviation)
        types = try Embedding(
            embeddings["token_type_embeddings"], count: config.typeVocabularySize, width: width,
            deviation: deviation)
        tasks = try config.taskVocabularySize.map {
            try Embedding(
                embeddings["task_type_embeddings"], count: $0, width: width, deviation: deviation)
        }
        norm = try LayerNorm(
            embeddings["LayerNorm"], width: width, epsilon: config.layerNormEpsilon)
        layers = try (0..<config.layers).map {
            try PostNormLayer(root["encoder"]["layer"][$0], config.layerSizes)
        }
        // The pooler takes no part in embeddings; it is kept so that a saved model is a whole BertModel.
        let pooler = root["pooler"]["dense"]
        _ = try pooler.optionalParameter(
            "weight", [width, width], .normal(standardDeviation: deviation))
        _ = try pooler.optionalParameter("bias", [width], .zeros)
    }

    /// The `config.json`.
    public var configuration: JSON { config.json }
    /// The width H.
    public var hiddenSize: Int { config.hiddenSize }
    /// Rows of the word table.
    public var vocabularySize: Int { config.vocabularySize }
    /// Rows of the position table that tokens can have.
    public var maximumLength: Int? {
        config.maximumPositions - (config.paddingID.map { $0 + 1 } ?? 0)
    }

    /// The hidden states of `batch`. Traps on ids or positions outside the tables.
    public func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let wordTable = words.table(on: &tape)
        let positionTable = positions.table(on: &tape)
        let typeTable = types.table(on: &tape)
        let places = config.paddingID.map { batch.positions(afterPadding: Int32($0)) }
        var lookups = [
            (wordTable, batch.ids), (positionTable, places ?? batch.positions),
            (typeTable, batch.typeIDs),
        ]
        if let tasks {
            // Task 0, as Hugging Face does where none is given.
            lookups.append((tasks.table(on: &tape), batch.ids.map { _ in 0 }))
        }
        let sum = tape.embed(lookups)
        let normed = norm(sum, rows: batch.rows, on: &tape)
        let embeddings = tape.dropout(normed, rate: config.hiddenDropout, rows: batch.rows)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        return HiddenStates(embeddings: embeddings, last: hidden, layers: kept)
    }

    /// The rows of the word table: [T, H].
    public func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}
