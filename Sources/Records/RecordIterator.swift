public import Files

/// Reads the records of one epoch of a ``RecordStream``, one after another.
///
/// A class, because it stands at a place in files: who holds it shares that place.
public final class RecordIterator {
    private var chain: RecordChain
    private var buffer: ShuffleBuffer<Record>?
    /// What the buffer held when the files had ended, the next at the end.
    private var rest: [Record] = []

    /// Reads `epoch` of `stream`, but for the first `skipping` records.
    init(_ stream: RecordStream, epoch: Int, skipping: Int) throws(FileError) {
        guard let shuffle = stream.shuffle else {
            chain = try stream.chain(of: stream.files)
            for _ in 0..<skipping { if try !chain.skip() { break } }
            return
        }
        // "stream" in ASCII.
        var random = SplitMix64(
            seed: shuffle.seed, stream: UInt64(epoch), use: 0x7374_7265_616D)
        let files = random.permutation(of: stream.files.count).map { stream.files[$0] }
        let empty = ShuffleBuffer<Int>(capacity: shuffle.buffer, random: random)

        // What happens to the first records does not depend on what they are: the numbers of the
        // records go through a buffer first, then only those that stay are read.
        var numbers = empty
        var read = 0
        var skipped = 0
        while skipped < skipping {
            if numbers.exchange(read) != nil { skipped += 1 }
            read += 1
        }
        chain = try stream.chain(of: files)
        let (kept, found) = try Self.read(numbers.elements, of: read, from: &chain)
        if found == read {
            buffer = numbers.replacing(kept)
            return
        }
        // The files end before that: what is left is the end of the drained buffer.
        numbers = empty
        skipped = 0
        for number in 0..<found where numbers.exchange(number) != nil { skipped += 1 }
        let left = Array(numbers.drain().dropFirst(skipping - skipped))
        chain = try stream.chain(of: files)
        rest = try Self.read(left, of: found, from: &chain).kept.reversed()
    }

    /// The next record, or `nil` at the end of the epoch. Throws a `FileError` as
    /// ``RecordReader/next()`` does.
    public func next() throws(FileError) -> Record? {
        guard buffer != nil else {
            if let record = rest.popLast() { return record }
            return try chain.next()
        }
        while let record = try chain.next() {
            if let out = buffer?.exchange(record) { return out }
        }
        rest = buffer?.drain().reversed() ?? []
        buffer = nil
        return rest.popLast()
    }

    /// The records with `numbers`, in that order, of the first `count` of `chain`, which all are
    /// passed over; and how many there were.
    private static func read(
        _ numbers: [Int], of count: Int, from chain: inout RecordChain
    ) throws(FileError) -> (kept: [Record], found: Int) {
        var places: [Int: Int] = [:]
        for (place, number) in numbers.enumerated() { places[number] = place }
        var kept: [Record?] = Array(repeating: nil, count: numbers.count)
        for number in 0..<count {
            if let place = places[number] {
                guard let record = try chain.next() else { return ([], number) }
                kept[place] = record
            } else if try !chain.skip() {
                return ([], number)
            }
        }
        return (kept.compactMap { $0 }, count)
    }
}

/// Reads one epoch of a ``RecordStream`` batch by batch.
public final class RecordBatches {
    private let records: RecordIterator
    private let kind: RecordKind
    private let batchSize: Int
    private let dropLast: Bool

    init(_ records: RecordIterator, kind: RecordKind, batchSize: Int, dropLast: Bool) {
        self.records = records
        self.kind = kind
        self.batchSize = batchSize
        self.dropLast = dropLast
    }

    /// The next batch, or `nil` at the end of the epoch. Throws a `FileError` as
    /// ``RecordReader/next()`` does.
    public func next() throws(FileError) -> Records? {
        var collector = RecordCollector(kind: kind)
        var count = 0
        while count < batchSize, let record = try records.next() {
            collector.add(record)
            count += 1
        }
        if count == 0 || count < batchSize && dropLast { return nil }
        return collector.records
    }
}
