internal import Embedders
internal import Encoders
internal import Layers
internal import Synchronization
internal import Tensors

/// Computes losses and gradients of batches: chunks run forward side by side, their embeddings meet in the loss, and
/// the gradient of the embeddings runs back through the chunks, whose parameter gradients are summed in chunk order.
final class StepEngine {
    private let embedder: Embedder
    private let loss: any EmbeddingLoss
    private let skippedTokens: Int
    private let pool: WorkerPool
    private var memory: Gradients?

    /// - Parameter skippedTokens: how many tokens at the start of each sequence are not pooled.
    init(embedder: Embedder, loss: any EmbeddingLoss, skippedTokens: Int, pool: WorkerPool) {
        (self.embedder, self.loss, self.pool) = (embedder, loss, pool)
        self.skippedTokens = skippedTokens
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

    /// The loss of a batch and the gradients of all parameters that learn.
    ///
    /// - Parameters:
    ///   - columns: token ids of each column's texts, all columns of one length.
    ///   - seed: of dropout; the same seed drops the same elements.
    func step(columns: [[[Int32]]], labels: [Double]?, seed: UInt64) -> (
        loss: Double, gradients: Gradients
    ) {
        let chunks = forward(columns, mode: .training(seed: seed))
        let embeddings = gather(chunks, count: columns.count * columns[0].count)
        var tape = Tape(.training(seed: seed))
        let variables = columns.indices.map { column in
            tape.variable(
                embeddings.rows(column * columns[0].count..<(column + 1) * columns[0].count))
        }
        let value = loss(variables, labels: labels, on: &tape)
        let result = Double(value.scalar)
        let ofEmbeddings = tape.backward(from: value)
        let down = Tensor(zeros: embeddings.shape)
        for (column, variable) in variables.enumerated() {
            guard let gradient = ofEmbeddings[variable] else { continue }
            let start = column * columns[0].count
            down.write(gradient, toRows: Array(start..<start + columns[0].count))
        }
        let gradients =
            memory.map { Gradients(turns: chunks.count, reusing: $0) }
            ?? Gradients(turns: chunks.count)
        memory = gradients
        pool.run(chunks.count) { index in
            let chunk = chunks[index]
            guard let tape = chunk.tape.take(), let embeddings = chunk.embeddings else { return }
            chunk.embeddings = nil
            tape.backward(
                from: embeddings, seed: down.rows(at: chunk.sequences), into: gradients, turn: index
            )
        }
        return (result, gradients)
    }

    /// The loss of a batch without dropout or gradients.
    func lossOnly(columns: [[[Int32]]], labels: [Double]?) -> Double {
        let chunks = forward(columns, mode: .inference)
        let embeddings = gather(chunks, count: columns.count * columns[0].count)
        var tape = Tape(.inference)
        let rows = columns[0].count
        let parts = columns.indices.map { embeddings.rows($0 * rows..<($0 + 1) * rows) }
        return Double(loss(parts, labels: labels, on: &tape).scalar)
    }

    private func forward(_ columns: [[[Int32]]], mode: Tape.Mode) -> [Chunk] {
        precondition(
            columns.count == loss.kind.textCount
                && columns.allSatisfy { $0.count == columns[0].count },
            "a batch of \(columns.map(\.count)) texts for \(loss.kind)")
        let chunks = TokenBatch.chunks(of: columns.flatMap { $0 }).map {
            Chunk($0.batch, $0.sequences)
        }
        pool.run(chunks.count) { index in
            let chunk = chunks[index]
            var tape = Tape(mode)
            chunk.embeddings = embedder.embed(
                chunk.batch, skipping: skippedTokens, on: &tape)
            if mode != .inference { chunk.tape = consume tape }
        }
        return chunks
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
        let parameters = embedder.store.parameters
        let squares = Mutex(Array(repeating: 0.0, count: parameters.count))
        pool.run(parameters.count) { index in
            guard let square = gradients.sumOfSquares(of: parameters[index]) else { return }
            squares.withLock { $0[index] = square }
        }
        return squares.withLock { $0.reduce(0, +) }.squareRoot()
    }
}
