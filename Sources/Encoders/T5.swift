internal import Files
internal import Layers
internal import Tensors

/// The encoder of T5 (Raffel et al. 2020, arXiv 1910.10683) and mT5 (Xue et al. 2021, arXiv 2010.11934) as Hugging
/// Face's `T5EncoderModel`: RMS norms in front of each block, no positions but a bias by distance that all layers
/// share, attention scores that are not scaled.
struct T5: Encoder {
    let store = ParameterStore()
    private let config: T5Config
    private let words: Embedding
    private let relativeBias: RelativePositionBias
    private let layers: [T5Layer]
    private let norm: RMSNorm

    /// A whole T5 has a decoder too, and the word table under the names of all its users.
    static let keyRules: [KeyRule] = [
        .ignorePrefix("decoder."), .ignorePrefix("lm_head."),
        .ignorePrefix("encoder.embed_tokens."), .ignorePrefix("classification_head."),
    ]

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: T5Config, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        let blocks = root["encoder"]["block"]
        words = try Embedding(
            root["shared"], count: config.vocabularySize, width: config.hiddenSize,
            deviation: config.initializerFactor)
        relativeBias = try RelativePositionBias(
            blocks[0]["layer"][0]["SelfAttention"]["relative_attention_bias"],
            buckets: config.buckets, maximumDistance: config.maximumDistance, heads: config.heads,
            deviation: config.initializerFactor / Double(config.hiddenSize).squareRoot())
        layers = try (0..<config.layers).map { try T5Layer(blocks[$0]["layer"], config) }
        norm = try RMSNorm(
            root["encoder"]["final_layer_norm"], width: config.hiddenSize, epsilon: config.epsilon)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var vocabularySize: Int { config.vocabularySize }
    /// Distances have no end.
    var maximumLength: Int? { nil }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let found = wordEmbeddings(batch, on: &tape)
        let embeddings = tape.dropout(found, rate: config.dropout, rows: batch.rows)
        let bias = relativeBias(longest: batch.offsets.longest, on: &tape)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, bias: bias, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        let normed = norm(hidden, on: &tape)
        let last = tape.dropout(normed, rate: config.dropout, rows: batch.rows)
        if keepingLayers { kept[kept.count - 1] = last }
        return HiddenStates(embeddings: embeddings, last: last, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}

/// Attention and feed-forward, each of the norm of what it is added to.
private struct T5Layer: Sendable {
    private let attentionNorm: RMSNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let norm: RMSNorm
    private let gate: Linear?
    private let intermediate: Linear
    private let output: Linear
    private let heads: Int
    private let activation: Activation
    private let dropout: Float

    init(_ scope: Scope, _ config: T5Config) throws {
        let (width, inner) = (config.hiddenSize, config.intermediateSize)
        let attended = config.heads * config.headSize
        let (attention, feedForward) = (scope[0]["SelfAttention"], scope[1]["DenseReluDense"])
        func linear(
            _ scope: Scope, _ inputs: Int, _ outputs: Int, fan: Int? = nil
        ) throws -> Linear {
            try Linear(
                scope, inputs: inputs, outputs: outputs, hasBias: false,
                deviation: config.initializerFactor / Double(fan ?? inputs).squareRoot())
        }
        attentionNorm = try RMSNorm(scope[0]["layer_norm"], width: width, epsilon: config.epsilon)
        query = try linear(attention["q"], width, attended, fan: width * config.headSize)
        key = try linear(attention["k"], width, attended)
        value = try linear(attention["v"], width, attended)
        attentionOutput = try linear(attention["o"], attended, width)
        norm = try RMSNorm(scope[1]["layer_norm"], width: width, epsilon: config.epsilon)
        gate = config.isGated ? try linear(feedForward["wi_0"], width, inner) : nil
        intermediate = try linear(feedForward[config.isGated ? "wi_1" : "wi"], width, inner)
        output = try linear(feedForward["wo"], inner, width)
        heads = config.heads
        activation = config.activation
        dropout = config.dropout
    }

    /// `x` [T, H] to [T, H].
    func callAsFunction(
        _ x: Tensor, _ batch: TokenBatch, bias: Tensor, on tape: inout Tape
    ) -> Tensor {
        let normed = attentionNorm(x, on: &tape)
        let q = query(normed, rows: batch.rows, on: &tape)
        let k = key(normed, rows: batch.rows, on: &tape)
        let v = value(normed, rows: batch.rows, on: &tape)
        let context = tape.attention(
            q, k, v, offsets: batch.offsets, heads: heads, scale: 1, bias: bias, dropout: dropout,
            rows: batch.rows)
        let projected = attentionOutput(context, rows: batch.rows, on: &tape)
        let attended = tape.add(x, tape.dropout(projected, rate: dropout, rows: batch.rows))
        let inner = feedForward(norm(attended, on: &tape), rows: batch.rows, on: &tape)
        let kept = tape.dropout(inner, rate: dropout, rows: batch.rows)
        let down = output(kept, rows: batch.rows, on: &tape)
        return tape.add(attended, tape.dropout(down, rate: dropout, rows: batch.rows))
    }

    private func feedForward(
        _ x: Tensor, rows: RowNumbers, on tape: inout Tape
    ) -> Tensor {
        guard let gate else {
            return tape.activate(intermediate(x, rows: rows, on: &tape), activation)
        }
        let opened = tape.activate(gate(x, rows: rows, on: &tape), activation)
        let inner = intermediate(x, rows: rows, on: &tape)
        return tape.multiply(opened, inner)
    }
}
