internal import Files
internal import Layers
internal import Tensors

/// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners") as Hugging Face's `GPT2Model`:
/// each token sees those before it, norms stand in front of each block, and linear weights have their inputs first.
struct GPT2: Encoder {
    let store = ParameterStore()
    private let config: GPT2Config
    private let words: Embedding
    private let positions: Embedding
    private let layers: [GPT2Layer]
    private let norm: LayerNorm

    /// Older checkpoints hold the causal mask as buffers.
    static let keyRules: [KeyRule] = [
        .dropPrefix("transformer."), .ignoreSuffix(".attn.bias"),
        .ignoreSuffix(".attn.masked_bias"), .ignorePrefix("lm_head."), .ignorePrefix("score."),
        .ignorePrefix("multiple_choice_head."),
    ]

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: GPT2Config, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        words = try Embedding(
            root["wte"], count: config.vocabularySize, width: config.hiddenSize,
            deviation: config.initializerRange)
        positions = try Embedding(
            root["wpe"], count: config.maximumPositions, width: config.hiddenSize,
            deviation: config.initializerRange)
        layers = try (0..<config.layers).map { try GPT2Layer(root["h"][$0], config, index: $0) }
        norm = try LayerNorm(root["ln_f"], width: config.hiddenSize, epsilon: config.epsilon)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var vocabularySize: Int { config.vocabularySize }
    var maximumLength: Int? { config.maximumPositions }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let wordTable = words.table(on: &tape)
        let positionTable = positions.table(on: &tape)
        let sum = tape.embed([(wordTable, batch.ids), (positionTable, batch.positions)])
        let embeddings = tape.dropout(sum, rate: config.embeddingDropout, rows: batch.rows)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, on: &tape)
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

/// Attention and feed-forward, each of the norm of what it is added to.
private struct GPT2Layer: Sendable {
    private let attentionNorm: LayerNorm
    /// Queries, keys and values in one.
    private let attention: InputFirstLinear
    private let attentionOutput: InputFirstLinear
    private let norm: LayerNorm
    private let intermediate: InputFirstLinear
    private let output: InputFirstLinear
    private let width: Int
    private let heads: Int
    private let scale: Float
    private let activation: Activation
    private let attentionDropout: Float
    private let residualDropout: Float

    init(_ scope: Scope, _ config: GPT2Config, index: Int) throws {
        let (width, inner, deviation) = (
            config.hiddenSize, config.intermediateSize, config.initializerRange
        )
        // What is added to the residual begins smaller, the more layers add to it.
        let small = deviation / Double(2 * config.layers).squareRoot()
        attentionNorm = try LayerNorm(scope["ln_1"], width: width, epsilon: config.epsilon)
        attention = try InputFirstLinear(
            scope["attn"]["c_attn"], inputs: width, outputs: 3 * width, deviation: deviation)
        attentionOutput = try InputFirstLinear(
            scope["attn"]["c_proj"], inputs: width, outputs: width, deviation: small)
        norm = try LayerNorm(scope["ln_2"], width: width, epsilon: config.epsilon)
        intermediate = try InputFirstLinear(
            scope["mlp"]["c_fc"], inputs: width, outputs: inner, deviation: deviation)
        output = try InputFirstLinear(
            scope["mlp"]["c_proj"], inputs: inner, outputs: width, deviation: small)
        self.width = width
        heads = config.heads
        var scale = config.scalesScores ? 1 / Float(width / config.heads).squareRoot() : 1
        if config.scalesByLayer { scale /= Float(index + 1) }
        self.scale = scale
        activation = config.activation
        attentionDropout = config.attentionDropout
        residualDropout = config.residualDropout
    }

    /// `x` [T, H] to [T, H].
    func callAsFunction(_ x: Tensor, _ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let normed = attentionNorm(x, rows: batch.rows, on: &tape)
        let all = attention(normed, rows: batch.rows, on: &tape)
        let q = tape.columns(all, 0..<width)
        let k = tape.columns(all, width..<2 * width)
        let v = tape.columns(all, 2 * width..<3 * width)
        let context = tape.attention(
            q, k, v, offsets: batch.offsets, heads: heads, scale: scale, reach: .causal,
            dropout: attentionDropout, rows: batch.rows)
        let projected = attentionOutput(context, rows: batch.rows, on: &tape)
        let attended = tape.add(x, tape.dropout(projected, rate: residualDropout, rows: batch.rows))
        let again = norm(attended, rows: batch.rows, on: &tape)
        let inner = tape.activate(
            intermediate(again, rows: batch.rows, on: &tape), activation)
        let down = output(inner, rows: batch.rows, on: &tape)
        return tape.add(attended, tape.dropout(down, rate: residualDropout, rows: batch.rows))
    }
}
