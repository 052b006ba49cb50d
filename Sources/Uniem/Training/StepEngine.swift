internal import Embedders
internal import Encoders
internal import Layers
internal import Tensors

/// Computes losses and gradients of batches: chunks run forward side by side, their embeddings meet in the loss, and
/// the gradient of the embeddings runs back through the chunks, whose parameter gradients are summed in chunk order.
///
/// Where it runs twice, the chunks are run forward twice: once without a tape, for the embeddings, and once more when
/// their gradient is known (GradCache; Gao et al. 2021, arXiv 2101.06983). So no more tapes live at a time than there
/// are threads, however large the batch is, and gradients are the same.
final class StepEngine {
    /// Texts that meet in one loss.
    struct Batch {
        /// Token ids of each column's texts, all columns of one length.
        var columns: [[[Int32]]]
        /// The labels of scored pairs.
        var labels: [Double]?
        var loss: any EmbeddingLoss
        /// Of dropout; the same seed drops the same elements.
        var seed: UInt64

        /// How many rows it has.
        var count: Int { columns[0].count }
    }

    /// What a step over one or more batches found.
    struct Result {
        /// The mean over rows of the losses of the batches.
        var loss: Double
        /// The loss of each batch.
        var losses: [Double]
        var gradients: Gradients
        /// For each batch what its loss says of each row, where that was asked for.
        var rows: [[LossRow]?]
    }

    private let embedder: Embedder
    private let skippedTokens: Int
    private let chunkTokens: Int
    private let runsTwice: Bool
    private let pool: WorkerPool
    private var memory: Gradients?

    /// About how many tokens a chunk has where nothing else is asked for.
    static let standardChunkTokens = 512

    /// - Parameters:
    ///   - skippedTokens: how many tokens at the start of each sequence are not pooled.
    ///   - chunkTokens: about how many tokens a chunk has.
    ///   - runsTwice: whether the tapes of few chunks live at the same time; see above.
    init(
        embedder: Embedder, skippedTokens: Int, chunkTokens: Int = standardChunkTokens,
        runsTwice: Bool = false, pool: WorkerPool
    ) {
        (self.embedder, self.pool, self.skippedTokens) = (embedder, pool, skippedTokens)
        (self.chunkTokens, self.runsTwice) = (chunkTokens, runsTwice)
    }

    /// The steps of a run: as `configuration` says of chunks.
    convenience init(
        _ embedder: Embedder, tokens: TokenCache, _ configuration: TrainingConfiguration,
        pool: WorkerPool
    ) {
        self.init(
            embedder: embedder, skippedTokens: tokens.skippedTokens,
            chunkTokens: configuration.chunkTokens ?? StepEngine.standardChunkTokens,
            runsTwice: configuration.chunkTokens != nil, pool: pool)
    }

    /// A chunk between its forward and its backward pass.
    private final class Chunk: @unchecked Sendable {
        let batch: TokenBatch
        let sequences: [Int]
        var tape: Tape?
        var embeddings: Tensor?

        init(_ batch: TokenBatch, _ sequences: [Int]) {
            (self.batch, self.sequences) = (batch, sequences)
        }
    }

    /// The loss of `batches` and the gradients of all parameters that learn.
    ///
    /// Each batch has its own negatives; their losses count by their rows, so that the gradient of a loss that is a
    /// mean over rows is that of one large batch. Traps without a batch.
    func step(_ batches: [Batch], tellsRows: Bool = false) -> Result {
        precondition(!batches.isEmpty, "a step without a batch")
        let chunks = batches.map { self.chunks(of: $0) }
        let turns = chunks.reduce(0) { $0 + $1.count }
        let gradients =
            memory.map { Gradients(turns: turns, reusing: $0) } ?? Gradients(turns: turns)
        memory = gradients
        let total = Double(batches.reduce(0) { $0 + $1.count })
        var result = Result(loss: 0, losses: [], gradients: gradients, rows: [])
        var turn = 0
        for (batch, chunks) in zip(batches, chunks) {
            let share = Double(batch.count) / total
            let (loss, rows) = run(
                batch, chunks, share: share, firstTurn: turn, gradients, tellsRows)
            result.loss += share * loss
            result.losses.append(loss)
            result.rows.append(rows)
            turn += chunks.count
        }
        return result
    }

