public import Tensors

/// Texts as numbers, packed: all sequences one after the other, without padding.
public struct TokenBatch: Sendable {
    /// The token ids of all sequences [T].
    public let ids: [Int32]
    /// The place of each token in its sequence, from 0 [T].
    public let positions: [Int32]
    /// The segment of each token [T]; zero for single texts.
    public let typeIDs: [Int32]
    /// Where sequences begin.
    public let offsets: SequenceOffsets
    /// The place of each token in the whole batch, for dropout.
    public let rows: RowNumbers

    /// Packs `sequences`. Traps on an empty sequence.
    public init(_ sequences: [[Int32]]) {
        self.init(sequences, sequences: Array(sequences.indices))
    }

    /// Packs the sequences at the given places of a batch, which must be the same in every cut of the batch.
    private init(_ batch: [[Int32]], sequences: [Int]) {
        var starts: [Int] = []
        starts.reserveCapacity(batch.count)
        var end = 0
        for sequence in batch {
            starts.append(end)
            end += sequence.count
        }
        let chosen = sequences.map { batch[$0] }
        ids = chosen.flatMap { $0 }
        positions = chosen.flatMap { Int32(0)..<Int32($0.count) }
        typeIDs = Array(repeating: 0, count: ids.count)
        offsets = SequenceOffsets(lengths: chosen.map(\.count))
        rows = RowNumbers(
            sequences.flatMap { UInt32(starts[$0])..<UInt32(starts[$0] + batch[$0].count) })
    }

    /// Cuts a batch into packs of whole sequences that are worked on side by side, and says which sequences each
    /// holds (in rising order).
    ///
    /// The rule looks at the batch only, never at the number of threads: an even number of chunks of at most
    /// `tokens` tokens on average, filled from the longest sequence to the shortest, each into the chunk with the
    /// fewest tokens so far.
    public static func chunks(
        of batch: [[Int32]], tokens: Int = 512
    ) -> [(batch: TokenBatch, sequences: [Int])] {
        precondition(tokens > 0, "chunks of \(tokens) tokens")
        let total = batch.reduce(0) { $0 + $1.count }
        let wanted = 2 * max(1, (total + 2 * tokens - 1) / (2 * tokens))
        let count = max(1, min(wanted, batch.count))
        var members: [[Int]] = Array(repeating: [], count: count)
        var loads = Array(repeating: 0, count: count)
        let order = batch.indices.sorted {
            (batch[$0].count, $1) > (batch[$1].count, $0)
        }
        for sequence in order {
            var lightest = 0
            for chunk in 1..<max(count, 1) where loads[chunk] < loads[lightest] { lightest = chunk }
            members[lightest].append(sequence)
            loads[lightest] += batch[sequence].count
        }
        return members.filter { !$0.isEmpty }.map { members in
            let sequences = members.sorted()
            return (TokenBatch(batch, sequences: sequences), sequences)
        }
    }
}

extension TokenBatch {
    /// The place of each token in RoBERTa's position table: counted from `padding` + 1, while a padding token
    /// within a text has place `padding` and is not counted.
    func positions(afterPadding padding: Int32) -> [Int32] {
        var last = padding
        return zip(ids, positions).map { id, position in
            if position == 0 { last = padding }
            if id == padding { return padding }
            last += 1
            return last
        }
    }
}
