internal import Records
internal import Tensors

/// How an epoch goes through the data, batch by batch: a pure function of (data, settings, epoch).
struct EpochPlan {
    /// A batch and where its rows stand in the data, or, for a stream, in the order of the epoch.
    struct Batch {
        var records: Records
        var rows: [Int]
        /// The number of the data set.
        var source: Int
    }

    let batchSize: Int
    let dropLast: Bool
    /// How many rows there are; `nil` for a stream that was not counted.
    let rowCount: Int?
    private let source: Source
    private let mixture: MixturePlan

    private enum Source {
        case memory([Part])
        case stream(RecordStream)
    }

    /// A data set in memory with its batches.
    private struct Part {
        let dataset: Dataset
        let plan: Plan

        enum Plan {
            case plain(BatchPlan)
            case withoutDuplicates(NoDuplicatesPlan)
        }

        func batches(epoch: Int) -> [[Int]] {
            switch plan {
            case .plain(let plan): plan.batches(epoch: epoch)
            case .withoutDuplicates(let plan): plan.batches(epoch: epoch)
            }
        }

        func batchCount(epoch: Int) -> Int {
            switch plan {
            case .plain(let plan): plan.batchCount
            case .withoutDuplicates(let plan): plan.batches(epoch: epoch).count
            }
        }
    }

    /// A plan for `sources` by `configuration`; `count` is the number of rows of a stream where it is known.
    ///
    /// - Parameter validates: whether validation rows are gone through after each epoch, which PyTorch's order feels.
    /// Traps where several sources are not all in memory.
    init(
        _ sources: [TrainingData], _ configuration: TrainingConfiguration, batchSize: Int,
        count: Int?, validates: Bool
    ) {
        self.batchSize = batchSize
        dropLast = configuration.dropLast
        mixture = MixturePlan(
            configuration.mixing, seed: configuration.seed, shuffle: configuration.shuffle)
        let order: BatchOrder =
            switch (configuration.shuffle, configuration.shuffleOrder) {
            case (false, _): .file
            case (true, .own): .shuffled
            case (true, .torch): .torch
            }
        if sources.count == 1, case .stream(let stream) = sources[0] {
            rowCount = count
            let isShuffled = configuration.shuffle && stream.shuffle == nil
            source = .stream(
                isShuffled
                    ? stream.shuffled(
                        buffer: configuration.shuffleBuffer, seed: configuration.seed) : stream)
            return
        }
        let parts = sources.enumerated().map { index, data -> Part in
            guard case .memory(let dataset) = data else {
                preconditionFailure("a stream among \(sources.count) data sets")
            }
            // Data sets of one length are not to go through the same order.
            let seed =
                index == 0 ? configuration.seed : SplitMix64.draw(configuration.seed, UInt64(index))
            if configuration.avoidsDuplicates {
                return Part(
                    dataset: dataset,
                    plan: .withoutDuplicates(
                        NoDuplicatesPlan(
                            TextIDs(dataset.records), batchSize: batchSize, seed: seed,
                            order: order, dropLast: configuration.dropLast, validates: validates)))
            }
            return Part(
                dataset: dataset,
                plan: .plain(
                    BatchPlan(
                        count: dataset.count, batchSize: batchSize, seed: seed, order: order,
                        dropLast: configuration.dropLast, validates: validates)))
        }
        rowCount = parts.reduce(0) { $0 + $1.dataset.count }
        source = .memory(parts)
    }

    /// How many batches `epoch` (from 0) has, where the rows were counted.
    func batchCount(epoch: Int) -> Int? {
        switch source {
        case .memory(let parts):
            return mixture.turnCount(batchCounts: parts.map { $0.batchCount(epoch: epoch) })
        case .stream:
            return rowCount.map { $0 / batchSize + (dropLast || $0 % batchSize == 0 ? 0 : 1) }
        }
    }

    /// How many rows the smallest batch of `epoch` has, where the rows were counted, and the data set it is of.
    func smallestBatch(epoch: Int) -> (rows: Int, source: Int)? {
        switch source {
        case .memory(let parts):
            return parts.enumerated().compactMap { source, part -> (rows: Int, source: Int)? in
                switch part.plan {
                case .plain(let plan):
                    return smallestBatch(ofRows: plan.count).map { ($0, source) }
                case .withoutDuplicates(let plan):
                    return plan.batches(epoch: epoch).map(\.count).min().map { ($0, source) }
                }
            }.min { $0.rows < $1.rows }
        case .stream:
            return rowCount.flatMap(smallestBatch(ofRows:)).map { ($0, 0) }
        }
    }

    /// The rows of the smallest batch where `count` of them are cut in order; `nil` where there is no batch.
    private func smallestBatch(ofRows count: Int) -> Int? {
        let last = count % batchSize
        if last > 0, !dropLast { return last }
        return count >= batchSize ? batchSize : nil
    }

    /// The batches of `epoch` (from 0), but for the first `skipping`.
    func batches(epoch: Int, skipping: Int = 0) throws -> EpochBatches {
        switch source {
        case .memory(let parts):
            let batches = parts.map { $0.batches(epoch: epoch) }
            let turns = mixture.turns(epoch: epoch, batchCounts: batches.map(\.count))
            return EpochBatches(
                .memory(
                    parts.map(\.dataset),
                    turns.dropFirst(skipping).map { ($0.dataset, batches[$0.dataset][$0.batch]) }))
        case .stream(let stream):
            return EpochBatches(
                .stream(
                    try stream.batches(
                        epoch: epoch, batchSize: batchSize, dropLast: dropLast, skipping: skipping),
                    first: skipping * batchSize))
        }
    }
}

/// The batches of one epoch, one after another.
struct EpochBatches {
    fileprivate enum Source {
        case memory([Dataset], [(source: Int, rows: [Int])])
        case stream(RecordBatches, first: Int)
    }

    private let source: Source
    private var done = 0

    fileprivate init(_ source: Source) { self.source = source }

    /// The next batch; throws a `FileError` for a bad row of a stream.
    mutating func next() throws -> EpochPlan.Batch? {
        switch source {
        case .memory(let datasets, let batches):
            guard done < batches.count else { return nil }
            defer { done += 1 }
            let (source, rows) = batches[done]
            return EpochPlan.Batch(
                records: datasets[source].records[rows], rows: rows, source: source)
        case .stream(let batches, let first):
            guard let records = try batches.next() else { return nil }
            let start = first + done
            done += records.count
            return EpochPlan.Batch(
                records: records, rows: Array(start..<start + records.count), source: 0)
        }
    }
}
