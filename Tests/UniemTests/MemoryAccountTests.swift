import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import Records
import Tensors
import TestSupport
import Testing

@testable import Uniem

/// Models and rows whose memory is looked at.
enum MemorySample {
    /// The tiny models of all families.
    static let families: [String] = {
        let folder = GoldenRoot.all[0].folder + "/../encoders/models"
        return (try? FileBytes.names(in: folder)) ?? []
    }()

    /// The encoder of `family`, with the tokenizer of another model: lengths are all that counts here.
    static func embedder(
        _ family: String, poolings: [Pooling] = [.lastMean], head: [HeadModule] = []
    ) throws -> Embedder {
        let folder = GoldenRoot.all[0].folder + "/../encoders/models/" + family
        let path = folder + "/config.json"
        let configuration = try JSON(contentsOf: path)
        let rules = try EncoderFamily(configuration, path: path)
        let encoder = try rules.makeEncoder(
            configuration, path: path,
            source: try CheckpointSource(folder: folder, rules: rules.keyRules))
        return Embedder(
            tokenizer: try Embedder.load(GoldenRoot.all[0].folder + "/models/bert-tiny").tokenizer,
            encoder: encoder, poolings: poolings, head: head)
    }

    /// `count` rows of texts of 3 to `longest` tokens.
    static func ragged(_ count: Int, longest: Int, columns: Int = 2) -> [[Int]] {
        (0..<count).map { row in
            (0..<columns).map { 3 + (row * 37 + $0 * 11 + row * row) % (longest - 2) }
        }
    }
}

/// Each row has a loss of its own, so that the number of buffers grows with the batch.
private struct RowByRow: EmbeddingLoss {
    var kind: RecordKind { .pair }
    var name: String { "row by row" }
    var minimumRows: Int { 1 }

    func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape) -> Tensor {
        var sum: Tensor?
        for row in 0..<columns[0].shape.rows {
            let parts = columns.map { tape.rows($0, row..<row + 1) }
            let cosine = tape.cosineSimilarity(parts[0], parts[1])
            sum = sum.map { tape.add($0, cosine) } ?? cosine
        }
        return tape.scale(sum ?? Tensor([0]), by: -1)
    }
}

private func batch(_ rows: [[Int]], _ loss: any EmbeddingLoss, words: Int) -> StepEngine.Batch {
    let columns = (0..<loss.kind.textCount).map { column in
        rows.map { row in (0..<row[column]).map { Int32(($0 * 5 + column) % words) } }
    }
    let labels = loss.kind == .scoredPair ? rows.indices.map { Double($0 % 6) } : nil
    return StepEngine.Batch(columns: columns, labels: labels, loss: loss, seed: 1)
}

/// Bytes that `body` took on this thread: the most at a time, and what it left in use.
private func use(_ body: () -> Void) -> (peak: Int, left: Int) {
    var (live, peak) = (0, 0)
    var taken: [Int] = []
    for event in BufferPool.shared.trace({ _ in body() }) {
        switch event {
        case .take(let count):
            taken.append(4 * BufferPool.capacity(for: count))
            live += taken[taken.count - 1]
            peak = max(peak, live)
        case .give(let take): live -= taken[take]
        case .mark: break
        }
    }
    return (peak, live)
}

/// What a second step takes on one thread: predicted, and counted.
private func compare(
    _ embedder: Embedder, _ rows: [[Int]], loss: any EmbeddingLoss, chunkTokens: Int? = nil
) throws -> (predicted: StepMemory, counted: Int) {
    let account = try MemoryAccount(embedder, losses: [loss])
    let pool = WorkerPool(threads: 1)
    defer { pool.close() }
    let engine = StepEngine(
        embedder: embedder, skippedTokens: 0,
        chunkTokens: chunkTokens ?? StepEngine.standardChunkTokens, runsTwice: chunkTokens != nil,
        pool: pool)
    let optimizer = AdamW(embedder.store)
    let batch = batch(rows, loss, words: embedder.encoder.vocabularySize)
    let weights = embedder.store.parameters.reduce(0) {
        $0 + 4 * BufferPool.capacity(for: $1.shape.count)
    }
    // What is left of the first step are the sums of gradients and the moments.
    let first = use { optimizer.step(engine.step([batch]).gradients, rate: 0, pool: pool) }
    let second = use { _ = engine.step([batch]) }
    return (
        account.step(rows, chunkTokens: chunkTokens, threads: 1),
        weights + first.left + second.peak
    )
}

