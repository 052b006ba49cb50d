public import Checkpoints
public import Encoders
internal import Files
internal import Layers
public import Tensors
public import Tokenizers

/// A model that turns texts into vectors: tokenizer, encoder, pooling, and whether vectors get length 1.
public final class Embedder: @unchecked Sendable {
    /// Text to token ids.
    public let tokenizer: Tokenizer
    /// Token ids to hidden states.
    public let encoder: any Encoder
    /// Hidden states to one vector.
    public let pooling: Pooling
    /// Whether ``encode(_:normalize:threads:)`` gives vectors of length 1 by itself: as `modules.json` says; yes
    /// where there is none, as uniem does.
    public let normalizes: Bool
    /// The most tokens of a text that count, special tokens included; longer texts are cut.
    public let maxLength: Int
    /// What loading found beside what it needed.
    public let loadReport: LoadReport

    /// Puts an embedder together.
    ///
    /// - Parameter maxLength: at most what the encoder has positions for, and what its parts allow where left out.
    public init(
        tokenizer: Tokenizer, encoder: any Encoder, pooling: Pooling, normalizes: Bool = true,
        maxLength: Int? = nil, loadReport: LoadReport = LoadReport()
    ) {
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.pooling = pooling
        self.normalizes = normalizes
        self.loadReport = loadReport
        let limit = min(tokenizer.modelMaxLength ?? 512, encoder.maximumLength ?? 512)
        self.maxLength = min(maxLength ?? limit, encoder.maximumLength ?? .max)
    }

    /// How many numbers the model has learnt.
    public var parameterCount: Int { encoder.store.count }
    /// The length of a vector.
    public var dimension: Int { encoder.hiddenSize }

    /// The embeddings [n, H] of a pack of tokens, on `tape`; not normalised.
    public func embed(_ batch: TokenBatch, on tape: inout Tape) -> Tensor {
        pooling(encoder, batch, on: &tape)
    }

    /// The token ids of `text`, cut at `maxLength`, and how many were cut off.
    ///
    /// Where the tokenizer puts no special tokens around, a text without tokens counts as one unknown token: an
    /// empty sequence has no embedding. Traps where `maxLength` leaves no room for the special tokens.
    public func tokenIDs(of text: String, maxLength: Int? = nil) -> (ids: [Int32], truncated: Int) {
        var result = tokenizer.ids(
            of: text, maxLength: min(maxLength ?? self.maxLength, encoder.maximumLength ?? .max))
        if result.ids.isEmpty { result.ids = [tokenizer.unkID ?? tokenizer.padID ?? 0] }
        return result
    }

    /// The vectors of `texts`, one row each: [n, H].
    ///
    /// - Parameters:
    ///   - normalize: whether rows get length 1; as the model says where left out.
    ///   - maxLength: the most tokens of a text that count; as the model says where left out. Traps where it leaves no
    ///     room for the special tokens.
    ///   - chunkTokens: how many tokens a thread works on at once.
    ///   - threads: how many threads work; all processors where left out.
    public func embeddings(
        of texts: [String], normalize: Bool? = nil, maxLength: Int? = nil, chunkTokens: Int = 512,
        threads: Int? = nil
    ) -> Tensor {
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        let ids = texts.map { tokenIDs(of: $0, maxLength: maxLength).ids }
        return embeddings(ofTokens: ids, normalize: normalize, chunkTokens: chunkTokens, pool: pool)
    }

    /// The vectors of texts given as token ids: [n, H].
    public func embeddings(
        ofTokens ids: [[Int32]], normalize: Bool? = nil, chunkTokens: Int = 512, pool: WorkerPool
    ) -> Tensor {
        // Texts of similar length share a chunk; identical texts are embedded once.
        var firstPlace: [[Int32]: Int] = [:]
        var unique: [Int] = []
        var source = Array(repeating: 0, count: ids.count)
        for (index, sequence) in ids.enumerated() {
            if let place = firstPlace[sequence] {
                source[index] = place
            } else {
                firstPlace[sequence] = unique.count
                source[index] = unique.count
                unique.append(index)
            }
        }
        let order = unique.indices.sorted {
            (ids[unique[$0]].count, $0) > (ids[unique[$1]].count, $1)
        }
        var chunks: [[Int]] = []
        var load = 0
        for place in order {
            let count = ids[unique[place]].count
            if chunks.isEmpty || load + count > chunkTokens {
                chunks.append([])
                load = 0
            }
            chunks[chunks.count - 1].append(place)
            load += count
        }
        let result = RowCollector(rows: unique.count, width: dimension)
        let normalize = normalize ?? normalizes
        pool.run(chunks.count) { index in
            let chunk = chunks[index]
            var tape = Tape(.inference)
            var vectors = embed(TokenBatch(chunk.map { ids[unique[$0]] }), on: &tape)
            if normalize { vectors = tape.normalize(vectors) }
            result.set(rows: chunk, to: vectors)
        }
        let vectors = result.finish()
        return unique.count == ids.count ? vectors : vectors.rows(at: source)
    }

    /// The vectors of `texts`, as arrays.
    public func encode(_ texts: [String], normalize: Bool? = nil, threads: Int? = nil) -> [[Float]]
    {
        let result = embeddings(of: texts, normalize: normalize, threads: threads)
        return texts.indices.map { result.row($0) }
    }
}
