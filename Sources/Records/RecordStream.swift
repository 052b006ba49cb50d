public import Files

/// Records that are read anew each time they are asked for, for data too large for memory.
///
/// A stream is a description: files, renaming, order. Reading it holds one row and the buffer of
/// the shuffle at a time, however large the files are, and can be done any number of times; what is
/// read is checked as by ``Dataset/load(_:rename:)``.
///
/// ```swift
/// let stream = try RecordStream("data/pairs.jsonl.gz").shuffled(buffer: 100_000)
/// let batches = try stream.batches(epoch: 0, batchSize: 64)
/// while let batch = try batches.next() { ... }
/// ```
public struct RecordStream: Sendable {
    /// The order of the records: that of the files, or mixed in a buffer.
    public struct Shuffle: Sendable, Equatable {
        /// How many records the buffer holds.
        public var buffer: Int
        /// Where the order comes from.
        public var seed: UInt64
    }

    /// What the records are.
    public let kind: RecordKind
    /// How the records are shuffled; `nil` where they keep the order of the files.
    public private(set) var shuffle: Shuffle?
    /// The files in the order of the specification.
    public var paths: [String] { files.map(\.path) }
    /// Files of a folder that were left out because their names end in nothing that is read.
    public let skippedFiles: [String]
    let files: [SourcePath]
    private let renaming: Renaming
    private let first: String
    private let descriptions: [String]
    let renames: [String]

    /// Describes the records that `specification` names, as ``Dataset/load(_:rename:)`` does.
    ///
    /// Opens each file and reads its first row. Throws a ``FileError`` where a file cannot be read,
    /// its fields are not recognised or its kind is not that of the first.
    public init(
        _ specification: String, rename: [(old: String, new: String)] = []
    ) throws(FileError) {
        let (files, skipped) = try SourcePath.files(of: specification)
        try self.init(files, skipped: skipped, named: specification, rename: rename)
    }

    /// Describes the records in the files at `paths`, as ``init(_:rename:)`` does.
    public init(
        files paths: [String], rename: [(old: String, new: String)] = []
    ) throws(FileError) {
        try self.init(
            paths.map { SourcePath(path: $0, selection: nil) }, skipped: [], named: "dataset",
            rename: rename)
    }

    init(
        _ files: [SourcePath], skipped: [String], named specification: String,
        rename: [(old: String, new: String)]
    ) throws(FileError) {
        (self.files, skippedFiles) = (files, skipped)
        renaming = Renaming(rename)
        renames = rename.flatMap { [$0.old, $0.new] }
        var first: (place: String, kind: RecordKind)?
        var descriptions: [String] = []
        for file in files {
            let chain = try RecordChain(files: [file], renaming: renaming, first: first)
            guard let source = chain.sources.first else { continue }
            if first == nil { first = (source.place, chain.kind) }
            descriptions.append(source.opening)
        }
        guard let first else {
            throw FileError(path: specification, problem: "no file", remedy: "name one")
        }
        kind = first.kind
        self.first = first.place
        self.descriptions = descriptions
    }

    /// The same records in another order in each epoch, by a buffer of `buffer` records.
    ///
    /// The order is a pure function of (seed, epoch, buffer, the records): a SplitMix64 stream that
    /// belongs to (seed, epoch) first draws the order of the files (Fisher-Yates), then mixes their
    /// records as they are read. The first `buffer` records fill the buffer; each further one takes
    /// the place of one drawn from it, which comes out; at the end what is left comes out in random
    /// order. So a record comes out at most `buffer` places early: a buffer as large as the data
    /// shuffles fully, a small one leaves sorted data nearly sorted. (The rule of
    /// `datasets.IterableDataset.shuffle`, with our own random numbers.)
    ///
    /// Traps unless `buffer >= 1`.
    public func shuffled(buffer: Int, seed: UInt64 = 42) -> RecordStream {
        precondition(buffer >= 1, "shuffled: a buffer of \(buffer) records")
        var stream = self
        stream.shuffle = Shuffle(buffer: buffer, seed: seed)
        return stream
    }

