internal import CKernels

/// Where the sequences of a packed batch begin: sequence `s` has rows `starts[s]` ..< `starts[s + 1]`.
public struct SequenceOffsets: Sendable, Equatable {
    /// One more number than there are sequences; from 0, rising.
    public let starts: [Int32]
    /// The length of the longest sequence.
    public let longest: Int

    /// Sequences of the given lengths, one after the other. Traps on an empty sequence.
    public init(lengths: [Int]) {
        var starts: [Int32] = [0]
        starts.reserveCapacity(lengths.count + 1)
        var end = 0
        for length in lengths {
            precondition(length > 0, "an empty sequence in a packed batch")
            end += length
            starts.append(Int32(end))
        }
        self.starts = starts
        longest = lengths.max() ?? 0
    }

    /// The number of sequences.
    public var count: Int { starts.count - 1 }
    /// The number of rows of all sequences.
    public var rowCount: Int { Int(starts[starts.count - 1]) }
    /// The length of sequence `index`.
    public func length(_ index: Int) -> Int { Int(starts[index + 1] - starts[index]) }
    /// All lengths.
    public var lengths: [Int] { (0..<count).map { length($0) } }
}

extension Tape {
    /// Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762) of each sequence to itself, in `heads`
    /// heads: dropout(softmax(q k^T * scale)) v; `q`, `k`, `v` and the result are [T, heads * D].
    ///
    /// Works on packed sequences: no row sees another sequence, and there is no padding to mask. Traps on other
    /// shapes.
    public mutating func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, offsets: SequenceOffsets, heads: Int, scale: Float,
        dropout rate: Float = 0, rows: RowNumbers = RowNumbers([])
    ) -> Tensor {
        let (t, h) = (q.shape.rows, q.shape.width)
        precondition(
            q.shape.rank == 2 && k.shape == q.shape && v.shape == q.shape && offsets.rowCount == t
                && heads > 0 && h % heads == 0,
            "attention: q \(q.shape), k \(k.shape), v \(v.shape), \(offsets.rowCount) rows, \(heads) heads"
        )
        let site = dropoutSite(rate, rows, count: t)
        let (sequences, headCount, size) = (Int64(offsets.count), Int64(heads), Int64(h / heads))
        let scratchCount = Int(k_attention_scratch(Int64(offsets.longest), size))
        let context = Tensor(uninitialized: q.shape)
        let keeps = wantsGradient(q) || wantsGradient(k) || wantsGradient(v)
        let probabilities =
            keeps
            ? Tensor(
                uninitialized: [
                    offsets.lengths.reduce(0) {
                        $0 + Int(k_attention_probabilities(Int64($1), headCount))
                    }
                ]) : nil
        let scratch = Buffer(count: scratchCount)
        k_attention_forward(
            context.pointer, probabilities?.pointer, scratch.pointer, q.pointer, k.pointer,
            v.pointer,
            offsets.starts, sequences, headCount, size, scale, site.rows, site.key, site.rate)
        guard let probabilities else { return context }
        return record(context, from: [q, k, v]) {
            [q = q.constant, k = k.constant, v = v.constant] dcontext, sweep in
            let (dq, dk, dv) = (
                Tensor(uninitialized: q.shape), Tensor(uninitialized: q.shape),
                Tensor(uninitialized: q.shape)
            )
            let scratch = Buffer(count: scratchCount)
            k_attention_backward(
                dq.pointer, dk.pointer, dv.pointer, scratch.pointer, dcontext.pointer, q.pointer,
                k.pointer,
                v.pointer, probabilities.pointer, offsets.starts, sequences, headCount, size, scale,
                site.rows,
                site.key, site.rate)
            sweep.give(dq, to: 0)
            sweep.give(dk, to: 1)
            sweep.give(dv, to: 2)
        }
    }
}
