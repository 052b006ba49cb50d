import Embedders
import Encoders
import Layers
import Records
import TestSupport
import Tensors
import Testing

@testable import Uniem

/// The mean over rows of each row's own triplet loss: rows do not meet.
private struct SeparateTriplets: EmbeddingLoss {
    var kind: RecordKind { .triplet }
    var name: String { "separate" }
    var minimumRows: Int { 1 }
    var isMeanOverRows: Bool { true }

    func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape) -> Tensor {
        let count = columns[0].shape.rows
        var sum: Tensor?
        for row in 0..<count {
            let parts = columns.map { tape.rows($0, row..<row + 1) }
            let loss = tape.tripletLoss(
                parts[0], parts[1], parts[2], form: .softmax, temperature: 0.1)
            sum = sum.map { tape.add($0, loss) } ?? loss
        }
        return tape.scale(sum ?? Tensor([0], shape: []), by: 1 / Float(count))
    }
}

@Suite struct StepEngineTests {
    private let embedder: Embedder
    private let pool = WorkerPool(threads: 2)

    init() throws {
        embedder = try Embedder.load(tinyModel)
    }

    private func makeBatch(
        _ dataset: Dataset, rows: Range<Int>, loss: (any EmbeddingLoss)? = nil
    ) throws -> StepEngine.Batch {
        let tokens = TokenCache(embedder: embedder, maxLength: nil)
        let records = dataset.records[Array(rows)]
        return StepEngine.Batch(
            columns: tokens.columns(of: records).columns, labels: records.labels,
            loss: try loss
                ?? LossName.standard(for: dataset.kind).make(for: dataset.kind, temperature: 0.05),
            seed: 7)
    }

    private func makeEngine(
        chunkTokens: Int = StepEngine.standardChunkTokens, runsTwice: Bool = false
    ) -> StepEngine {
        StepEngine(
            embedder: embedder, skippedTokens: 0, chunkTokens: chunkTokens, runsTwice: runsTwice,
            pool: pool)
    }

    /// The gradients of all parameters in one list of numbers.
    private func numbers(_ result: StepEngine.Result) -> [Float] {
        embedder.store.parameters.flatMap { result.gradients[$0]?.values ?? [] }
    }

    /// The length of the difference, as a share of the length of `b`.
    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        #expect(a.count == b.count)
        var (difference, length) = (0.0, 0.0)
        for (x, y) in zip(a, b) {
            difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
            length += Double(y) * Double(y)
        }
        return (difference / length).squareRoot()
    }

    @Test("GradCache gives the gradients of the plain path", arguments: [16, 64, 512, 100_000])
    func gradCache(_ chunkTokens: Int) throws {
        defer { pool.close() }
        // With dropout: both passes must draw the same.
        #expect(embedder.encoder.configuration["hidden_dropout_prob"]?.double ?? 0 > 0)
        for data in [pairs(48), triplets(32), scoredPairs(48)] {
            let batch = try makeBatch(data, rows: 0..<data.count)
            let plain = makeEngine().step([batch])
            let cached = makeEngine(chunkTokens: chunkTokens, runsTwice: true).step([batch])
            // With the same chunks there is no difference at all.
            let same = makeEngine(chunkTokens: chunkTokens).step([batch])
            #expect(cached.loss == same.loss)
            #expect(numbers(cached).map(\.bitPattern) == numbers(same).map(\.bitPattern))
            // With others float32 sums have another order: a few roundings of 6e-8 each, most of them in sums over
            // some hundred tokens.
            #expect(abs(cached.loss - plain.loss) <= 1e-6 * plain.loss)
            #expect(distance(numbers(cached), numbers(plain)) < 5e-6)
        }
    }

    @Test("accumulated gradients are those of the large batch, where the loss is a mean over rows")
    func accumulation() throws {
        defer { pool.close() }
        let data = triplets(24)
        // Without dropout: its draws belong to places in a batch.
        var configuration = embedder.encoder.configuration
        configuration.set("hidden_dropout_prob", 0)
        configuration.set("attention_probs_dropout_prob", 0)
        let still = try Embedder.fresh(
            configuration: configuration, tokenizer: embedder.tokenizer)
        func engine() -> StepEngine {
            StepEngine(embedder: still, skippedTokens: 0, pool: pool)
        }
        func numbers(_ result: StepEngine.Result) -> [Float] {
            still.store.parameters.flatMap { result.gradients[$0]?.values ?? [] }
        }
        let whole = try makeBatch(data, rows: 0..<24, loss: SeparateTriplets())
        let parts = try [0..<8, 8..<18, 18..<24].map {
            try makeBatch(data, rows: $0, loss: SeparateTriplets())
        }
        let large = engine().step([whole])
        let expected = numbers(large)
        let small = engine().step(parts)
        #expect(abs(small.loss - large.loss) < 1e-6 * large.loss)
        #expect(small.losses.count == 3)
        #expect(distance(numbers(small), expected) < 2e-6)
        // The mean of the parts, not weighed by rows, is another number.
        #expect(abs(small.losses.reduce(0, +) / 3 - large.loss) > 1e-6 * large.loss)
    }

    @Test("what a loss says of rows has the loss as its mean")
    func rows() throws {
        defer { pool.close() }
        for data in [pairs(20), triplets(12)] {
            for name in [LossName.softmax, .sigmoid] {
                let loss = try name.make(for: data.kind, temperature: 0.05)
                let batch = try makeBatch(data, rows: 0..<data.count, loss: loss)
                let result = makeEngine().step([batch], tellsRows: true)
                let rows = try #require(result.rows[0])
                let mean = rows.reduce(0) { $0 + $1.loss } / Double(rows.count)
                #expect(abs(mean - result.loss) < 1e-5 * max(1, result.loss))
                for row in rows {
                    #expect(row.rank == row.closerNegatives + 1)
                    #expect(row.closestNegative != nil && abs(row.similarity) <= 1 + 1e-12)
                }
            }
        }
        let scored = try makeBatch(scoredPairs(20), rows: 0..<20)
        let result = makeEngine().step([scored], tellsRows: true)
        let told = try #require(result.rows[0])
        // All of the loss but what the 1 in its logarithm takes.
        let mean = told.reduce(0) { $0 + $1.loss } / 20
        #expect(mean <= result.loss && mean > 0.5 * result.loss)
        #expect(told.allSatisfy { $0.rank == nil && $0.loss >= 0 })
        #expect(makeEngine().step([scored]).rows.allSatisfy { $0 == nil })
    }

    @Test("the first number that is not finite is found")
    func notFinite() throws {
        defer { pool.close() }
        let batch = try makeBatch(pairs(6), rows: 0..<6)
        #expect(makeEngine().firstNotFinite(in: batch) == nil)
        let name = "encoder.layer.1.intermediate.dense.weight"
        let parameter = try #require(embedder.store[name])
        var values = parameter.value.values
        values[3] = .nan
        parameter.assign(Tensor(values, shape: parameter.shape))
        let found = try #require(makeEngine().firstNotFinite(in: batch))
        #expect(found.place == "the parameter \(name)" && found.rows == Array(0..<6))
        // Numbers that overflow on the way.
        let huge = parameter.value.values.map { $0.isNaN ? 0 : $0 * 1e30 }
        parameter.assign(Tensor(huge, shape: parameter.shape))
        if let overflow = makeEngine().firstNotFinite(in: batch) {
            #expect(overflow.place.contains("the last parameter used was"))
        }
    }
}