    /// The records of `epoch` (from 0) in order, but for the first `skipping`.
    ///
    /// Skipping passes over rows as quickly as the format allows, for a run that is resumed: the
    /// records that follow are those that would have followed. Skipped rows are not checked. Where
    /// there are no more than `skipping` records, nothing follows.
    ///
    /// Throws a ``FileError`` where a file cannot be read. Traps for negative numbers.
    public func records(epoch: Int, skipping: Int = 0) throws(FileError) -> RecordIterator {
        precondition(
            epoch >= 0 && skipping >= 0, "records: epoch \(epoch), skipping \(skipping)")
        return try RecordIterator(self, epoch: epoch, skipping: skipping)
    }

    /// The batches of `epoch` (from 0) in order, but for the first `skipping`.
    ///
    /// - Parameters:
    ///   - epoch: Which order.
    ///   - batchSize: How many records a batch has; the last one of an epoch may have fewer.
    ///   - dropLast: Whether a last batch of fewer than `batchSize` records is left out.
    ///   - skipping: How many batches were seen already.
    /// - Throws: A ``FileError`` where a file cannot be read. Traps unless `batchSize >= 1`.
    public func batches(
        epoch: Int, batchSize: Int, dropLast: Bool = false, skipping: Int = 0
    ) throws(FileError) -> RecordBatches {
        precondition(batchSize >= 1, "batches: \(batchSize) records a batch")
        let (records, isTooMany) = skipping.multipliedReportingOverflow(by: batchSize)
        precondition(!isTooMany, "batches: skipping \(skipping) of \(batchSize) records")
        return RecordBatches(
            try self.records(epoch: epoch, skipping: records), kind: kind, batchSize: batchSize,
            dropLast: dropLast)
    }

    /// The records of `files`, from front to back; they must still be what they were.
    func chain(of files: [SourcePath]) throws(FileError) -> RecordChain {
        try RecordChain(files: files, renaming: renaming, first: (first, kind))
    }

    /// How many records there are, by reading all files once.
    ///
    /// Rows are told apart but not checked (those with lists, and those that are selected, are
    /// parsed too). Throws a ``FileError`` where that fails.
    public func count() throws(FileError) -> Int {
        var chain = try chain(of: files)
        var count = 0
        while try chain.skip() { count += 1 }
        return count
    }

    /// The ``Dataset/fingerprintText`` of the same records in memory, by reading all files once.
    public func fingerprintText() throws(FileError) -> String {
        var hash = FNV1a()
        hash.add(kind.rawValue)
        var chain = try chain(of: files)
        while let record = try chain.next() { hash.add(record) }
        return hash.text
    }

    /// 16 hexadecimal digits that change with the files, at little cost however large they are.
    ///
    /// Hashed by FNV-1a are the renaming and, for each file in order, its path and selection as
    /// named, its size in bytes, and its first and last MiB (all of a smaller file) as stored. A
    /// change in the middle of a file that keeps its size goes unseen; ``fingerprintText()`` sees
    /// it.
    public func quickFingerprintText() throws(FileError) -> String {
        var hash = FNV1a()
        hash.add(kind.rawValue)
        for name in renames { hash.add(name) }
        for file in files {
            let mapped = try MappedFile(path: file.path)
            hash.add(file.text)
            hash.add(UInt64(mapped.count))
            let edge = 1 << 20
            for byte in mapped.bytes(in: 0..<min(edge, mapped.count)) { hash.add(byte: byte) }
            guard mapped.count > edge else { continue }
            let tail = max(edge, mapped.count - edge)
            for byte in mapped.bytes(in: tail..<mapped.count) { hash.add(byte: byte) }
        }
        return hash.text
    }
}

extension RecordStream: CustomStringConvertible {
    /// One line for each file: path, format, how the fields were recognised, what was ignored.
    public var description: String { descriptions.joined(separator: "\n") }
}
