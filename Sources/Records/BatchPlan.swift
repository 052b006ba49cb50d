/// Which rows stand in which batch of which epoch: a pure function of (seed, epoch), so that a
/// resumed run replays nothing.
///
/// The order of an epoch is a Fisher-Yates shuffle of `0..<count` drawn from a SplitMix64 stream
/// that belongs to (seed, epoch). It is the same on every platform and for any number of threads,
/// and it must never change: saved runs rely on it.
public struct BatchPlan: Sendable, Equatable {
    /// How many rows there are.
    public let count: Int
    /// How many rows a batch has; the last one of an epoch may have fewer.
    public let batchSize: Int
    /// Where the order comes from.
    public let seed: UInt64
    /// Whether rows are shuffled each epoch; else they keep their order.
    public let shuffle: Bool
    /// Whether a last batch of fewer than `batchSize` rows is left out.
    public let dropLast: Bool

    /// A plan for `count` rows in batches of `batchSize`. Traps unless `count >= 0` and `batchSize
    /// >= 1`.
    public init(
        count: Int, batchSize: Int, seed: UInt64, shuffle: Bool = true, dropLast: Bool = false
    ) {
        precondition(count >= 0 && batchSize >= 1, "BatchPlan: \(count) rows by \(batchSize)")
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.shuffle = shuffle
        self.dropLast = dropLast
    }

    /// How many batches an epoch has; 0 where there are no rows, or fewer than a batch and the last
    /// is dropped.
    public var batchCount: Int {
        count / batchSize + (dropLast || count % batchSize == 0 ? 0 : 1)
    }

    /// The rows of each batch of `epoch` (from 0), `batchCount` of them.
    public func batches(epoch: Int) -> [[Int]] {
        let order = Self.order(count: count, seed: seed, epoch: epoch, shuffle: shuffle)
        return (0..<batchCount).map { batch in
            let start = batch * batchSize
            return Array(order[start..<start + min(batchSize, count - start)])
        }
    }

    /// The order of `count` rows in `epoch` (from 0); `0..<count` unless `shuffle`.
    ///
    /// Traps for a negative `count` or `epoch`.
    public static func order(count: Int, seed: UInt64, epoch: Int, shuffle: Bool) -> [Int] {
        precondition(count >= 0 && epoch >= 0, "BatchPlan.order: \(count) rows, epoch \(epoch)")
        guard shuffle else { return Array(0..<count) }
        // "batches" in ASCII: batch orders and the orders of streams of one seed are unrelated.
        var random = SplitMix64(seed: seed, stream: UInt64(epoch), use: 0x62_6174_6368_6573)
        return random.permutation(of: count)
    }
}
