internal import Files
internal import Layers
internal import Tensors

/// ModernBERT (Warner et al. 2024, arXiv 2412.13663) as Hugging Face's `ModernBertModel`: rotary positions, most
/// layers see a window only, gated feed-forward blocks, norms in front of each block, few biases.
struct ModernBERT: Encoder {
    let store = ParameterStore()
    private let config: ModernBERTConfig
    private let words: Embedding
    private let embeddingNorm: LayerNorm
    private let layers: [ModernBERTLayer]
    private let norm: LayerNorm

    static let keyRules: [KeyRule] = [
        .dropPrefix("model."), .ignorePrefix("head."), .ignorePrefix("decoder."),
        .ignorePrefix("classifier."),
    ]

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: ModernBERTConfig, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        words = try Embedding(
            root["embeddings"]["tok_embeddings"], count: config.vocabularySize,
            width: config.hiddenSize, deviation: config.initializerRange)
        embeddingNorm = try LayerNorm(
            root["embeddings"]["norm"], width: config.hiddenSize, epsilon: config.epsilon,
            hasBias: config.normsHaveBias)
        layers = try (0..<config.layers).map {
            try ModernBERTLayer(root["layers"][$0], config, index: $0)
        }
        norm = try LayerNorm(
            root["final_norm"], width: config.hiddenSize, epsilon: config.epsilon,
            hasBias: config.normsHaveBias)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var vocabularySize: Int { config.vocabularySize }
    var maximumLength: Int? { config.maximumPositions }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let found = wordEmbeddings(batch, on: &tape)
        let normed = embeddingNorm(found, rows: batch.rows, on: &tape)
        let embeddings = tape.dropout(normed, rate: config.embeddingDropout, rows: batch.rows)
        let (longest, size) = (batch.offsets.longest, config.hiddenSize / config.heads)
        let global = RotaryTable(positions: longest, size: size, base: config.globalBase)
        let local = RotaryTable(positions: longest, size: size, base: config.localBase)
        var hidden = embeddings
        var kept: [Tensor] = []
        for (layer, isLocal) in zip(layers, config.isLocal) {
            hidden = layer(hidden, batch, rotary: isLocal ? local : global, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        let last = norm(hidden, rows: batch.rows, on: &tape)
        if keepingLayers { kept[kept.count - 1] = last }
        return HiddenStates(embeddings: embeddings, last: last, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}

/// Attention and a gated feed-forward block, each of the norm of what it is added to.
private struct ModernBERTLayer: Sendable {
    /// None in the first layer, behind the norm of the embeddings.
    private let attentionNorm: LayerNorm?
    /// Queries, keys and values in one.
    private let attention: Linear
    private let attentionOutput: Linear
    private let norm: LayerNorm
    /// What the function is applied to, and what it gates, in one.
    private let intermediate: Linear
    private let output: Linear
    private let width: Int
    private let inner: Int
    private let heads: Int
    private let reach: AttentionReach
    private let activation: Activation
    private let attentionDropout: Float
    private let feedForwardDropout: Float

    init(_ scope: Scope, _ config: ModernBERTConfig, index: Int) throws {
        let (width, inner, deviation) = (
            config.hiddenSize, config.intermediateSize, config.initializerRange
        )
        let small = deviation / Double(2 * config.layers).squareRoot()
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(
                scope[name], width: width, epsilon: config.epsilon,
                hasBias: config.normsHaveBias)
        }
        attentionNorm = index == 0 ? nil : try norm("attn_norm")
        attention = try Linear(
            scope["attn"]["Wqkv"], inputs: width, outputs: 3 * width,
            hasBias: config.attentionHasBias, deviation: deviation)
        attentionOutput = try Linear(
            scope["attn"]["Wo"], inputs: width, outputs: width, hasBias: config.attentionHasBias,
            deviation: small)
        self.norm = try norm("mlp_norm")
        intermediate = try Linear(
            scope["mlp"]["Wi"], inputs: width, outputs: 2 * inner,
            hasBias: config.feedForwardHasBias, deviation: deviation)
        output = try Linear(
            scope["mlp"]["Wo"], inputs: inner, outputs: width, hasBias: config.feedForwardHasBias,
            deviation: small)
        (self.width, self.inner, heads) = (width, inner, config.heads)
        reach =
            config.isLocal[index]
            ? AttentionReach(before: config.window, after: config.window) : .everything
        activation = config.activation
        attentionDropout = config.attentionDropout
        feedForwardDropout = config.feedForwardDropout
    }

    /// `x` [T, H] to [T, H].
    func callAsFunction(
        _ x: Tensor, _ batch: TokenBatch, rotary: RotaryTable, on tape: inout Tape
    ) -> Tensor {
        let normed = attentionNorm?(x, rows: batch.rows, on: &tape) ?? x
        let all = attention(normed, rows: batch.rows, on: &tape)
        let q = tape.columns(all, 0..<width)
        let k = tape.columns(all, width..<2 * width)
        let v = tape.columns(all, 2 * width..<3 * width)
        let context = tape.attention(
            tape.rotate(q, positions: batch.positions, by: rotary),
            tape.rotate(k, positions: batch.positions, by: rotary), v, offsets: batch.offsets,
            heads: heads, scale: 1 / Float(width / heads).squareRoot(), reach: reach,
            dropout: attentionDropout, rows: batch.rows)
        let projected = attentionOutput(context, rows: batch.rows, on: &tape)
        let attended = tape.add(
            x, tape.dropout(projected, rate: attentionDropout, rows: batch.rows))
        let again = norm(attended, rows: batch.rows, on: &tape)
        let both = intermediate(again, rows: batch.rows, on: &tape)
        let opened = tape.activate(tape.columns(both, 0..<inner), activation)
        let gated = tape.multiply(opened, tape.columns(both, inner..<2 * inner))
        let kept = tape.dropout(gated, rate: feedForwardDropout, rows: batch.rows)
        let down = output(kept, rows: batch.rows, on: &tape)
        return tape.add(attended, down)
    }
}
