internal import Files
internal import Layers

/// ERNIE (Sun et al. 2020, arXiv 1907.12412) as Hugging Face's `ErnieModel`: ``BERT`` with a table of task types.
enum ERNIE {
    static let keyRules: [KeyRule] = [
        .dropPrefix("ernie."), .replaceSuffix("LayerNorm.gamma", with: "LayerNorm.weight"),
        .replaceSuffix("LayerNorm.beta", with: "LayerNorm.bias"), .ignorePrefix("cls."),
        .ignorePrefix("classifier."), .ignoreSuffix("embeddings.position_ids"),
        .ignoreSuffix("embeddings.token_type_ids"),
    ]

    static func config(_ json: JSON, path: String) throws(FileError) -> BERTConfig {
        var config = try BERTConfig(json, path: path)
        let reader = ConfigReader(json: json, path: path)
        if try reader.bool("use_task_id", default: false) {
            config.taskVocabularySize = try reader.int(
                "task_type_vocab_size", 1...1_024, default: 3)
        }
        return config
    }
}
