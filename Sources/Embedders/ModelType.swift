/// How a model folder is read; the types of uniem's `FineTuner`, by its names.
public enum ModelType: String, CaseIterable, Sendable {
    /// A sentence-transformers folder: `modules.json` says what follows the encoder.
    case sentenceTransformers = "sentence-transformers"
    /// A model of text2vec: an encoder whose last layer is averaged.
    case text2vec
    /// A model that uniem saved: `config.json` names its pooling.
    case m3e
    /// An encoder of Hugging Face: its last layer is averaged unless a pooling is chosen.
    case huggingface

    /// The type that uniem takes `name` for: the first of `sentence-transformers`, `text2vec` and `m3e` that the name
    /// holds, else ``huggingface``.
    public static func inferred(from name: String) -> ModelType {
        [.sentenceTransformers, .text2vec, .m3e].first { name.contains($0.rawValue) }
            ?? .huggingface
    }
}