@Suite("The memory of a step")
struct MemoryAccountTests {
    /// Never noticeably below the truth, and hardly above it.
    private func expect(
        _ result: (predicted: StepMemory, counted: Int),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let ratio = Double(result.predicted.tensors) / Double(result.counted)
        #expect(
            ratio > 0.995 && ratio < 1.02, "\(ratio) \(result.predicted) \(result.counted)",
            sourceLocation: sourceLocation)
    }

    @Test("is known for every family", arguments: MemorySample.families)
    func families(_ family: String) throws {
        let embedder = try MemorySample.embedder(family)
        let limit = min(30, embedder.encoder.maximumLength ?? 30)
        let loss = PairInBatchLoss()
        expect(try compare(embedder, MemorySample.ragged(40, longest: limit), loss: loss))
        expect(
            try compare(
                embedder, MemorySample.ragged(40, longest: limit), loss: loss, chunkTokens: 64))
    }

    @Test("the families are there")
    func allFamilies() { #expect(MemorySample.families.count >= 12) }

    @Test("is known for every pooling", arguments: Pooling.allCases)
    func poolings(_ pooling: Pooling) throws {
        let rows = MemorySample.ragged(24, longest: 30)
        expect(
            try compare(
                try MemorySample.embedder("bert", poolings: [pooling]), rows,
                loss: PairInBatchLoss()))
    }

    @Test("is known for several poolings and a head")
    func head() throws {
        let embedder = try MemorySample.embedder(
            "bert", poolings: [.cls, .max], head: [.normalize])
        expect(try compare(embedder, MemorySample.ragged(24, longest: 30), loss: PairInBatchLoss()))
    }

    @Test("is known for every loss, also where the batch is large and the texts are short")
    func losses() throws {
        let embedder = try MemorySample.embedder("bert")
        for kind in RecordKind.allCases {
            let names: [LossName] = kind == .scoredPair ? [.cosent] : [.softmax, .sigmoid]
            for name in names {
                let loss = try name.make(
                    for: kind, temperature: 0.05, addsSwapLoss: kind == .triplet)
                let rows = MemorySample.ragged(200, longest: 5, columns: kind.textCount)
                expect(try compare(embedder, rows, loss: loss))
            }
        }
    }

    @Test("a loss that obeys no law is tried")
    func otherLoss() throws {
        let rows = MemorySample.ragged(30, longest: 9)
        expect(try compare(try MemorySample.embedder("bert"), rows, loss: RowByRow()))
    }

    @Test("frozen weights have no gradients and moments, and less is kept for them")
    func bitFit() throws {
        let embedder = try MemorySample.embedder("bert")
        let rows = MemorySample.ragged(24, longest: 30)
        let full = try compare(embedder, rows, loss: PairInBatchLoss())
        try Strategy.bitFit().apply(to: embedder)
        let biases = try compare(embedder, rows, loss: PairInBatchLoss())
        expect(full)
        expect(biases)
        #expect(biases.predicted.weights == full.predicted.weights)
        #expect(biases.predicted.gradients < full.predicted.gradients / 4)
        #expect(biases.predicted.moments == 2 * biases.predicted.gradients)
        #expect(biases.predicted.activations < full.predicted.activations)
    }

    @Test("adapters have gradients and moments, and frozen weights beside them")
    func adapters() throws {
        let embedder = try MemorySample.embedder("bert")
        let rows = MemorySample.ragged(24, longest: 30)
        let full = try compare(embedder, rows, loss: PairInBatchLoss())
        let strategy = Strategy.lora(LoRA())
        let adapted = try strategy.prepare(embedder, seed: 1)
        try strategy.apply(to: adapted)
        let lora = try compare(adapted, rows, loss: PairInBatchLoss())
        expect(lora)
        #expect(lora.predicted.weights > full.predicted.weights)
        #expect(lora.predicted.gradients < full.predicted.gradients)
    }

    @Test("a few rows of a table that learn have gradients and moments of their own size")
    func rowsOfATable() throws {
        let embedder = try MemorySample.embedder("bert")
        let table = try #require(embedder.store["embeddings.word_embeddings.weight"])
        for parameter in embedder.store.parameters { parameter.isFrozen = parameter !== table }
        table.trainableRows = 3..<5
        let step = try compare(
            embedder, MemorySample.ragged(24, longest: 30), loss: PairInBatchLoss())
        expect(step)
        #expect(step.predicted.moments == 2 * step.predicted.gradients)
        #expect(step.predicted.gradients == 4 * BufferPool.capacity(for: 2 * table.shape.width))
    }

    @Test("parts: their sum is the total, moments are twice the gradients")
    func parts() throws {
        let embedder = try MemorySample.embedder("bert")
        let account = try MemoryAccount(embedder, losses: [PairInBatchLoss()])
        let rows = MemorySample.ragged(120, longest: 30)
        let step = account.step(rows, threads: 2)
        #expect(step.parts.reduce(0) { $0 + $1.bytes } == step.total)
        #expect(step.moments == 2 * step.gradients && step.gradients < step.weights)
        let more = account.step(rows, threads: 8)
        #expect(more.activations == step.activations && more.work > step.work)
        let twice = account.step(rows, chunkTokens: 64, threads: 2)
        #expect(twice.activations < step.activations / 2)
    }

    @Test("weights are as they were")
    func changesNothing() throws {
        let embedder = try MemorySample.embedder("bert")
        let before = embedder.store.parameters.map(\.value.bits)
        _ = try MemoryAccount(embedder, losses: [PairInBatchLoss()])
        #expect(embedder.store.parameters.map(\.value.bits) == before)
    }

    /// In a process of its own, as the counts are those of all threads.
    @Test("two threads take what was foretold")
    func twoThreads() async {
        await #expect(processExitsWith: .success) {
            let embedder = try MemorySample.embedder("bert")
            let rows = MemorySample.ragged(120, longest: 30)
            let loss = PairInBatchLoss()
            let predicted = try MemoryAccount(embedder, losses: [loss]).step(rows, threads: 2)
            let pool = WorkerPool(threads: 2)
            defer { pool.close() }
            let engine = StepEngine(embedder: embedder, skippedTokens: 0, pool: pool)
            let optimizer = AdamW(embedder.store)
            for seed in 0..<6 {
                var batch = batch(rows, loss, words: embedder.encoder.vocabularySize)
                batch.seed = UInt64(seed)
                optimizer.step(engine.step([batch]).gradients, rate: 0, pool: pool)
            }
            let ratio =
                Double(predicted.tensors) / Double(BufferPool.shared.statistics.peakBytesInUse)
            // Two threads need not be at their most at the same time.
            #expect(ratio > 0.98 && ratio < 1.05, "\(ratio) \(predicted)")
            let held = BufferPool.shared.statistics.bytesHeld
            #expect(held <= predicted.tensors + predicted.gaps, "\(held) \(predicted)")
        }
    }

    // MARK: Laws

    @Test("a law is found from samples, and used for other sizes")
    func law() throws {
        func events(_ n: Int, _ k: Int) -> [BufferEvent] {
            [
                .take(100 * n), .take(7 * n + 30 * k), .give(0), .mark, .take(64), .give(1),
                .take(1000 * k), .give(3),
            ]
        }
        let samples = [(1, 1), (2, 1), (5, 3), (4, 4)].map { n, k in
            (sizes: [n, k, 1], events: events(n, k))
        }
        let law = try #require(BufferLaw(samples))
        let use = law.use([1000, 10, 1])
        func bytes(_ count: Int) -> Int { 4 * BufferPool.capacity(for: count) }
        #expect(use.before == bytes(100_000) + bytes(7300))
        #expect(use.kept == bytes(7300))
        #expect(use.after == bytes(64) + bytes(10_000))
        #expect(use.left == bytes(64))
        #expect(law.kept == [7, 30, 0] && law.takesBeforeMark == 2)
    }

    @Test("where there is no law, none is found")
    func noLaw() {
        func law(_ count: (Int) -> [BufferEvent]) -> BufferLaw? {
            BufferLaw([1, 2, 3, 4].map { (sizes: [$0, 1], events: count($0)) })
        }
        #expect(law { [.take($0 * 3 + 5)] } != nil)
        #expect(law { [.take($0 * $0)] } == nil)
        #expect(law { $0 < 3 ? [.take(4)] : [.take(4), .give(0)] } == nil)
        #expect(law { [.take(4), .take(4), .give($0 < 3 ? 0 : 1)] } == nil)
        #expect(law { _ in [] } != nil)
        #expect(BufferLaw([]) == nil)
    }

    @Test("coefficients of sizes that depend on each other fall to the first")
    func dependent() {
        #expect(BufferLaw.solve([[1, 16, 1], [3, 48, 1]], [50, 146]) == [48, 0, 2])
        #expect(BufferLaw.solve([[2, 1], [4, 1]], [3, 4]) == nil)
    }
}
