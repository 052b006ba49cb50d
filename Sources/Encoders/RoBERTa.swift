internal import Files
internal import Layers

/// RoBERTa (Liu et al. 2019, arXiv 1907.11692) and XLM-R (Conneau et al. 2020, arXiv 1911.02116) as Hugging Face's
/// `RobertaModel`: ``BERT`` with positions counted from behind the padding token's id.
enum RoBERTa {
    /// Both families write `roberta.` in checkpoints with heads.
    static let keyRules: [KeyRule] = [
        .dropPrefix("roberta."), .ignorePrefix("lm_head."), .ignorePrefix("classifier."),
        .ignorePrefix("qa_outputs."), .ignoreSuffix("embeddings.position_ids"),
        .ignoreSuffix("embeddings.token_type_ids"),
    ]

    static func config(_ json: JSON, path: String) throws(FileError) -> BERTConfig {
        var config = try BERTConfig(json, path: path)
        let reader = ConfigReader(json: json, path: path)
        let padding = try reader.int("pad_token_id", 0...(1 << 24), default: 1)
        guard padding + 1 < config.maximumPositions, padding < config.vocabularySize else {
            throw reader.error("pad_token_id", "\(padding) leaves no positions for tokens")
        }
        config.paddingID = padding
        return config
    }
}
