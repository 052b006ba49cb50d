internal import Synchronization
internal import Tensors

/// Documents, and where they stand for queries.
///
/// Queries are worked on in blocks: never more than some millions of scores are in memory for each thread, however
/// many documents there are. Blocks depend on the number of documents alone, so the number of threads changes nothing.
struct Ranking {
    /// Distinct vectors [G, H], of length 1. Documents of one vector share a score, whatever the rounding of a product.
    private let vectors: Tensor
    /// The vector of each document.
    private let group: [Int]
    /// How many documents have each vector; `nil` where it is one everywhere.
    private let sizes: [Int]?

    /// Documents with the vectors `documents` [N, H], of length 1.
    init(documents: Tensor) {
        var (group, first, sizes) = ([Int](), [Int](), [Int]())
        group.reserveCapacity(documents.shape.rows)
        var groupsByHash: [UInt64: [Int]] = [:]
        for index in 0..<documents.shape.rows {
            let row = documents.row(index)
            var hash: UInt64 = 0
            for number in row { hash = (hash ^ UInt64(number.bitPattern)) &* 0x0000_0100_0000_01B3 }
            let same = groupsByHash[hash]?.first { place in
                documents.row(first[place]).elementsEqual(row) { $0.bitPattern == $1.bitPattern }
            }
            if let same {
                group.append(same)
                sizes[same] += 1
            } else {
                groupsByHash[hash, default: []].append(first.count)
                group.append(first.count)
                first.append(index)
                sizes.append(1)
            }
        }
        let isDistinct = first.count == group.count
        self.group = group
        self.sizes = isDistinct ? nil : sizes
        vectors = isDistinct ? documents : documents.rows(at: first)
    }

    /// For each query, with vectors `queries` [Q, H] of length 1, the ranks of the documents `relevant` to it, which
    /// are distinct: from 1, ascending.
    func ranks(of queries: Tensor, relevant: [[Int]], pool: WorkerPool) -> [[Int]] {
        precondition(
            queries.shape.rank == 2 && queries.shape == [relevant.count, vectors.shape.width],
            "ranks: queries \(queries.shape), \(relevant.count) lists of documents \(vectors.shape)"
        )
        let rows = max(1, min(256, (4 << 20) / max(1, vectors.shape.rows)))
        let blocks = (relevant.count + rows - 1) / rows
        let result = Mutex(Array(repeating: [Int](), count: relevant.count))
        pool.run(blocks) { block in
            let range = block * rows..<min((block + 1) * rows, relevant.count)
            var tape = Tape(.inference)
            let scores = tape.linear(queries.rows(range), weight: vectors)
            let ranks = range.map { query in
                self.ranks(relevant[query], scores: scores.row(query - range.lowerBound))
            }
            result.withLock { $0.replaceSubrange(range, with: ranks) }
        }
        return result.withLock { $0 }
    }

    /// The ranks of `documents` where vector g has the score `scores[g]`.
    ///
    /// A document that is not relevant stands before a relevant one unless its score is lower; so where either of them
    /// is NaN.
    private func ranks(_ documents: [Int], scores: [Float]) -> [Int] {
        // By falling score, NaN last.
        let own = documents.map { scores[group[$0]] }
            .sorted { $0 > $1 || ($1.isNaN && !$0.isNaN) }
        let notLower = own.count == 1 ? [count(scores, notBelow: own[0])] : counts(scores, own)
        let known = own.firstIndex(where: \.isNaN) ?? own.count
        var end = 0
        return own.indices.map { place in
            // Relevant ones are not before it only because they are not lower: those of its score, and NaN.
            end = max(end, place + 1)
            while end < known, own[end] == own[place] { end += 1 }
            let relevant = place < known ? end + own.count - known : own.count
            return notLower[place] - relevant + place + 1
        }
    }

    /// How many documents do not have a score below `own`.
    private func count(_ scores: [Float], notBelow own: Float) -> Int {
        guard let sizes else {
            var count = 0
            for score in scores { count &+= score < own ? 0 : 1 }
            return count
        }
        return zip(scores, sizes).reduce(0) { $0 + ($1.0 < own ? 0 : $1.1) }
    }

    /// The same for several scores, which fall, NaN last.
    private func counts(_ scores: [Float], _ own: [Float]) -> [Int] {
        if own.count <= 8 { return own.map { count(scores, notBelow: $0) } }
        // For each score the first of those that it is not below; it is not below the later ones either.
        var added = Array(repeating: 0, count: own.count + 1)
        for (place, score) in scores.enumerated() {
            var (low, high) = (0, own.count)
            while low < high {
                let middle = (low + high) / 2
                if score < own[middle] { low = middle + 1 } else { high = middle }
            }
            added[low] += sizes?[place] ?? 1
        }
        var sum = 0
        return own.indices.map { place in
            sum += added[place]
            return sum
        }
    }
}
