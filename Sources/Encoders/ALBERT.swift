internal import Files
internal import Layers
internal import Tensors

/// ALBERT (Lan et al. 2020, arXiv 1909.11942) as Hugging Face's `AlbertModel`: narrow embeddings widened by a linear
/// layer, and layers that share their weights.
struct ALBERT: Encoder {
    let store = ParameterStore()
    private let config: ALBERTConfig
    private let words: Embedding
    private let positions: Embedding
    private let types: Embedding
    private let norm: LayerNorm
    private let mapping: Linear
    private let groups: [[PostNormLayer]]

    static let keyRules: [KeyRule] = [
        .dropPrefix("albert."), .ignorePrefix("predictions."), .ignorePrefix("sop_classifier."),
        .ignorePrefix("classifier."), .ignorePrefix("qa_outputs."),
        .ignoreSuffix("embeddings.position_ids"), .ignoreSuffix("embeddings.token_type_ids"),
    ]

    private static let names = PostNormNames(
        query: "attention.query", key: "attention.key", value: "attention.value",
        attentionOutput: "attention.dense", attentionNorm: "attention.LayerNorm",
        intermediate: "ffn", output: "ffn_output", outputNorm: "full_layer_layer_norm")

    /// Builds the encoder; throws where `source` has not all parameters.
    init(_ config: ALBERTConfig, source: any ParameterSource) throws {
        self.config = config
        let root = Scope(store: store, source: source)
        let (embeddings, encoder, sizes) = (root["embeddings"], root["encoder"], config.layerSizes)
        func table(_ name: String, _ count: Int) throws -> Embedding {
            try Embedding(
                embeddings[name], count: count, width: config.embeddingSize,
                deviation: sizes.deviation)
        }
        words = try table("word_embeddings", config.vocabularySize)
        positions = try table("position_embeddings", config.maximumPositions)
        types = try table("token_type_embeddings", config.typeVocabularySize)
        norm = try LayerNorm(
            embeddings["LayerNorm"], width: config.embeddingSize, epsilon: sizes.epsilon)
        mapping = try Linear(
            encoder["embedding_hidden_mapping_in"], inputs: config.embeddingSize,
            outputs: config.hiddenSize, deviation: sizes.deviation)
        groups = try (0..<config.groups).map { group in
            let group = encoder["albert_layer_groups"][group]["albert_layers"]
            return try (0..<config.groupLayers).map {
                try PostNormLayer(group[$0], sizes, names: ALBERT.names)
            }
        }
        // The pooler takes no part in embeddings; it is kept so that a saved model is a whole AlbertModel.
        _ = try root["pooler"].optionalParameter(
            "weight", [config.hiddenSize, config.hiddenSize],
            .normal(standardDeviation: sizes.deviation))
        _ = try root["pooler"].optionalParameter("bias", [config.hiddenSize], .zeros)
    }

    var configuration: JSON { config.json }
    var hiddenSize: Int { config.hiddenSize }
    var wordEmbeddingSize: Int { config.embeddingSize }
    var vocabularySize: Int { config.vocabularySize }
    var maximumLength: Int? { config.maximumPositions }

    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates {
        let wordTable = words.table(on: &tape)
        let positionTable = positions.table(on: &tape)
        let typeTable = types.table(on: &tape)
        let sum = tape.embed([
            (wordTable, batch.ids), (positionTable, batch.positions), (typeTable, batch.typeIDs),
        ])
        let normed = norm(sum, rows: batch.rows, on: &tape)
        let narrow = tape.dropout(normed, rate: config.dropout, rows: batch.rows)
        let embeddings = mapping(narrow, rows: batch.rows, on: &tape)
        var hidden = embeddings
        var kept: [Tensor] = []
        for index in 0..<config.layers {
            for layer in groups[config.group(ofLayer: index)] {
                hidden = layer(hidden, batch, on: &tape)
            }
            if keepingLayers { kept.append(hidden) }
        }
        return HiddenStates(embeddings: embeddings, last: hidden, layers: kept)
    }

    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        let table = words.table(on: &tape)
        return tape.embed([(table, batch.ids)])
    }
}
