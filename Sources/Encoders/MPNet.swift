internal import Files
internal import Layers
internal import Tensors

/// MPNet (Song et al. 2020, arXiv 2004.09297) as Hugging Face's `MPNetModel`: positions counted from behind the
/// padding token's id, and a bias by distance that all layers share.
struct MPNet: Encoder {
    let store = ParameterStore()
    private let config: MPNetConfig
    private let words: Embedding
    private let positions: Embedding
    private let norm: LayerNorm
    private let layers: [PostNormLayer]
    private let relativeBias: RelativePositionBias

    static let keyRules: [KeyRule] = [
        .dropPrefix("mpnet."), .ignorePrefix("lm_head."), .ignorePrefix("classifier."),
        .ignorePrefix("qa_outputs."), .ignoreSuffix("embeddings.position_ids"),
    ]

    private static let names = PostNormNames(
        query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
        attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm",
        intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: MPNetConfig, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        let (embeddings, sizes, width) = (root["embeddings"], config.layerSizes, config.hiddenSize)
        words = try Embedding(
            embeddings["word_embeddings"], count: config.vocabularySize, width: width,
            deviation: sizes.deviation)
        positions = try Embedding(
            embeddings["position_embeddings"], count: config.maximumPositions, width: width,
            deviation: sizes.deviation)
        norm = try LayerNorm(embeddings["LayerNorm"], width: width, epsilon: sizes.epsilon)
        layers = try (0..<config.layers).map {
            try PostNormLayer(root["encoder"]["layer"][$0], sizes, names: MPNet.names)
        }
        relativeBias = try RelativePositionBias(
            root["encoder"]["relative_attention_bias"], buckets: MPNetConfig.buckets,
            maximumDistance: MPNetConfig.maximumDistance, heads: sizes.heads,
            deviation: sizes.deviation)
        // The pooler takes no part in embeddings; it is kept so that a saved model is a whole MPNetModel.
        let pooler = root["pooler"]["dense"]
        _ = try pooler.optionalParameter(
            "weight", [width, width], .normal(standardDeviation: sizes.deviation))
        _ = try pooler.optionalParameter("bias", [width], .zeros)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var vocabularySize: Int { config.vocabularySize }
    var maximumLength: Int? { config.maximumPositions - MPNetConfig.paddingID - 1 }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let wordTable = words.table(on: &tape)
        let positionTable = positions.table(on: &tape)
        let places = batch.positions(afterPadding: Int32(MPNetConfig.paddingID))
        let sum = tape.embed([(wordTable, batch.ids), (positionTable, places)])
        let normed = norm(sum, rows: batch.rows, on: &tape)
        let embeddings = tape.dropout(
            normed, rate: config.layerSizes.outputDropout, rows: batch.rows)
        let bias = relativeBias(longest: batch.offsets.longest, on: &tape)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, bias: bias, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        return HiddenStates(embeddings: embeddings, last: hidden, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}
