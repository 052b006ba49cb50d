package import Embedders
internal import Records
internal import Tensors
internal import Tracking

/// Chooses a batch size before the first step: uniem's 256, or the half, the quarter, ... of it whose steps fit into
/// memory with the longest texts that the data can put into one batch.
package struct BatchSizeFinder {
    /// uniem's start.
    package static let largest = 256

    /// How much of the memory that is free training may take.
    ///
    /// A step's buffers are known to a few percent; the fifth that is left is for what is not: free memory is the
    /// kernel's estimate and counts the cache of files, which checkpoints and data want too; evaluation and saving
    /// have buffers of their own; and other programs live on the machine.
    package static let share = 0.8

    /// Memory of a thread beside buffers (measured: 4 to 5 MB): what OpenBLAS packs matrices into, the stack, and
    /// small things that are allocated on it.
    static let bytesPerThread = 6 << 20

    /// Memory of the program where the system does not tell (measured: 25 to 35 MB): code, tokenizer, lists.
    static let bytesOfProgram = 32 << 20

    /// A batch size that fits.
    package struct Choice {
        /// Rows in a batch.
        package var size: Int
        /// What a step takes at most.
        package var step: StepMemory
        /// One line that says why.
        package var explanation: String
    }

    private let account: MemoryAccount
    private let minimumRows: Int
    private let chunkTokens: Int?
    private let threads: Int
    private let memory: ProcessMemory
    /// Memory of the process that is not the pool's.
    private let outside: Int
    /// What the process may take in all.
    package let allowed: Int
    private var sources: [LongestRows]
    /// The words of all rows; `nil` where not all words are known.
    private var words: WordSet? = WordSet()

    /// Measures the steps of `embedder`, whose strategy must be in force.
    ///
    /// - Parameters:
    ///   - losses: one for each data set.
    ///   - chunkTokens: as in ``TrainingConfiguration/chunkTokens``.
    ///
    /// Throws a ``TrainingError`` where weights, gradients and moments alone do not fit into memory.
    package init(
        _ embedder: Embedder, losses: [any EmbeddingLoss], chunkTokens: Int? = nil, threads: Int,
        memory: ProcessMemory = .now
    ) throws(TrainingError) {
        let held = BufferPool.shared.statistics.bytesHeld
        outside =
            max(BatchSizeFinder.bytesOfProgram, (memory.resident ?? 0) - held)
            + threads * BatchSizeFinder.bytesPerThread
        (self.chunkTokens, self.threads, self.memory) = (chunkTokens, threads, memory)
        minimumRows = losses.map(\.minimumRows).max() ?? 1
        allowed = (memory.resident ?? held) + Int(BatchSizeFinder.share * Double(memory.available))
        // The measurement itself takes the memory of gradients.
        let least = MemoryAccount.leastBytes(embedder) + outside
        guard least <= allowed else {
            throw .invalid(
                "weights, gradients and optimizer moments take \(NumberText.bytes(least)), and "
                    + BatchSizeFinder.budget(allowed, memory),
                BatchSizeFinder.fewerWeights)
        }
        let account = try MemoryAccount(embedder, losses: losses)
        self.account = account
        sources = losses.map { _ in LongestRows() }
    }

    /// `1.9 GB may be used (80 % of the 2.2 GB free on this machine)`, with what the process has already.
    private static func budget(_ allowed: Int, _ memory: ProcessMemory) -> String {
        "\(NumberText.bytes(allowed)) may be used (\(Int(100 * share)) % of the "
            + "\(NumberText.bytes(memory.available)) free \(memory.limit))"
    }

    private static let fewerWeights =
        "let fewer parameters learn (--strategy bitfit, or lora), or take a smaller model or a larger machine"

    /// What the process takes in all with steps like `step`, and for saving the model in the end.
    package func processBytes(_ step: StepMemory) -> Int {
        max(step.total, step.saving) + outside
    }

    /// The rows of the largest data set.
    package var rowCount: Int { sources.map(\.count).max() ?? 0 }

    // MARK: The longest rows

    /// Takes note of a row of data set `source`, with texts of so many tokens.
    ///
    /// Traps unless there is one for each text of a row.
    package mutating func add(_ lengths: [Int], source: Int = 0) {
        words = nil
        note(lengths, source: source)
    }

    /// As ``add(_:source:)``, where the words are known.
    private mutating func note(_ lengths: [Int], source: Int) {
        let count = account.textCounts[source]
        precondition(lengths.count == count, "a row of \(lengths.count) texts, not \(count)")
        let cost = lengths.reduce(0) { $0 + account.cost(ofText: $1) }
        sources[source].add(lengths, cost: cost)
    }

    /// Takes note of the rows of `data`; of a stream, the first `limit`.
    ///
    /// - Parameter ids: the tokens of a text in that column.
    package mutating func add(
        _ data: TrainingData, source: Int = 0, limit: Int? = nil,
        ids: (_ text: String, _ column: Int) throws -> [Int32]
    ) throws {
        func lengths(_ record: Record) throws -> [Int] {
            try record.texts.enumerated().map {
                let ids = try ids($0.element, $0.offset)
                words?.insert(ids)
                return ids.count
            }
        }
        switch data {
        case .memory(let dataset):
            for row in 0..<dataset.count { note(try lengths(dataset.records[row]), source: source) }
        case .stream(let stream):
            let records = try stream.records(epoch: 0)
            var count = 0
            while count < limit ?? .max, let record = try records.next() {
                note(try lengths(record), source: source)
                count += 1
            }
            words = nil
        }
    }

    // MARK: Choosing

    /// The most that a step with batches of `size` rows takes, over all data sets.
    package func step(batchSize size: Int, chunkTokens: Int? = nil) -> StepMemory? {
        worst(size, chunkTokens: chunkTokens ?? self.chunkTokens, maxLength: .max)
    }

    private func worst(_ size: Int, chunkTokens: Int?, maxLength: Int) -> StepMemory? {
        let steps = sources.indices.compactMap { source -> StepMemory? in
            let rows = sources[source].longest(size)
            guard !rows.isEmpty else { return nil }
            return account.step(
                rows.map { $0.map { min($0, maxLength) } }, loss: source, chunkTokens: chunkTokens,
                words: words, threads: threads)
        }
        return steps.max { $0.total < $1.total }
    }

    /// The batch size; throws a ``TrainingError`` that says what is needed where not even the smallest fits.
    package func choose() throws(TrainingError) -> Choice {
        let rows = rowCount
        let smallest = max(1, minimumRows)
        var refused: (size: Int, step: StepMemory)?
        var size = BatchSizeFinder.largest
        while true {
            let present = max(smallest, min(size, rows))
            guard let step = step(batchSize: present) else {
                throw .invalid("there are no rows", "give data with rows")
            }
            if processBytes(step) <= allowed {
                return Choice(
                    size: present, step: step,
                    explanation: explanation(present, step, refused: refused))
            }
            guard present > smallest else { throw tooLittle(present, step) }
            refused = (present, step)
            repeat { size /= 2 } while size >= present
            size = max(smallest, size)
        }
    }

    private func explanation(
        _ size: Int, _ step: StepMemory, refused: (size: Int, step: StepMemory)?
    ) -> String {
        func text(_ step: StepMemory) -> String { NumberText.bytes(processBytes(step)) }
        var line = "batch size \(size): training takes at most \(text(step)), and "
        line += BatchSizeFinder.budget(allowed, memory)
        if let refused { line += "; \(refused.size) would take \(text(refused.step))" }
        return line
    }

    private func tooLittle(_ size: Int, _ step: StepMemory) -> TrainingError {
        let parts = step.parts.filter { $0.bytes > 0 }.map {
            "\($0.name) \(NumberText.bytes($0.bytes))"
        }
        let problem =
            "a step with \(size) row\(size == 1 ? "" : "s") takes \(NumberText.bytes(processBytes(step))) "
            + "(\(parts.joined(separator: ", "))), and " + BatchSizeFinder.budget(allowed, memory)
        func fits(chunkTokens: Int?, maxLength: Int = .max) -> Bool {
            worst(size, chunkTokens: chunkTokens, maxLength: maxLength).map {
                processBytes($0) <= allowed
            } ?? false
        }
        for tokens in [512, 256, 128, 64]
        where tokens < chunkTokens ?? .max && fits(chunkTokens: tokens) {
            return .invalid(problem, "give --chunk-tokens \(tokens)")
        }
        for length in [256, 128, 64, 32]
        where fits(chunkTokens: chunkTokens ?? 64, maxLength: length) {
            let also = chunkTokens == nil ? " and --chunk-tokens 64" : ""
            return .invalid(problem, "give --max-length \(length)\(also)")
        }
        return .invalid(problem, BatchSizeFinder.fewerWeights)
    }
}

/// The rows of a data set that take most memory.
private struct LongestRows {
    private var rows: [(cost: Int, lengths: [Int])] = []
    /// How many rows there were in all.
    private(set) var count = 0
    private var least = Int.min

    mutating func add(_ lengths: [Int], cost: Int) {
        count += 1
        guard cost > least || rows.count < BatchSizeFinder.largest else { return }
        rows.append((cost, lengths))
        if rows.count >= 4 * BatchSizeFinder.largest { cut() }
    }

    private mutating func cut() {
        rows = sorted
        rows.removeLast(max(0, rows.count - BatchSizeFinder.largest))
        least = rows.last?.cost ?? .min
    }

    private var sorted: [(cost: Int, lengths: [Int])] { rows.sorted { $0.cost > $1.cost } }

    /// Up to `size` rows, the largest first.
    func longest(_ size: Int) -> [[Int]] { sorted.prefix(size).map(\.lengths) }
}
