package import Embedders
internal import Encoders
internal import Layers
internal import Tensors

/// The memory of training steps of a model, buffer by buffer.
///
/// Found by training on a few tiny texts (see ``BufferLaw``), so it holds for every family, pooling, head and
/// strategy: what learns must be settled before. Weights are not changed.
package struct MemoryAccount: Sendable {
    /// Bytes of all weights.
    package let weights: Int
    /// Bytes of the sums of gradients.
    package let gradients: Int
    /// Bytes of the optimizer's moments, of what has gradients.
    package let moments: Int
    /// The table of words, where sums of gradients and moments have memory only for the words in use.
    private let wordTable: (rows: Int, width: Int)?
    private let chunk: BufferLaw
    private let losses: [any EmbeddingLoss]
    private let meetings: [BufferLaw?]
    /// How many texts a row has, for each loss.
    let textCounts: [Int]
    /// Floats that are kept for each token and text.
    private let kept: (token: Int, text: Int)
    private let dimension: Int

    /// Measures `embedder`, for batches of each of `losses`.
    ///
    /// Takes the memory of gradients, and the time of eight steps with a few tokens each. Throws a ``TrainingError``
    /// where a part of the model takes memory by another rule than its neighbours.
    package init(_ embedder: Embedder, losses: [any EmbeddingLoss]) throws(TrainingError) {
        let parameters = embedder.store.parameters
        func bytes(_ counts: [Int]) -> Int {
            counts.reduce(0) { $0 + BufferPool.capacity(for: $1) } * MemoryLayout<Float>.stride
        }
        weights = bytes(parameters.map(\.shape.count))
        dimension = embedder.dimension
        textCounts = losses.map(\.kind.textCount)
        let limit = max(1, min(embedder.maxLength, embedder.encoder.maximumLength ?? .max))
        let batches = MemoryAccount.samples.map { $0.map { min($0, limit) } }
        let sums = Gradients(turns: batches.count + 1)
        // The first pass makes the sums of gradients; they are what is left of it.
        let first = MemoryAccount.run(embedder, batches[0], into: sums, turn: 0)
        gradients = BufferLaw([(sizes: [1], events: first)])?.use([1]).left ?? 0
        let samples = batches.enumerated().map { index, lengths in
            (
                sizes: ChunkSizes(lengths).list,
                events: MemoryAccount.run(embedder, lengths, into: sums, turn: index + 1)
            )
        }
        let learning = parameters.filter { sums.has($0) }
        moments = 2 * bytes(learning.map(\.trainableShape.count))
        let words = learning.first {
            guard case .rows = sums.storage(of: $0) else { return false }
            return $0.shape.rows == embedder.encoder.vocabularySize
                && $0.shape.count > BufferPool.largestSmall
        }
        wordTable = words.map { ($0.shape.rows, $0.shape.width) }
        // Losses of other people may obey no law; see ``meeting(_:rows:)``.
        meetings = losses.map { loss in
            BufferLaw(
                [2, 3, 5, 6].map { rows in
                    (
                        sizes: [rows, rows * rows, 1],
                        events: MemoryAccount.meet(loss, rows: rows, width: embedder.dimension)
                    )
                })
        }
        guard let chunk = BufferLaw(samples) else {
            throw .invalid(
                "the memory of this model's steps does not follow from the lengths of texts",
                "give a batch size")
        }
        self.chunk = chunk
        kept = (chunk.kept[0], chunk.kept[1])
        self.losses = losses
    }

    /// The least that a model with these parameters needs for weights, gradients and moments: known without a step.
    package static func leastBytes(_ embedder: Embedder) -> Int {
        let store = embedder.store
        return (store.count + 3 * store.trainableCount) * MemoryLayout<Float>.stride
    }

    /// Lengths of texts in chunks whose sizes are independent of each other; and one more chunk, to see whether the
    /// law holds.
    private static let samples = [
        [1], [2], [17], [18], [1, 1], [2, 2], [17, 17], [20, 19, 3],
    ]

    /// One chunk forward, up to the mark, and backward.
    private static func run(
        _ embedder: Embedder, _ lengths: [Int], into sums: Gradients, turn: Int
    ) -> [BufferEvent] {
        let words = max(1, embedder.encoder.vocabularySize)
        let batch = TokenBatch(
            lengths.enumerated().map { text, length in
                (0..<length).map { Int32((7 * $0 + text + 3) % words) }
            })
        return BufferPool.shared.trace { mark in
            var tape = Tape(.training(seed: 0), precision: embedder.precision)
            let embeddings = embedder.embed(batch, on: &tape)
            mark()
            let seed = Tensor(zeros: embeddings.shape)
            tape.backward(from: embeddings, seed: seed, into: sums, turn: turn)
            withExtendedLifetime((embeddings, seed)) {}
        }
    }

    /// What happens to the embeddings of a batch: the loss and its gradient, as ``StepEngine`` has it.
    private static func meet(
        _ loss: any EmbeddingLoss, rows: Int, width: Int
    ) -> [BufferEvent] {
        let events = BufferPool.shared.trace { mark in
            let columns = loss.kind.textCount
            let labels = loss.kind == .scoredPair ? (0..<rows).map(Double.init) : nil
            let values = (0..<columns * rows * width).map { Float($0 % 13) - 5.5 }
            let embeddings = Tensor(values, shape: [columns * rows, width])
            let parts = (0..<columns).map { embeddings.rows($0 * rows..<($0 + 1) * rows) }
            var tape = Tape(.training(seed: 0))
            let variables = parts.map { tape.variable($0) }
            let value = loss(variables, labels: labels, on: &tape)
            let told = loss.rows(parts, labels: labels)
            let gradients = tape.backward(from: value, seed: Tensor([1], shape: value.shape))
            let down = Tensor(zeros: embeddings.shape)
            mark()
            withExtendedLifetime((embeddings, parts, variables, value, told, gradients, down)) {}
        }
        // What comes after is given back in the order of a dictionary.
        return Array(events.prefix { $0 != .mark }) + [.mark]
    }

    /// What happens to the embeddings of `rows` rows: by the law of the loss, or tried where it has none.
    private func meeting(_ loss: Int, rows: Int) -> BufferLaw.Use {
        if let law = meetings[loss] { return law.use([rows, rows * rows, 1]) }
        let events = MemoryAccount.meet(losses[loss], rows: rows, width: dimension)
        return BufferLaw([(sizes: [1], events: events)])?.use([1]) ?? BufferLaw.Use()
    }

    /// About how much a text of `length` tokens adds to a batch; longer ones add more.
    package func cost(ofText length: Int) -> Int { kept.token * length + kept.text }

    /// The memory of a step over `rows`, each the lengths of its texts in tokens, at its most.
    ///
    /// - Parameters:
    ///   - loss: the number of the loss.
    ///   - words: those that occur in training; all where left out.
    ///   - chunkTokens: as in ``TrainingConfiguration/chunkTokens``.
    ///   - threads: how many chunks are worked on at a time.
    package func step(
        _ rows: [[Int]], loss: Int = 0, chunkTokens: Int? = nil, words: WordSet? = nil,
        threads: Int
    ) -> StepMemory {
        let unused = unusedBytes(words)
        let texts = (0..<textCounts[loss]).flatMap { column in rows.map { $0[column] } }
        let chunks = TokenBatch.chunks(
            of: texts.map { Array(repeating: 0, count: $0) },
            tokens: chunkTokens ?? StepEngine.standardChunkTokens)
        var known: [[Int]: BufferLaw.Use] = [:]
        let uses = chunks.map { piece in
            let sizes = ChunkSizes(piece.batch.offsets.lengths).list
            let use = known[sizes] ?? chunk.use(sizes)
            known[sizes] = use
            return use
        }
        let meeting = meeting(loss, rows: rows.count)
        // Each chunk has its own.
        let embeddings =
            chunks.reduce(0) { $0 + BufferPool.capacity(for: $1.sequences.count * dimension) }
            * MemoryLayout<Float>.stride
        let moments =
            chunkTokens == nil
            ? MemoryAccount.moments(uses, meeting, threads: threads)
            : MemoryAccount.momentsOfTwice(uses, meeting, embeddings, threads: threads)
        let most = moments.max { $0.total < $1.total } ?? Moment()
        return StepMemory(
            weights: weights, gradients: gradients - unused, moments: self.moments - 2 * unused,
            activations: most.activations, work: most.work, loss: most.loss,
            // Ids, positions, types and row numbers; the records of the tapes.
            lists: texts.reduce(0, +) * 4 * MemoryLayout<Int32>.stride
                + most.tapes * chunk.takesBeforeMark * StepMemory.bytesOfRecord)
    }

    /// What a sum of the gradients of the table does not take, as only `words` are written.
    private func unusedBytes(_ words: WordSet?) -> Int {
        guard let words, let (rows, width) = wordTable else { return 0 }
        let all = BufferPool.capacity(for: rows * width) * MemoryLayout<Float>.stride
        return max(0, all - words.bytes(rowBytes: width * MemoryLayout<Float>.stride))
    }

    /// What buffers are in use at one time of a step.
    private struct Moment {
        /// What tapes keep of the forward pass.
        var activations = 0
        /// What the operations that run take for themselves.
        var work = 0
        /// Embeddings, similarities and their gradients.
        var loss = 0
        /// How many tapes are alive.
        var tapes = 0

        var total: Int { activations + work + loss }
    }

    /// All chunks forward, then the loss, then all chunks backward.
    private static func moments(
        _ uses: [BufferLaw.Use], _ meeting: BufferLaw.Use, threads: Int
    ) -> [Moment] {
        let count = min(threads, uses.count)
        let kept = uses.reduce(0) { $0 + $1.kept }
        let forward = uses.map { $0.before - $0.kept }.sorted(by: >).prefix(count).reduce(0, +)
        var moments = [
            Moment(activations: kept, work: forward, tapes: uses.count),
            Moment(activations: kept, loss: max(meeting.before, meeting.kept), tapes: uses.count),
        ]
        // Chunks are taken in order: those from `first` on run, those before are done.
        var rest = kept
        for first in uses.indices {
            let work = uses[first..<min(first + count, uses.count)].reduce(0) {
                $0 + $1.after - $1.kept
            }
            moments.append(
                Moment(
                    activations: rest, work: work, loss: meeting.kept, tapes: uses.count - first))
            rest -= uses[first].kept
        }
        return moments
    }

    /// All chunks forward without tapes, then the loss, then each chunk forward and backward.
    private static func momentsOfTwice(
        _ uses: [BufferLaw.Use], _ meeting: BufferLaw.Use, _ embeddings: Int, threads: Int
    ) -> [Moment] {
        let largest = uses.sorted { max($0.before, $0.after) > max($1.before, $1.after) }
            .prefix(threads)
        let kept = largest.reduce(0) { $0 + $1.kept }
        let all = largest.reduce(0) { $0 + max($1.before, $1.after) }
        return [
            Moment(loss: embeddings + max(meeting.before, meeting.kept)),
            Moment(
                activations: kept, work: all - kept, loss: embeddings + meeting.kept,
                tapes: largest.count),
        ]
    }
}

/// The sizes of a chunk that the sizes of its buffers depend on.
private struct ChunkSizes {
    /// How many tokens it has.
    let tokens: Int
    private let sequences: Int
    private let longest: Int

    init(_ lengths: [Int]) {
        tokens = lengths.reduce(0, +)
        (sequences, longest) = (lengths.count, lengths.max() ?? 0)
    }

    /// Scratch memory of attention is for the longest sequence.
    var list: [Int] { [tokens, sequences, 1, longest] }
}
