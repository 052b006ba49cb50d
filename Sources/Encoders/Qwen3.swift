internal import Files
internal import Layers
internal import Tensors

/// Qwen3 (Yang et al. 2025, arXiv 2505.09388), the decoder of Qwen3-Embedding (Zhang et al. 2025, arXiv 2506.05176), as
/// Hugging Face's `Qwen3Model`: each token sees those before it; rotary positions, RMS norms in front of each block
/// and of queries and keys, shared heads of keys, feed-forward blocks gated by SiLU.
struct Qwen3: Encoder {
    let store = ParameterStore()
    private let config: Qwen3Config
    private let words: Embedding
    private let layers: [Qwen3Layer]
    private let norm: RMSNorm

    static let keyRules: [KeyRule] = [
        .dropPrefix("model."), .ignorePrefix("lm_head."), .ignorePrefix("score."),
        .ignoreSuffix("rotary_emb.inv_freq"),
    ]

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: Qwen3Config, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        words = try Embedding(
            root["embed_tokens"], count: config.vocabularySize, width: config.hiddenSize,
            deviation: config.initializerRange)
        layers = try (0..<config.layers).map {
            try Qwen3Layer(root["layers"][$0], config, index: $0)
        }
        norm = try RMSNorm(root["norm"], width: config.hiddenSize, epsilon: config.epsilon)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var vocabularySize: Int { config.vocabularySize }
    var maximumLength: Int? { config.maximumPositions }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let embeddings = wordEmbeddings(batch, on: &tape)
        let rotary = RotaryTable(
            positions: batch.offsets.longest, size: config.headSize, base: config.rotaryBase)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, rotary: rotary, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        let last = norm(hidden, on: &tape)
        if keepingLayers { kept[kept.count - 1] = last }
        return HiddenStates(embeddings: embeddings, last: last, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}

/// Attention and a gated feed-forward block, each of the norm of what it is added to.
private struct Qwen3Layer: Sendable {
    private let attentionNorm: RMSNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let queryNorm: RMSNorm
    private let keyNorm: RMSNorm
    private let norm: RMSNorm
    private let gate: Linear
    private let intermediate: Linear
    private let output: Linear
    private let heads: Int
    private let keyHeads: Int
    private let scale: Float
    private let reach: AttentionReach
    private let dropout: Float

    init(_ scope: Scope, _ config: Qwen3Config, index: Int) throws {
        let (width, inner, size) = (config.hiddenSize, config.intermediateSize, config.headSize)
        let (attention, feedForward) = (scope["self_attn"], scope["mlp"])
        func linear(
            _ scope: Scope, _ inputs: Int, _ outputs: Int, hasBias: Bool
        ) throws -> Linear {
            try Linear(
                scope, inputs: inputs, outputs: outputs, hasBias: hasBias,
                deviation: config.initializerRange)
        }
        func norm(_ scope: Scope, _ width: Int) throws -> RMSNorm {
            try RMSNorm(scope, width: width, epsilon: config.epsilon)
        }
        let hasBias = config.attentionHasBias
        attentionNorm = try norm(scope["input_layernorm"], width)
        query = try linear(attention["q_proj"], width, config.heads * size, hasBias: hasBias)
        key = try linear(attention["k_proj"], width, config.keyHeads * size, hasBias: hasBias)
        value = try linear(attention["v_proj"], width, config.keyHeads * size, hasBias: hasBias)
        attentionOutput = try linear(
            attention["o_proj"], config.heads * size, width, hasBias: hasBias)
        queryNorm = try norm(attention["q_norm"], size)
        keyNorm = try norm(attention["k_norm"], size)
        self.norm = try norm(scope["post_attention_layernorm"], width)
        gate = try linear(feedForward["gate_proj"], width, inner, hasBias: false)
        intermediate = try linear(feedForward["up_proj"], width, inner, hasBias: false)
        output = try linear(feedForward["down_proj"], inner, width, hasBias: false)
        (heads, keyHeads) = (config.heads, config.keyHeads)
        scale = 1 / Float(size).squareRoot()
        // A window of n holds the token itself and n - 1 before it.
        reach =
            config.isLocal[index]
            ? AttentionReach(before: config.window - 1, after: 0) : .causal
        dropout = config.attentionDropout
    }

    /// `x` [T, H] to [T, H].
    func callAsFunction(
        _ x: Tensor, _ batch: TokenBatch, rotary: RotaryTable, on tape: inout Tape
    ) -> Tensor {
        let normed = attentionNorm(x, on: &tape)
        let q = queryNorm(query(normed, rows: batch.rows, on: &tape), on: &tape)
        let k = keyNorm(key(normed, rows: batch.rows, on: &tape), on: &tape)
        let v = value(normed, rows: batch.rows, on: &tape)
        let context = tape.attention(
            tape.rotate(q, positions: batch.positions, by: rotary),
            tape.rotate(k, positions: batch.positions, by: rotary), v, offsets: batch.offsets,
            heads: heads, keyHeads: keyHeads, scale: scale, reach: reach, dropout: dropout,
            rows: batch.rows)
        let attended = tape.add(x, attentionOutput(context, rows: batch.rows, on: &tape))
        let again = norm(attended, on: &tape)
        let opened = tape.silu(gate(again, rows: batch.rows, on: &tape))
        let gated = tape.multiply(opened, intermediate(again, rows: batch.rows, on: &tape))
        return tape.add(attended, output(gated, rows: batch.rows, on: &tape))
    }
}
