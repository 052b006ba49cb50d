/// Batches in which no text occurs in two rows: what losses need that take the texts of other rows
/// for negatives, as sentence-transformers' `NoDuplicatesBatchSampler`. A pure function of
/// (seed, epoch).
///
/// Batches are filled one after another, each with the rows that are left, in the order of the
/// epoch: a row that has a text, in any column, that a row of the batch has too waits for the next
/// batch. So every row stands in exactly one batch of an epoch, rows of a batch keep the order of
/// the epoch, and where no text occurs twice the batches are those of ``BatchPlan``. A row may hold
/// the same text twice itself. Texts are the same where their bytes are.
///
/// A batch is smaller than `batchSize` where too few rows without duplicates are left. That is often
/// more than the last one: a text that stands in a thousand rows makes a thousand batches. With
/// `dropLast` all batches that are smaller are left out, and their rows are not trained on in that
/// epoch; which rows those are differs between shuffled epochs.
public struct NoDuplicatesPlan: Sendable {
    /// The texts of the rows.
    public let texts: TextIDs
    /// How many rows a batch has at most.
    public let batchSize: Int
    /// Where the order comes from.
    public let seed: UInt64
    /// How the rows of an epoch are ordered.
    public let order: BatchOrder
    /// Whether batches of fewer than `batchSize` rows are left out.
    public let dropLast: Bool
    /// Whether validation rows are gone through after each epoch; changes nothing but
    /// ``BatchOrder/torch``.
    public let validates: Bool

    private let sets: TextSets

    /// A plan for rows with `texts`. Traps unless `batchSize >= 1`.
    public init(
        _ texts: TextIDs, batchSize: Int, seed: UInt64, order: BatchOrder = .shuffled,
        dropLast: Bool = false, validates: Bool = false
    ) {
        precondition(batchSize >= 1, "NoDuplicatesPlan: batches of \(batchSize)")
        self.texts = texts
        self.batchSize = batchSize
        self.seed = seed
        self.order = order
        self.dropLast = dropLast
        self.validates = validates
        sets = TextSets(texts)
    }

    /// The rows of each batch of `epoch` (from 0). How many batches there are depends on the epoch
    /// where rows are shuffled and texts occur twice. Computed anew at each call; traps for a
    /// negative `epoch`.
    public func batches(epoch: Int) -> [[Int]] {
        var filler = BatchFiller(sets, batchSize: batchSize)
        let rows = order.rows(
            count: texts.rowCount, seed: seed, epoch: epoch, validates: validates)
        for row in rows { filler.add(row) }
        return dropLast ? filler.batches.filter { $0.count == batchSize } : filler.batches
    }
}

/// Puts each row into the first batch that is not full and has none of its texts. That fills the
/// batches as if one were filled after another: which rows a batch gets depends only on the rows
/// before it.
///
/// For each text there is a bit for each batch, 64 in a word, so that a text that stands in many
/// batches is passed by quickly; and batches only grow, so that each set of texts that several rows
/// have passes each word but once.
private struct BatchFiller {
    private(set) var batches: [[Int]] = []
    private let sets: TextSets
    private let batchSize: Int
    /// The batches that are full.
    private var full: [UInt64] = []
    private var firstOpen = 0
    /// The batches that have a text; keys are made of the number of the text's set and of the word.
    private var taken: [UInt64: UInt64] = [:]
    /// How many words there may be before those are removed that have full batches only.
    private var limit = 4096
    /// For each set: all batches before this are full or have a text of it.
    private var start: [Int32]
    /// The set of the row, its parent, and so on.
    private var chain: [Int32] = []

    init(_ sets: TextSets, batchSize: Int) {
        self.sets = sets
        self.batchSize = batchSize
        start = [Int32](repeating: 0, count: sets.count)
    }

    mutating func add(_ row: Int) {
        chain.removeAll(keepingCapacity: true)
        var set = sets.setOfRow[row]
        while set != TextSets.none {
            chain.append(set)
            set = sets.parent[Int(set)]
        }
        let batch = place()
        let (word, bit) = (batch >> 6, UInt64(1) << UInt64(batch & 63))
        if batch == batches.count {
            batches.append([])
            if word == full.count { full.append(0) }
        }
        batches[batch].append(row)
        if batches[batch].count == batchSize { full[word] |= bit }
        for set in chain { taken[key(set, word), default: 0] |= bit }
        if taken.count > limit {
            let firstWord = UInt64(firstOpen >> 6)
            taken = taken.filter { $0.key & 0xFFFF_FFFF >= firstWord }
            limit = max(limit, 2 * taken.count)
        }
    }

    /// The first batch that is not full and has no text of the chain's sets. What the smaller sets
    /// cannot have, the larger cannot either.
    private mutating func place() -> Int {
        firstOpen = next(after: firstOpen, without: chain.count)
        var batch = firstOpen
        for link in chain.indices.reversed() {
            let set = Int(chain[link])
            if sets.isCommon[set] {
                batch = next(after: max(batch, Int(start[set])), without: link)
                start[set] = Int32(batch)
            } else if link == 0 {
                batch = next(after: batch, without: 0)
            }
        }
        return batch
    }

    /// The first batch from `batch` on that is not full and has no text of the chain from `link` on.
    private func next(after batch: Int, without link: Int) -> Int {
        var word = batch >> 6
        var bits = UInt64(1) << UInt64(batch & 63) - 1
        while word < full.count {
            bits |= full[word]
            for set in chain[link...] where bits != .max { bits |= taken[key(set, word)] ?? 0 }
            if bits != .max { break }
            (word, bits) = (word + 1, 0)
        }
        return word << 6 + (~bits).trailingZeroBitCount
    }

    private func key(_ set: Int32, _ word: Int) -> UInt64 {
        UInt64(sets.rarest[Int(set)]) << 32 | UInt64(word)
    }
}
