public import Files
public import Layers
public import Tensors

/// A stack of transformer layers that turns tokens into hidden states.
public protocol Encoder: Sendable {
    /// The parameters, under Hugging Face's names.
    var store: ParameterStore { get }
    /// The configuration as it is saved in `config.json`.
    var configuration: JSON { get }
    /// The width H of hidden states.
    var hiddenSize: Int { get }
    /// The number of words in the embedding table.
    var vocabularySize: Int { get }
    /// The longest sequence, in tokens; `nil` where there is no limit.
    var maximumLength: Int? { get }

    /// The hidden states of `batch`.
    func callAsFunction(_ batch: TokenBatch, on tape: inout Tape) -> HiddenStates
    /// The rows of the word table for `batch`, before positions and norm: [T, H].
    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor
}

/// What comes out of an encoder.
public struct HiddenStates {
    /// What goes into the first layer [T, H]; Hugging Face's `hidden_states[0]`.
    public let embeddings: Tensor
    /// What comes out of the last layer [T, H]; `last_hidden_state`.
    public let last: Tensor
    /// What comes out of every layer, where it was asked for.
    public let layers: [Tensor]

    /// All states of one pass.
    public init(embeddings: Tensor, last: Tensor, layers: [Tensor] = []) {
        (self.embeddings, self.last, self.layers) = (embeddings, last, layers)
    }
}

/// The families of encoders, by the `model_type` of `config.json`.
public enum EncoderFamily: String, CaseIterable, Sendable {
    /// BERT (Devlin et al. 2018, arXiv 1810.04805).
    case bert

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
        }
    }

    /// Builds the encoder that `configuration` (from the file at `path`) describes, its parameters from `source`.
    public func makeEncoder(
        _ configuration: JSON, path: String, source: any ParameterSource
    ) throws -> any Encoder {
        switch self {
        case .bert: try BERT(BERTConfig(configuration, path: path), source: source)
        }
    }
}
