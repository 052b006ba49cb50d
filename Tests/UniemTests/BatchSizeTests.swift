import Records
import TestSupport
import Testing

@testable import Uniem

@Suite("The batch size")
struct BatchSizeFinderTests {
    /// A finder where `available` bytes are free.
    private func finder(
        _ available: Int, chunkTokens: Int? = nil, loss: any EmbeddingLoss = PairInBatchLoss()
    ) throws -> BatchSizeFinder {
        try BatchSizeFinder(
            try MemorySample.embedder("bert"), losses: [loss], chunkTokens: chunkTokens, threads: 1,
            memory: ProcessMemory(available: available, resident: 0, limit: "in a test"))
    }

    @Test("is 256 where that fits, and never more than rows")
    func largest() throws {
        var finder = try finder(1 << 40)
        for row in MemorySample.ragged(300, longest: 30) { finder.add(row) }
        let choice = try finder.choose()
        #expect(choice.size == 256)
        #expect(choice.explanation.hasPrefix("batch size 256: training takes at most "))
        #expect(
            choice.explanation.contains("free in a test)") && !choice.explanation.contains("would"))
        #expect(!choice.explanation.contains("\n"))
        var few = try self.finder(1 << 40)
        for row in MemorySample.ragged(100, longest: 30) { few.add(row) }
        #expect(try few.choose().size == 100)
    }

    @Test("is halved until the longest rows fit")
    func halved() throws {
        var all = try finder(1 << 40)
        for row in MemorySample.ragged(300, longest: 30) { all.add(row) }
        for size in [1, 2, 8, 64, 128] {
            let needed = all.processBytes(try #require(all.step(batchSize: size)))
            let enough = Int(Double(needed) / BatchSizeFinder.share) + 100
            var finder = try finder(enough)
            for row in MemorySample.ragged(300, longest: 30) { finder.add(row) }
            let choice = try finder.choose()
            #expect(choice.size == size)
            #expect(choice.explanation.contains("; \(2 * size) would take "))
            #expect(finder.processBytes(choice.step) <= finder.allowed)
            var tight = try self.finder(enough - 1000)
            for row in MemorySample.ragged(300, longest: 30) { tight.add(row) }
            if size > 1 {
                #expect(try tight.choose().size == size / 2)
            } else {
                let error = #expect(throws: TrainingError.self) { try tight.choose() }
                let text = "\(error.map { "\($0)" } ?? "")"
                #expect(text.contains("a step with 1 row takes ") && text.contains("weights "))
                #expect(text.contains("--max-length") || text.contains("--chunk-tokens"))
                #expect(!text.contains("\n"))
            }
        }
    }

    @Test("a step over the rows that take most is the most that any batch takes")
    func worstBatch() throws {
        var finder = try finder(1 << 40)
        let rows = MemorySample.ragged(500, longest: 40)
        for row in rows { finder.add(row) }
        let account = try MemoryAccount(
            try MemorySample.embedder("bert"), losses: [PairInBatchLoss()])
        let worst = try #require(finder.step(batchSize: 32))
        for start in stride(from: 0, to: 448, by: 32) {
            let step = account.step(Array(rows[start..<start + 32]), threads: 1)
            #expect(step.total <= worst.total)
        }
        let longest = rows.sorted {
            $0.reduce(0) { $0 + account.cost(ofText: $1) }
                > $1.reduce(0) { $0 + account.cost(ofText: $1) }
        }
        #expect(account.step(Array(longest.prefix(32)), threads: 1) == worst)
    }

    @Test("fewer rows than a batch are halved to the next power of two")
    func fewRows() throws {
        var all = try finder(1 << 40)
        for row in MemorySample.ragged(100, longest: 30) { all.add(row) }
        let needed = all.processBytes(try #require(all.step(batchSize: 100)))
        var finder = try finder(Int(Double(needed) / BatchSizeFinder.share) - 1000)
        for row in MemorySample.ragged(100, longest: 30) { finder.add(row) }
        #expect(try finder.choose().size == 64)
    }

    @Test("a loss that compares rows gets at least two")
    func minimum() throws {
        let loss = PairInBatchLoss(form: .sigmoid)
        var all = try finder(1 << 40, loss: loss)
        for row in MemorySample.ragged(300, longest: 30) { all.add(row) }
        let one = all.processBytes(try #require(all.step(batchSize: 2)))
        var finder = try finder(Int(Double(one) / BatchSizeFinder.share) - 1000, loss: loss)
        for row in MemorySample.ragged(300, longest: 30) { finder.add(row) }
        let error = #expect(throws: TrainingError.self) { try finder.choose() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("a step with 2 rows takes "))
    }

    @Test("running chunks twice lets larger batches in")
    func chunks() throws {
        var all = try finder(1 << 40)
        for row in MemorySample.ragged(300, longest: 30) { all.add(row) }
        let needed = all.processBytes(try #require(all.step(batchSize: 16)))
        var twice = try finder(Int(Double(needed) / BatchSizeFinder.share) + 100, chunkTokens: 64)
        for row in MemorySample.ragged(300, longest: 30) { twice.add(row) }
        #expect(try twice.choose().size > 16)
    }

    @Test("weights that do not fit are refused before anything is tried")
    func tooLarge() throws {
        let error = #expect(throws: TrainingError.self) { try finder(1000) }
        let text = "\(error.map { "\($0)" } ?? "")"
        #expect(text.contains("weights, gradients and optimizer moments take"))
        #expect(text.contains("a test") && text.contains("bitfit"))
    }

    @Test("rows of data sets are counted column by column; streams up to a limit")
    func data() throws {
        let records = (0..<9).map {
            PairRecord(text: String(repeating: "a", count: $0 + 3), textPos: "b")
        }
        let embedder = try Embedder.fresh(
            configuration: BERTConfig.fresh(
                vocabularySize: 3000, hiddenSize: 32, layers: 1, heads: 2),
            tokenizer: MemorySample.embedder("bert").tokenizer)
        func fresh() throws -> BatchSizeFinder {
            try BatchSizeFinder(
                embedder, losses: [PairInBatchLoss()], threads: 1,
                memory: ProcessMemory(available: 1 << 40, resident: 0, limit: "in a test"))
        }
        var finder = try fresh()
        try finder.add(.memory(Dataset(pairs: records))) { text, column in
            (0..<text.utf8.count + 10 * column).map(Int32.init)
        }
        var same = try fresh()
        for row in 0..<9 { same.add([row + 3, 11]) }
        let (few, all) = (
            try #require(finder.step(batchSize: 4)), try #require(same.step(batchSize: 4))
        )
        #expect(few.activations == all.activations && few.work == all.work)
        // The sum and both moments of a table have memory for the pages with the first 22 words only.
        let table = 4 * 3000 * 32
        #expect(all.gradients - few.gradients == table - 4096)
        #expect(all.moments - few.moments == 2 * (table - 4096))
        #expect(try finder.choose().size == 9)
        #expect(throws: TrainingError.self) { try self.finder(1 << 40).choose() }
    }
}
