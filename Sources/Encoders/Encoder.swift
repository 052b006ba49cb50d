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

    /// The width of rows of the word table, mostly ``hiddenSize``.
    var wordEmbeddingSize: Int { get }

    /// The hidden states of `batch`, of all layers where asked for. Traps on ids or positions outside the tables.
    func states(
        _ batch: TokenBatch, keepingLayers: Bool, on tape: inout Tape
    ) -> HiddenStates
    /// The rows of the word table for `batch`, before positions and norm: [T, E], where E is ``wordEmbeddingSize``.
    func wordEmbeddings(_ batch: TokenBatch, on tape: inout Tape) -> Tensor
}

extension Encoder {
    /// The width H.
    public var wordEmbeddingSize: Int { hiddenSize }

    /// The hidden states of `batch`. Traps on ids or positions outside the tables.
    public func callAsFunction(_ batch: TokenBatch, on tape: inout Tape) -> HiddenStates {
        states(batch, keepingLayers: false, on: &tape)
    }
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
