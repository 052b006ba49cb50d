public import Checkpoints
public import Encoders
internal import Files
public import Layers
public import Tensors
public import Tokenizers

/// A model that turns texts into vectors: tokenizer, encoder, pooling, the layers after it, and whether vectors get
/// length 1.
public final class Embedder: @unchecked Sendable {
    /// Text to token ids.
    public let tokenizer: Tokenizer
    /// Token ids to hidden states.
    public let encoder: any Encoder
    /// Hidden states to one vector each; the vectors are put one after the other. Mostly one.
    public let poolings: [Pooling]
    /// Whether the tokens of a prompt are pooled.
    public let poolsPrompt: Bool
    /// What happens to the pooled vector before the last normalisation.
    public let head: [HeadModule]
    /// Whether ``encode(_:normalize:prompt:threads:)`` gives vectors of length 1 by itself: as `modules.json` says; yes
    /// where there is none, as uniem does.
    public let normalizes: Bool
    /// The most tokens of a text that count, special tokens included; longer texts are cut.
    public let maxLength: Int
    /// Texts that are put before every text.
    public let prompts: Prompts
    /// All parameters: those of the encoder, then those of the head, then those of the adapter.
    public internal(set) var store: ParameterStore
    /// What is attached to the linear layers of the encoder.
    public internal(set) var adapter: Adapter?
    /// The numbers that the matrix products of linear layers are made of, on tapes of the embedder's own and in training.
    public var precision = Precision.float32
    /// Whether embedding texts leaves weights behind as the kernels like them best, for the next texts: a copy of the
    /// linear layers.
    package var keepsLayouts = true
    /// What loading found beside what it needed.
    public let loadReport: LoadReport

    /// Puts an embedder together.
    ///
    /// - Parameter maxLength: at most what the encoder has positions for, and what its parts allow where left out.
    ///
    /// Traps without a pooling, and where a layer of `head` does not fit the vector that it gets.
    public init(
        tokenizer: Tokenizer, encoder: any Encoder, poolings: [Pooling], poolsPrompt: Bool = true,
        head: [HeadModule] = [], normalizes: Bool = true, maxLength: Int? = nil,
        prompts: Prompts = Prompts(), loadReport: LoadReport = LoadReport()
    ) {
        precondition(!poolings.isEmpty, "an embedder without pooling")
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.poolings = poolings
        self.poolsPrompt = poolsPrompt
        self.head = head
        self.normalizes = normalizes
        self.prompts = prompts
        self.loadReport = loadReport
        var parameters = encoder.store.parameters
        for case .dense(let dense) in head { parameters += dense.store.parameters }
        store = ParameterStore(parameters)
        let limit = min(tokenizer.modelMaxLength ?? 512, encoder.maximumLength ?? 512)
        self.maxLength = min(maxLength ?? limit, encoder.maximumLength ?? .max)
    }

    /// How many numbers the model has learnt.
    public var parameterCount: Int { store.count }

    /// The length of a vector.
    public var dimension: Int {
        for case .dense(let dense) in head.reversed() { return dense.outputs }
        return poolings.count * encoder.hiddenSize
    }

    /// The embeddings [n, ``dimension``] of a pack of tokens, on `tape`; not normalised at the end.
    ///
    /// - Parameter skip: how many tokens at the start of each sequence are not pooled: ``promptTokens(_:)``.
    public func embed(_ batch: TokenBatch, skipping skip: Int = 0, on tape: inout Tape) -> Tensor {
        let states = encoder(batch, on: &tape)
        var parts: [Tensor] = []
        for pooling in poolings {
            parts.append(pooling(states, of: encoder, batch, skipping: skip, on: &tape))
        }
        var vectors = parts.count == 1 ? parts[0] : tape.concatenateColumns(parts)
        for module in head {
            switch module {
            case .dense(let dense): vectors = dense(vectors, on: &tape)
            case .normalize: vectors = tape.normalize(vectors)
            }
        }
        return vectors
    }

    /// How many tokens at the start of a text that begins with `prompt` are not pooled: none where the model pools its
    /// prompts.
    ///
    /// The tokens of the prompt alone, without a special token at their end, as sentence-transformers counts them.
    public func promptTokens(_ prompt: String) -> Int {
        guard !poolsPrompt, !prompt.isEmpty else { return 0 }
        let encoding = tokenizer.encode(prompt, maxLength: maxLength)
        return encoding.ids.count - (encoding.specialTokensMask.last == true ? 1 : 0)
    }

    /// The token ids of `text`, cut at `maxLength`, and how many were cut off.
    ///
    /// Where the tokenizer puts no special tokens around, a text without tokens counts as one unknown token: an
    /// empty sequence has no embedding. Traps where `maxLength` leaves no room for the special tokens.
    /// - Parameter prompt: is put before the text.
    public func tokenIDs(
        of text: String, prompt: String = "", maxLength: Int? = nil
    ) -> (ids: [Int32], truncated: Int) {
        var result = tokenizer.ids(
            of: prompt.isEmpty ? text : prompt + text,
            maxLength: min(maxLength ?? self.maxLength, encoder.maximumLength ?? .max))
        if result.ids.isEmpty { result.ids = [tokenizer.unkID ?? tokenizer.padID ?? 0] }
        return result
    }

    /// The vectors of `texts`, one row each: [n, H].
    ///
    /// - Parameters:
    ///   - normalize: whether rows get length 1; as the model says where left out.
    ///   - maxLength: the most tokens of a text that count; as the model says where left out. Traps where it leaves no
    ///     room for the special tokens.
    ///   - prompt: is put before each text; the model's default prompt where left out.
    ///   - chunkTokens: how many tokens a thread works on at once.
    ///   - threads: how many threads work; all processors where left out.
    public func embeddings(
        of texts: [String], normalize: Bool? = nil, maxLength: Int? = nil, prompt: String? = nil,
        chunkTokens: Int = 512, threads: Int? = nil
    ) -> Tensor {
        let prompt = prompt ?? prompts.defaultText
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        let ids = texts.map { tokenIDs(of: $0, prompt: prompt, maxLength: maxLength).ids }
        return embeddings(
            ofTokens: ids, skipping: promptTokens(prompt), normalize: normalize,
            chunkTokens: chunkTokens, pool: pool)
    }

    /// The vectors of texts given as token ids: [n, H]; `skip` as for ``embed(_:skipping:on:)``.
    public func embeddings(
        ofTokens ids: [[Int32]], skipping skip: Int = 0, normalize: Bool? = nil,
        chunkTokens: Int = 512, pool: WorkerPool
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
        pool.runTogether(chunks.count) { index, crew in
            let chunk = chunks[index]
            var tape = Tape(.inference, precision: precision, keepsLayouts: keepsLayouts)
            tape.crew = crew
            var vectors = embed(
                TokenBatch(chunk.map { ids[unique[$0]] }), skipping: skip, on: &tape)
            if normalize { vectors = tape.normalize(vectors) }
            result.set(rows: chunk, to: vectors)
        }
        let vectors = result.finish()
        return unique.count == ids.count ? vectors : vectors.rows(at: source)
    }

    /// The vectors of `texts`, as arrays; `prompt` is put before each, the model's default prompt where left out.
    public func encode(
        _ texts: [String], normalize: Bool? = nil, prompt: String? = nil, threads: Int? = nil
    ) -> [[Float]] {
        let result = embeddings(of: texts, normalize: normalize, prompt: prompt, threads: threads)
        return texts.indices.map { result.row($0) }
    }
}
