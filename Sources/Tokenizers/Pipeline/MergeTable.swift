/// The merges of a byte-pair model: which pairs of tokens join, how early, and what they become.
struct MergeTable: Sendable {
    /// A merge: lower ranks come first.
    struct Merge: Equatable, Sendable {
        var rank: UInt32
        var id: Int32

        /// Of a pair that does not join.
        static let none = Merge(rank: .max, id: -1)
    }

    private var keys: [UInt64]
    private var merges: [Merge]
    private let mask: Int
    /// How many pairs there are.
    private(set) var count = 0

    /// An empty table for `capacity` merges.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = [UInt64](repeating: .max, count: size)
        merges = [Merge](repeating: .none, count: size)
        mask = size - 1
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: mixed >> 32) & mask
        while keys[slot] != key && keys[slot] != .max { slot = (slot + 1) & mask }
        return slot
    }

    /// Adds a merge within the capacity; of a pair given twice the later counts.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        let key = Self.key(left, right)
        let slot = slot(of: key)
        if keys[slot] == .max { count += 1 }
        precondition(count < keys.count, "MergeTable: more than its capacity of merges")
        keys[slot] = key
        merges[slot] = merge
    }

    /// What the pair becomes; ``Merge/none`` where it stays apart.
    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge { merges[slot(of: Self.key(left, right))] }
}

/// A part of a word while pairs are joined.
struct BytePairSymbol: Sendable {
    var id: Int32
    /// How many bytes of the word it stands for; 0 once it went into the one before it.
    var length: Int32
    /// What it and the next become.
    var merge = MergeTable.Merge.none
    /// Its neighbours, in long words; -1 at the ends.
    var previous: Int32 = -1
    var next: Int32 = -1
}

extension MergeTable {
    /// Joins pairs until none is left to join: the lowest rank first, there the leftmost.
    func join(_ symbols: inout [BytePairSymbol]) {
        guard symbols.count > 1 else { return }
        if symbols.count > 48 {
            joinLong(&symbols)
            return
        }
        for index in 0..<symbols.count - 1 {
            symbols[index].merge = merge(symbols[index].id, symbols[index + 1].id)
        }
        symbols[symbols.count - 1].merge = .none
        var count = symbols.count
        while true {
            var best = 0
            var rank = UInt32.max
            for index in 0..<count where symbols[index].merge.rank < rank {
                rank = symbols[index].merge.rank
                best = index
            }
            if rank == .max { break }
            let id = symbols[best].merge.id
            symbols[best].id = id
            symbols[best].length += symbols[best + 1].length
            count -= 1
            for index in best + 1..<max(count, best + 1) { symbols[index] = symbols[index + 1] }
            symbols[best].merge =
                best + 1 < count ? merge(id, symbols[best + 1].id) : .none
            if best > 0 { symbols[best - 1].merge = merge(symbols[best - 1].id, id) }
        }
        symbols.removeLast(symbols.count - count)
    }

    /// The same with a queue, so that a text of one long word takes no quadratic time.
    private func joinLong(_ symbols: inout [BytePairSymbol]) {
        var queue = MergeQueue()
        for index in symbols.indices {
            symbols[index].previous = Int32(index) - 1
            symbols[index].next = index + 1 < symbols.count ? Int32(index) + 1 : -1
            if index + 1 < symbols.count {
                let merge = merge(symbols[index].id, symbols[index + 1].id)
                if merge != .none { queue.push(.init(place: Int32(index), merge: merge)) }
            }
        }
        while let entry = queue.pop() {
            let place = Int(entry.place)
            // Gone into its neighbour, or paired with another one since.
            guard symbols[place].length > 0, symbols[place].next >= 0 else { continue }
            let next = Int(symbols[place].next)
            guard merge(symbols[place].id, symbols[next].id).id == entry.merge.id else { continue }
            symbols[place].id = entry.merge.id
            symbols[place].length += symbols[next].length
            symbols[next].length = 0
            symbols[place].next = symbols[next].next
            let after = Int(symbols[place].next)
            if after >= 0 {
                symbols[after].previous = Int32(place)
                let merge = merge(symbols[place].id, symbols[after].id)
                if merge != .none { queue.push(.init(place: entry.place, merge: merge)) }
            }
            let before = symbols[place].previous
            if before >= 0 {
                let merge = merge(symbols[Int(before)].id, symbols[place].id)
                if merge != .none { queue.push(.init(place: before, merge: merge)) }
            }
        }
        symbols.removeAll { $0.length == 0 }
    }
}

/// Merges to do, the next one first.
private struct MergeQueue {
    struct Entry {
        var place: Int32
        var merge: MergeTable.Merge

        func isBefore(_ other: Entry) -> Bool {
            (merge.rank, place) < (other.merge.rank, other.place)
        }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].isBefore(entries[parent]) else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Entry? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].isBefore(entries[least]) {
                least = child
            }
            if least == parent { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
