public import Files
public import Layers

/// The families of encoders, by the `model_type` of `config.json`.
public enum EncoderFamily: String, CaseIterable, Sendable {
    /// BERT (Devlin et al. 2018, arXiv 1810.04805).
    case bert
    /// RoBERTa (Liu et al. 2019, arXiv 1907.11692).
    case roberta
    /// XLM-R (Conneau et al. 2020, arXiv 1911.02116).
    case xlmRoberta = "xlm-roberta"
    /// ERNIE (Sun et al. 2020, arXiv 1907.12412).
    case ernie
    /// DistilBERT (Sanh et al. 2019, arXiv 1910.01108).
    case distilbert
    /// MPNet (Song et al. 2020, arXiv 2004.09297).
    case mpnet
    /// ALBERT (Lan et al. 2020, arXiv 1909.11942).
    case albert
    /// The encoder of T5 (Raffel et al. 2020, arXiv 1910.10683).
    case t5
    /// The encoder of mT5 (Xue et al. 2021, arXiv 2010.11934).
    case mt5
    /// GPT-2 (Radford et al. 2019, https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf).
    case gpt2
    /// ModernBERT (Warner et al. 2024, arXiv 2412.13663).
    case modernBERT = "modernbert"
    /// Qwen3 (Yang et al. 2025, arXiv 2505.09388), also as Qwen3-Embedding (Zhang et al. 2025, arXiv 2506.05176).
    case qwen3

    /// The family that `configuration` names; a ``FileError`` about `path` where it is unknown.
    public init(_ configuration: JSON, path: String) throws(FileError) {
        guard configuration.members != nil else {
            throw FileError(
                path: path, problem: "expected a JSON object, found \(configuration.kind)",
                remedy: "this is no model configuration")
        }
        guard let type = configuration["model_type"]?.string else {
            throw FileError(
                path: path, problem: "no model_type",
                remedy: "add the model_type of the architecture, such as \"bert\"")
        }
        guard let family = EncoderFamily(rawValue: type) else {
            let known = EncoderFamily.allCases.map(\.rawValue).joined(separator: ", ")
            throw FileError(
                path: path, problem: "unknown architecture: model_type \"\(type)\"",
                remedy: "supported: \(known)")
        }
        self = family
    }

    /// How names in checkpoints of this family become parameter names.
    public var keyRules: [KeyRule] {
        switch self {
        case .bert: BERT.keyRules
        case .roberta, .xlmRoberta: RoBERTa.keyRules
        case .ernie: ERNIE.keyRules
        case .distilbert: DistilBERT.keyRules
        case .mpnet: MPNet.keyRules
        case .albert: ALBERT.keyRules
        case .t5, .mt5: T5.keyRules
        case .gpt2: GPT2.keyRules
        case .modernBERT: ModernBERT.keyRules
        case .qwen3: Qwen3.keyRules
        }
    }

    /// Builds the encoder that `configuration` (from the file at `path`) describes, its parameters from `source`.
    public func makeEncoder(
        _ configuration: JSON, path: String, source: any ParameterSource
    ) throws -> any Encoder {
        switch self {
        case .bert: try BERT(BERTConfig(configuration, path: path), source: source)
        case .roberta, .xlmRoberta:
            try BERT(RoBERTa.config(configuration, path: path), source: source)
        case .ernie: try BERT(ERNIE.config(configuration, path: path), source: source)
        case .distilbert:
            try DistilBERT(DistilBERTConfig(configuration, path: path), source: source)
        case .mpnet: try MPNet(MPNetConfig(configuration, path: path), source: source)
        case .albert: try ALBERT(ALBERTConfig(configuration, path: path), source: source)
        case .t5:
            try T5(T5Config(configuration, path: path, feedForward: "relu"), source: source)
        case .mt5:
            try T5(T5Config(configuration, path: path, feedForward: "gated-gelu"), source: source)
        case .gpt2: try GPT2(GPT2Config(configuration, path: path), source: source)
        case .modernBERT:
            try ModernBERT(ModernBERTConfig(configuration, path: path), source: source)
        case .qwen3: try Qwen3(Qwen3Config(configuration, path: path), source: source)
        }
    }
}
