public import Files
public import Layers
public import Tensors

/// BERT (Devlin et al. 2018, arXiv 1810.04805) as Hugging Face's `BertModel`: absolute positions, token types,
/// post-norm layers.
public struct BERT: Encoder {
    /// The parameters, under `BertModel`'s names.
    public let store = ParameterStore()
    private let config: BERTConfig
    private let words: Embedding
    private let positions: Embedding
    private let types: Embedding
    private let norm: LayerNorm
    private let layers: [BERTLayer]

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
        norm = try LayerNorm(
            embeddings["LayerNorm"], width: width, epsilon: config.layerNormEpsilon)
        layers = try (0..<config.layers).map { try BERTLayer(root["encoder"]["layer"][$0], config) }
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
    /// Rows of the position table.
    public var maximumLength: Int? { config.maximumPositions }

    /// The hidden states of `batch`. Traps on ids or positions outside the tables.
    public func callAsFunction(_ batch: TokenBatch, on tape: inout Tape) -> HiddenStates {
        states(batch, keepingLayers: false, on: &tape)
    }

    /// The hidden states of `batch`, of all layers where asked for.
    package func states(_ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape)
        -> HiddenStates
    {
        let wordTable = words.table(on: &tape)
        let positionTable = positions.table(on: &tape)
        let typeTable = types.table(on: &tape)
        let sum = tape.embed([
            (wordTable, batch.ids), (positionTable, batch.positions), (typeTable, batch.typeIDs),
        ])
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

/// Attention and feed-forward, each followed by dropout, the residual and a norm.
struct BERTLayer: Sendable {
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let attentionNorm: LayerNorm
    private let intermediate: Linear
    private let output: Linear
    private let outputNorm: LayerNorm
    private let heads: Int
    private let scale: Float
    private let activation: Activation
    private let hiddenDropout: Float
    private let attentionDropout: Float

    init(_ scope: Scope, _ config: BERTConfig) throws {
        let (width, inner, deviation) = (
            config.hiddenSize, config.intermediateSize, config.initializerRange
        )
        let attention = scope["attention"]
        func linear(_ scope: Scope, _ inputs: Int, _ outputs: Int) throws -> Linear {
            try Linear(scope, inputs: inputs, outputs: outputs, deviation: deviation)
        }
        query = try linear(attention["self"]["query"], width, width)
        key = try linear(attention["self"]["key"], width, width)
        value = try linear(attention["self"]["value"], width, width)
        attentionOutput = try linear(attention["output"]["dense"], width, width)
        attentionNorm = try LayerNorm(
            attention["output"]["LayerNorm"], width: width, epsilon: config.layerNormEpsilon)
        intermediate = try linear(scope["intermediate"]["dense"], width, inner)
        output = try linear(scope["output"]["dense"], inner, width)
        outputNorm = try LayerNorm(
            scope["output"]["LayerNorm"], width: width, epsilon: config.layerNormEpsilon)
        heads = config.heads
        scale = 1 / Float(width / config.heads).squareRoot()
        activation = config.activation
        hiddenDropout = config.hiddenDropout
        attentionDropout = config.attentionDropout
    }

    /// `x` [T, H] to [T, H].
    func callAsFunction(_ x: Tensor, _ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let q = query(x, on: &tape)
        let k = key(x, on: &tape)
        let v = value(x, on: &tape)
        let context = tape.attention(
            q, k, v, offsets: batch.offsets, heads: heads, scale: scale, dropout: attentionDropout,
            rows: batch.rows)
        let projected = attentionOutput(context, on: &tape)
        let attended = attentionNorm(
            projected, residual: x, dropout: hiddenDropout, rows: batch.rows, on: &tape)
        let inner = tape.activate(intermediate(attended, on: &tape), activation)
        let down = output(inner, on: &tape)
        return outputNorm(
            down, residual: attended, dropout: hiddenDropout, rows: batch.rows, on: &tape)
    }
}
