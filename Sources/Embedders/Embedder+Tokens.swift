internal import Encoders
internal import Files
internal import Layers
package import Tensors
internal import Tokenizers

extension Embedder {
    /// The name of the word table in ``store``, [words, width].
    ///
    /// Traps where the encoder is of no family that ``EncoderFamily`` knows.
    public var wordTableName: String {
        guard let family = try? EncoderFamily(encoder.configuration, path: "config.json") else {
            preconditionFailure("wordTableName: config.json names no known family")
        }
        return family.wordTableName
    }

    /// A new model that knows `tokens` as further special tokens; all parameters are copied.
    ///
    /// A known token keeps its id and its row. New ones get the ids after the tokenizer's last. Where the word table
    /// has rows for them already, as padded tables do, these are taken as they are; else the table grows, by rows that
    /// begin as the family's tables do: a function of `seed` and the number of the row. It never shrinks.
    ///
    /// Throws a ``FileError`` where `tokens` cannot be added: ``Tokenizer/adding(specialTokens:)``; an ``AdapterError``
    /// where an adapter is attached.
    public func addingSpecialTokens(_ tokens: [String], seed: UInt64) throws -> Embedder {
        try addingSpecialTokens(tokens, seed: seed, rows: nil)
    }

    /// As above; `rows` [tokens, width] are the rows of `tokens`, known or not, where they are given.
    ///
    /// Traps on another shape.
    package func addingSpecialTokens(
        _ tokens: [String], seed: UInt64, rows: Tensor?
    ) throws -> Embedder {
        guard adapter == nil else { throw AdapterError.alreadyAttached }
        let tokenizer = try tokenizer.adding(specialTokens: tokens)
        let path = "config.json"
        var configuration = encoder.configuration
        let family = try EncoderFamily(configuration, path: path)
        configuration.set(
            "vocab_size", .int(max(encoder.vocabularySize, tokenizer.vocabularySize)))
        let source = CopySource(
            encoder.store, growing: family.wordTableName, random: RandomSource(seed: seed))
        let encoder = try family.makeEncoder(configuration, path: path, source: source)
        if let rows, let table = encoder.store[family.wordTableName] {
            let ids = tokens.compactMap { tokenizer.id(of: $0).map(Int.init) }
            table.value.write(rows, toRows: ids)
        }
        let head = try head.map { module in
            if case .dense(let dense) = module {
                return HeadModule.dense(try Dense(copying: dense))
            }
            return module
        }
        return Embedder(
            tokenizer: tokenizer, encoder: encoder, poolings: poolings, poolsPrompt: poolsPrompt,
            head: head, normalizes: normalizes, maxLength: maxLength, prompts: prompts,
            loadReport: loadReport)
    }

    /// The same model with other prompts; it shares all parameters, and an adapter, with this one.
    public func with(prompts: Prompts) -> Embedder {
        let result = Embedder(
            tokenizer: tokenizer, encoder: encoder, poolings: poolings, poolsPrompt: poolsPrompt,
            head: head, normalizes: normalizes, maxLength: maxLength, prompts: prompts,
            loadReport: loadReport)
        (result.store, result.adapter, result.precision) = (store, adapter, precision)
        return result
    }
}

extension EncoderFamily {
    /// The name of the parameter that holds the word table.
    var wordTableName: String {
        switch self {
        case .bert, .roberta, .xlmRoberta, .ernie, .distilbert, .mpnet, .albert:
            "embeddings.word_embeddings.weight"
        case .t5, .mt5: "shared.weight"
        case .gpt2: "wte.weight"
        case .modernBERT: "embeddings.tok_embeddings.weight"
        case .qwen3: "embed_tokens.weight"
        }
    }
}

/// Parameters that begin as copies of others; of one table, there may be more rows than there were.
final class CopySource: ParameterSource {
    private let store: ParameterStore
    private let table: String?
    private let random: RandomSource

    /// Copies the parameters of `store`; rows beyond those of `table` come from `random`.
    init(
        _ store: ParameterStore, growing table: String? = nil,
        random: RandomSource = RandomSource(seed: 0)
    ) {
        (self.store, self.table, self.random) = (store, table, random)
    }

    func value(name: String, shape: Shape, initializer: Initializer) -> Tensor? {
        guard let old = store[name]?.value else { return nil }
        guard name == table, shape.rows > old.shape.rows else {
            precondition(old.shape == shape, "\(name): a copy of \(old.shape) as \(shape)")
            return old.copy
        }
        precondition(old.shape.width == shape.width, "\(name): \(old.shape) grown to \(shape)")
        let grown = Tensor(zeros: shape)
        grown.write(old, toRows: Array(0..<old.shape.rows))
        // Each row has a stream of its own, so that it does not matter how many are added at once.
        for row in old.shape.rows..<shape.rows {
            let name = "\(name)[\(row)]"
            if let numbers = random.value(
                name: name, shape: [1, shape.width], initializer: initializer)
            {
                grown.write(numbers, toRows: [row])
            }
        }
        return grown
    }
}
