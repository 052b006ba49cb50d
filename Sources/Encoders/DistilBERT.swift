internal import Files
internal import Layers
internal import Tensors

/// DistilBERT (Sanh et al. 2019, arXiv 1910.01108) as Hugging Face's `DistilBertModel`: ``BERT`` without token types
/// and pooler, and no dropout behind attention.
struct DistilBERT: Encoder {
    let store = ParameterStore()
    private let config: DistilBERTConfig
    private let words: Embedding
    private let positions: Embedding
    private let norm: LayerNorm
    private let layers: [PostNormLayer]

    static let keyRules: [KeyRule] = [
        .dropPrefix("distilbert."), .ignorePrefix("vocab_"), .ignorePrefix("pre_classifier."),
        .ignorePrefix("classifier."), .ignorePrefix("qa_outputs."),
        .ignoreSuffix("embeddings.position_ids"),
    ]

    private static let names = PostNormNames(
        query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
        attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
        intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm")

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: DistilBERTConfig, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        let (embeddings, sizes) = (root["embeddings"], config.layerSizes)
        words = try Embedding(
            embeddings["word_embeddings"], count: config.vocabularySize, width: config.hiddenSize,
            deviation: sizes.deviation)
        positions = try Embedding(
            embeddings["position_embeddings"], count: config.maximumPositions,
            width: config.hiddenSize, deviation: sizes.deviation)
        norm = try LayerNorm(
            embeddings["LayerNorm"], width: config.hiddenSize, epsilon: sizes.epsilon)
        layers = try (0..<config.layers).map {
            try PostNormLayer(root["transformer"]["layer"][$0], sizes, names: DistilBERT.names)
        }
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
        let normed = norm(sum, rows: batch.rows, on: &tape)
        let embeddings = tape.dropout(normed, rate: config.dropout, rows: batch.rows)
        var hidden = embeddings
        var kept: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, batch, on: &tape)
            if keepingLayers { kept.append(hidden) }
        }
        return HiddenStates(embeddings: embeddings, last: hidden, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}
