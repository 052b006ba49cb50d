/// The merging at the heart of ``WordPieceTrainer``.
struct PairLearner {
    /// The tokens in the order of their ids.
    private(set) var tokens: [String]
    private var ids: [[UInt8]: Int32] = [:]
    /// Each word as the ids of its pieces, and how often it was seen.
    private var words: [(pieces: [Int32], count: Int)] = []
    /// How often a pair stands in the text; keyed by both ids.
    private var counts: [UInt64: Int] = [:]
    /// The words that a pair was seen in.
    private var places: [UInt64: [Int32]] = [:]

    private static let prefix = Array("##".utf8)

    /// Cuts `words` into characters, of which the `alphabetLimit` most frequent stay.
    init(_ words: [(key: [UInt8], value: Int)], special: [String], alphabetLimit: Int) {
        tokens = special
        for (index, token) in special.enumerated() { ids[Array(token.utf8)] = Int32(index) }
        var seen: [Unicode.Scalar: Int] = [:]
        let spelled = words.map { Array(String(decoding: $0.key, as: UTF8.self).unicodeScalars) }
        for (scalars, word) in zip(spelled, words) {
            for scalar in scalars { seen[scalar, default: 0] += word.value }
        }
        let alphabet = seen.sorted { ($1.value, $0.key.value) < ($0.value, $1.key.value) }
            .prefix(alphabetLimit).map(\.key).sorted { $0.value < $1.value }
        for scalar in alphabet { _ = id(of: Array(scalar.utf8)) }
        let known = Set(alphabet)
        for (scalars, word) in zip(spelled, words) {
            var pieces: [Int32] = []
            for (index, scalar) in scalars.enumerated() where known.contains(scalar) {
                let bytes = Array(scalar.utf8)
                pieces.append(id(of: index == 0 ? bytes : Self.prefix + bytes))
            }
            self.words.append((pieces, word.value))
        }
        for (index, word) in self.words.enumerated() {
            for (left, right) in zip(word.pieces, word.pieces.dropFirst()) {
                note(Self.key(left, right), word.count, in: Int32(index))
            }
        }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private mutating func id(of token: [UInt8]) -> Int32 {
        if let id = ids[token] { return id }
        let id = Int32(tokens.count)
        tokens.append(String(decoding: token, as: UTF8.self))
        ids[token] = id
        return id
    }

    private mutating func note(_ pair: UInt64, _ count: Int, in word: Int32) {
        counts[pair, default: 0] += count
        if places[pair]?.last != word { places[pair, default: []].append(word) }
    }

    /// Merges until there are `size` tokens, or no pair is frequent enough.
    mutating func merge(until size: Int, minimumFrequency: Int) {
        var queue = PairQueue(counts.map { PairQueue.Entry(pair: $0.key, count: $0.value) })
        while tokens.count < size, let top = queue.popFirst() {
            let count = counts[top.pair] ?? 0
            if count != top.count {
                if count > 0 { queue.insert(PairQueue.Entry(pair: top.pair, count: count)) }
                continue
            }
            if count < minimumFrequency { return }
            for pair in join(top.pair) {
                if let count = counts[pair], count > 0 {
                    queue.insert(PairQueue.Entry(pair: pair, count: count))
                }
            }
        }
        if tokens.count > size { tokens.removeLast(tokens.count - size) }
    }

    /// Joins a pair wherever it stands; returns the new pairs.
    private mutating func join(_ pair: UInt64) -> [UInt64] {
        let left = Int32(truncatingIfNeeded: pair >> 32)
        let right = Int32(truncatingIfNeeded: pair)
        let tail = Array(tokens[Int(right)].utf8)
        let joined = id(
            of: Array(tokens[Int(left)].utf8)
                + (tail.starts(with: Self.prefix) ? Array(tail.dropFirst(2)) : tail))
        counts[pair] = 0
        var made: Set<UInt64> = []
        for place in places.removeValue(forKey: pair) ?? [] {
            let (old, count) = words[Int(place)]
            var new: [Int32] = []
            var index = 0
            while index < old.count {
                if index + 1 < old.count, old[index] == left, old[index + 1] == right {
                    new.append(joined)
                    index += 2
                } else {
                    new.append(old[index])
                    index += 1
                }
            }
            if new.count == old.count { continue }
            for (first, second) in zip(old, old.dropFirst()) {
                let key = Self.key(first, second)
                if key != pair { counts[key, default: 0] -= count }
            }
            for (first, second) in zip(new, new.dropFirst()) {
                let key = Self.key(first, second)
                if first == joined || second == joined {
                    note(key, count, in: place)
                    made.insert(key)
                } else {
                    counts[key, default: 0] += count
                }
            }
            words[Int(place)].pieces = new
        }
        return made.sorted()
    }
}

/// Pairs by count, the highest first; of equal counts the lower pair.
struct PairQueue {
    struct Entry {
        var pair: UInt64
        var count: Int

        func comesBefore(_ other: Entry) -> Bool {
            count != other.count ? count > other.count : pair < other.pair
        }
    }

    private var heap: [Entry]

    init(_ entries: [Entry]) {
        // A sorted list is a heap.
        heap = entries.sorted { $0.comesBefore($1) }
    }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].comesBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    mutating func popFirst() -> Entry? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            var best = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].comesBefore(heap[best]) { best = child }
            }
            if best == index { return first }
            heap.swapAt(index, best)
            index = best
        }
    }
}
