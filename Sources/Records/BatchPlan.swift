/// Which rows stand in which batch of which epoch: a pure function of (seed, epoch), so that a
/// resumed run replays nothing.
///
/// The rows of an epoch are cut into batches as they follow each other in a ``BatchOrder``. See
/// ``NoDuplicatesPlan`` for batches in which no text occurs twice, and ``MixturePlan`` for several
/// data sets at once.
public struct BatchPlan: Sendable, Equatable {
    /// How many rows there are.
    public let count: Int
    /// How many rows a batch has; the last one of an epoch may have fewer.
    public let batchSize: Int
    /// Where the order comes from.
    public let seed: UInt64
    /// How the rows of an epoch are ordered.
    public let order: BatchOrder
    /// Whether a last batch of fewer than `batchSize` rows is left out.
    public let dropLast: Bool
    /// Whether validation rows are gone through after each epoch; changes nothing but
    /// ``BatchOrder/torch``.
    public let validates: Bool

    /// Whether rows are shuffled each epoch; else they keep their order.
    public var shuffle: Bool { order != .file }

    /// A plan for `count` rows in batches of `batchSize`. Traps unless `count >= 0` and `batchSize
    /// >= 1`.
    public init(
        count: Int, batchSize: Int, seed: UInt64, order: BatchOrder, dropLast: Bool = false,
        validates: Bool = false
    ) {
        precondition(count >= 0 && batchSize >= 1, "BatchPlan: \(count) rows by \(batchSize)")
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.order = order
        self.dropLast = dropLast
        self.validates = validates
    }

    /// A plan in the order ``BatchOrder/shuffled``, or ``BatchOrder/file`` unless `shuffle`. Traps
    /// unless `count >= 0` and `batchSize >= 1`.
    public init(
        count: Int, batchSize: Int, seed: UInt64, shuffle: Bool = true, dropLast: Bool = false
    ) {
        self.init(
            count: count, batchSize: batchSize, seed: seed, order: shuffle ? .shuffled : .file,
            dropLast: dropLast)
    }

    /// How many batches an epoch has; 0 where there are no rows, or fewer than a batch and the last
    /// is dropped.
    public var batchCount: Int {
        count / batchSize + (dropLast || count % batchSize == 0 ? 0 : 1)
    }

    /// The rows of each batch of `epoch` (from 0), `batchCount` of them. Traps for a negative
    /// `epoch`.
    public func batches(epoch: Int) -> [[Int]] {
        let rows = order.rows(count: count, seed: seed, epoch: epoch, validates: validates)
        return (0..<batchCount).map { batch in
            let start = batch * batchSize
            return Array(rows[start..<start + min(batchSize, count - start)])
        }
    }

    /// The order of `count` rows in `epoch` (from 0): ``BatchOrder/shuffled``, or `0..<count` unless
    /// `shuffle`.
    ///
    /// Traps for a negative `count` or `epoch`.
    public static func order(count: Int, seed: UInt64, epoch: Int, shuffle: Bool) -> [Int] {
        (shuffle ? BatchOrder.shuffled : .file).rows(count: count, seed: seed, epoch: epoch)
    }
}