    private func run(
        _ batch: Batch, _ chunks: [Chunk], share: Double, firstTurn: Int, _ gradients: Gradients,
        _ tellsRows: Bool
    ) -> (loss: Double, rows: [LossRow]?) {
        forward(
            chunks, mode: runsTwice ? .rehearsal(seed: batch.seed) : .training(seed: batch.seed))
        let embeddings = gather(chunks, count: batch.columns.count * batch.count)
        let columns = batch.columns.indices.map { column in
            embeddings.rows(column * batch.count..<(column + 1) * batch.count)
        }
        var tape = Tape(.training(seed: batch.seed))
        let variables = columns.map { tape.variable($0) }
        let value = batch.loss(variables, labels: batch.labels, on: &tape)
        let loss = Double(value.scalar)
        let rows = tellsRows ? batch.loss.rows(columns, labels: batch.labels) : nil
        let ofEmbeddings = tape.backward(
            from: value, seed: Tensor([Float(share)], shape: value.shape))
        let down = Tensor(zeros: embeddings.shape)
        for (column, variable) in variables.enumerated() {
            guard let gradient = ofEmbeddings[variable] else { continue }
            let start = column * batch.count
            down.write(gradient, toRows: Array(start..<start + batch.count))
        }
        pool.runTogether(chunks.count) { index, crew in
            let chunk = chunks[index]
            if runsTwice { embed(chunk, mode: .training(seed: batch.seed), crew) }
            guard var tape = chunk.tape.take(), let embeddings = chunk.embeddings else { return }
            chunk.embeddings = nil
            tape.crew = crew
            tape.backward(
                from: embeddings, seed: down.rows(at: chunk.sequences), into: gradients,
                turn: firstTurn + index)
        }
        return (loss, rows)
    }

    /// The loss of a batch without dropout or gradients.
    func lossOnly(_ batch: Batch) -> Double {
        let chunks = self.chunks(of: batch)
        forward(chunks, mode: .inference)
        let embeddings = gather(chunks, count: batch.columns.count * batch.count)
        var tape = Tape(.inference)
        let parts = batch.columns.indices.map {
            embeddings.rows($0 * batch.count..<($0 + 1) * batch.count)
        }
        return Double(batch.loss(parts, labels: batch.labels, on: &tape).scalar)
    }

    private func chunks(of batch: Batch) -> [Chunk] {
        precondition(
            batch.columns.count == batch.loss.kind.textCount
                && batch.columns.allSatisfy { $0.count == batch.count },
            "a batch of \(batch.columns.map(\.count)) texts for \(batch.loss.kind)")
        return TokenBatch.chunks(
            of: batch.columns.flatMap { $0 }, tokens: chunkTokens
        ).map { Chunk($0.batch, $0.sequences) }
    }

    private func forward(_ chunks: [Chunk], mode: Tape.Mode) {
        pool.runTogether(chunks.count) { embed(chunks[$0], mode: mode, $1) }
    }

    private func embed(_ chunk: Chunk, mode: Tape.Mode, _ crew: Crew?) {
        var tape = Tape(mode, precision: embedder.precision)
        tape.crew = crew
        chunk.embeddings = embedder.embed(chunk.batch, skipping: skippedTokens, on: &tape)
        tape.crew = nil
        if tape.isRecording { chunk.tape = consume tape }
    }

    private func gather(_ chunks: [Chunk], count: Int) -> Tensor {
        let all = Tensor(zeros: [count, embedder.dimension])
        for chunk in chunks {
            if let embeddings = chunk.embeddings { all.write(embeddings, toRows: chunk.sequences) }
        }
        return all
    }

    /// The L2 norm over the gradients of all parameters.
    func norm(of gradients: Gradients) -> Double {
        gradients.norm(of: embedder.store.parameters, pool: pool)
    }

    // MARK: Diagnosis

    /// Where a number that is not finite comes up first in the forward pass of `batch`, and in which of its rows;
    /// `nil` where all embeddings are finite.
    func firstNotFinite(in batch: Batch) -> (place: String, rows: [Int])? {
        var first: String?
        var rows = Set<Int>()
        for chunk in chunks(of: batch) {
            var tape = Tape(
                .training(seed: batch.seed), precision: embedder.precision, examining: true)
            let embeddings = embedder.embed(chunk.batch, skipping: skippedTokens, on: &tape)
            first = first ?? tape.firstNotFinite
            for (place, sequence) in chunk.sequences.enumerated()
            where !embeddings.row(place).allSatisfy(\.isFinite) {
                rows.insert(sequence % batch.count)
            }
        }
        return first.map { ($0, rows.sorted()) }
    }

    /// The parameter nearest to the loss whose gradient is not finite.
    func firstNotFinite(in gradients: Gradients) -> String? {
        embedder.store.parameters.last { parameter in
            gradients.sumOfSquares(of: parameter).map { !$0.isFinite } ?? false
        }?.name
    }
}
