internal import Records

/// How an epoch goes through the data, batch by batch: a pure function of (data, settings, epoch).
struct EpochPlan {
    /// A batch and where its rows stand in the data, or, for a stream, in the order of the epoch.
    struct Batch {
        var records: Records
        var rows: [Int]
    }

    let batchSize: Int
    let dropLast: Bool
    /// How many rows there are; `nil` for a stream that was not counted.
    let rowCount: Int?
    private let source: Source

    private enum Source {
        case memory(Dataset, BatchPlan)
        case stream(RecordStream)
    }

    /// A plan for `data`; `count` is the number of rows of a stream where it is known.
    ///
    /// - Parameter buffer: how many records of a stream are shuffled at a time.
    init(
        _ data: TrainingData, batchSize: Int, seed: UInt64, shuffle: Bool, buffer: Int,
        dropLast: Bool, count: Int?
    ) {
        self.batchSize = batchSize
        self.dropLast = dropLast
        switch data {
        case .memory(let dataset):
            rowCount = dataset.count
            source = .memory(
                dataset,
                BatchPlan(
                    count: dataset.count, batchSize: batchSize, seed: seed, shuffle: shuffle,
                    dropLast: dropLast))
        case .stream(let stream):
            rowCount = count
            let isShuffled = shuffle && stream.shuffle == nil
            source = .stream(isShuffled ? stream.shuffled(buffer: buffer, seed: seed) : stream)
        }
    }

    /// How many batches an epoch has, where the rows were counted.
    var batchCount: Int? {
        rowCount.map { $0 / batchSize + (dropLast || $0 % batchSize == 0 ? 0 : 1) }
    }

    /// The batches of `epoch` (from 0), but for the first `skipping`.
    func batches(epoch: Int, skipping: Int = 0) throws -> EpochBatches {
        switch source {
        case .memory(let dataset, let plan):
            return EpochBatches(
                .memory(dataset, Array(plan.batches(epoch: epoch).dropFirst(skipping))))
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
        case memory(Dataset, [[Int]])
        case stream(RecordBatches, first: Int)
    }

    private let source: Source
    private var done = 0

    fileprivate init(_ source: Source) { self.source = source }

    /// The next batch; throws a `FileError` for a bad row of a stream.
    mutating func next() throws -> EpochPlan.Batch? {
        switch source {
        case .memory(let dataset, let batches):
            guard done < batches.count else { return nil }
            defer { done += 1 }
            return EpochPlan.Batch(records: dataset.records[batches[done]], rows: batches[done])
        case .stream(let batches, let first):
            guard let records = try batches.next() else { return nil }
            let start = first + done
            done += records.count
            return EpochPlan.Batch(
                records: records, rows: Array(start..<start + records.count))
        }
    }
}
