/// Which of several data sets the next batch comes from: each batch is of one data set, as in
/// sentence-transformers' samplers for several data sets. A pure function of (seed, epoch).
///
/// ```swift
/// let batches = plans.map { $0.batches(epoch: epoch) }  // of each data set
/// let mixture = MixturePlan(.proportional, seed: 42)
/// for turn in mixture.turns(epoch: epoch, batchCounts: batches.map(\.count)) {
///     let rows = batches[turn.dataset][turn.batch]
/// }
/// ```
public struct MixturePlan: Sendable, Equatable {
    /// How data sets take turns.
    public enum Rule: String, Sendable, CaseIterable {
        /// Every batch of every data set, a larger data set more often.
        ///
        /// Shuffled, all orders of turns are equally likely. Not shuffled, each data set is spread
        /// evenly over the epoch: its batch `i` of `n` stands at `(i + 1/2) / n` of the epoch, and
        /// of batches that stand at the same point that of the earlier data set comes first.
        case proportional
        /// One batch of each data set in the order given, then the next of each, until the first
        /// data set has no batch left; what the others have left is not used in that epoch. Without
        /// any batch where a data set has none.
        case roundRobin = "round-robin"
    }

    /// A batch of an epoch.
    public struct Turn: Sendable, Hashable {
        /// Which data set it is of, from 0.
        public var dataset: Int
        /// Which of that data set's batches of the epoch it is, from 0.
        public var batch: Int

        /// The batch `batch` of the data set `dataset`.
        public init(dataset: Int, batch: Int) {
            self.dataset = dataset
            self.batch = batch
        }
    }

    /// How data sets take turns.
    public let rule: Rule
    /// Where the order comes from.
    public let seed: UInt64
    /// Whether the turns of ``Rule/proportional`` are shuffled each epoch; ``Rule/roundRobin`` never
    /// is.
    public let shuffle: Bool

    /// A plan by `rule`.
    public init(_ rule: Rule, seed: UInt64, shuffle: Bool = true) {
        self.rule = rule
        self.seed = seed
        self.shuffle = shuffle
    }

    /// How many batches an epoch has, where the data sets have `batchCounts` of them.
    ///
    /// Traps for a negative count.
    public func turnCount(batchCounts: [Int]) -> Int {
        for count in batchCounts { precondition(count >= 0, "MixturePlan: \(count) batches") }
        return switch rule {
        case .proportional: batchCounts.reduce(0, +)
        case .roundRobin: (batchCounts.min() ?? 0) * batchCounts.count
        }
    }

    /// The batches of `epoch` (from 0), where the data sets have `batchCounts` of them in that
    /// epoch. Batches of one data set keep their order.
    ///
    /// The shuffled order is drawn from a SplitMix64 stream that belongs to (seed, epoch). It is the
    /// same on every platform and never changes. Traps for a negative count or `epoch`.
    public func turns(epoch: Int, batchCounts: [Int]) -> [Turn] {
        precondition(epoch >= 0, "MixturePlan: epoch \(epoch)")
        let total = turnCount(batchCounts: batchCounts)
        if rule == .roundRobin {
            return (0..<total).map { turn in
                let (batch, dataset) = turn.quotientAndRemainder(dividingBy: batchCounts.count)
                return Turn(dataset: dataset, batch: batch)
            }
        }
        var turns: [Turn] = []
        turns.reserveCapacity(total)
        for (dataset, count) in batchCounts.enumerated() {
            for batch in 0..<count { turns.append(Turn(dataset: dataset, batch: batch)) }
        }
        guard shuffle else {
            return turns.sorted { Self.isEarlier($0, $1, batchCounts) }
        }
        // "mixture" in ASCII: unrelated to the orders of batches of the same seed.
        var random = SplitMix64(seed: seed, stream: UInt64(epoch), use: 0x6D_6978_7475_7265)
        var next = [Int](repeating: 0, count: batchCounts.count)
        return random.permutation(of: total).map { place in
            let dataset = turns[place].dataset
            defer { next[dataset] += 1 }
            return Turn(dataset: dataset, batch: next[dataset])
        }
    }

    /// Whether (2i + 1) / 2n is less for `a`, without rounding; then the data set decides.
    private static func isEarlier(_ a: Turn, _ b: Turn, _ counts: [Int]) -> Bool {
        let left = (2 * a.batch + 1).multipliedFullWidth(by: counts[b.dataset])
        let right = (2 * b.batch + 1).multipliedFullWidth(by: counts[a.dataset])
        return (left.high, left.low, a.dataset) < (right.high, right.low, b.dataset)
    }
}
