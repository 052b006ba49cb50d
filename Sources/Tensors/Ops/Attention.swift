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

/// Which keys of its sequence a query sees.
public struct AttentionReach: Sendable, Equatable {
    /// How many keys in front of the query's own.
    public let before: Int
    /// How many keys behind the query's own.
    public let after: Int

    /// Keys from `before` in front to `after` behind. Traps on negative numbers.
    public init(before: Int, after: Int) {
        precondition(before >= 0 && after >= 0, "attention reach \(before), \(after)")
        (self.before, self.after) = (before, after)
    }

    /// All of the sequence.
    public static let everything = AttentionReach(before: .max, after: .max)
    /// Itself and all before it.
    public static let causal = AttentionReach(before: .max, after: 0)
}

extension Tape {
    /// Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762) of each sequence to itself, in `heads`
    /// heads: dropout(softmax(q k^T * scale + bias)) v; `q` and the result are [T, heads * D], `k` and `v`
    /// [T, keyHeads * D].
    ///
    /// Works on packed sequences: no row sees another sequence, and there is no padding to mask. Traps on other
    /// shapes.
    ///
    /// - Parameters:
    ///   - keyHeads: the number of heads of keys and values, each shared by as many neighbouring heads of queries
    ///     (Ainslie et al. 2023, arXiv 2305.13245); `heads` where left out.
    ///   - bias: added to scores by distance (Raffel et al. 2020, arXiv 1910.10683): [2 * n + 1, heads], where row
    ///     n + j - i is for query i and key j; n is at least the longest length less 1.
    ///   - reach: which keys a query sees.
    public mutating func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, offsets: SequenceOffsets, heads: Int,
        keyHeads: Int? = nil, scale: Float, bias: Tensor? = nil,
        reach: AttentionReach = .everything, dropout rate: Float = 0,
        rows: RowNumbers = RowNumbers([])
    ) -> Tensor {
        let (t, h, keyHeads) = (q.shape.rows, q.shape.width, keyHeads ?? heads)
        precondition(
            q.shape.rank == 2 && offsets.rowCount == t && heads > 0 && h % heads == 0
                && keyHeads > 0 && heads % keyHeads == 0
                && k.shape == [t, h / heads * keyHeads] && v.shape == k.shape,
            "attention: q \(q.shape), k \(k.shape), v \(v.shape), \(offsets.rowCount) rows, \(heads) heads, \(keyHeads) of keys"
        )
        precondition(
            bias.map {
                $0.shape.rank == 2 && $0.shape.width == heads && $0.shape.rows % 2 == 1
                    && $0.shape.rows >= 2 * offsets.longest - 1
            } ?? true,
            "attention: bias \(bias?.shape ?? []) for \(heads) heads and length \(offsets.longest)")
        let site = dropoutSite(rate, rows, count: t)
        let size = Int64(h / heads)
        var sizes = k_attention_sizes(
            sequences: Int64(offsets.count), heads: Int64(heads), key_heads: Int64(keyHeads),
            head_size: size, before: Int64(reach.before), after: Int64(reach.after),
            bias_center: Int64(bias.map { $0.shape.rows / 2 } ?? 0), scale: scale)
        let scratchCount = Int(k_attention_scratch(Int64(offsets.longest), size))
        let context = Tensor(uninitialized: q.shape)
        let operands = [q, k, v] + (bias.map { [$0] } ?? [])
        let keeps = operands.contains { wantsGradient($0) }
        let probabilities =
            keeps
            ? Tensor(
                uninitialized: [
                    offsets.lengths.reduce(0) {
                        $0 + Int(k_attention_probabilities(Int64($1), Int64(heads)))
                    }
                ]) : nil
        let scratch = Buffer(count: scratchCount)
        k_attention_forward(
            context.pointer, probabilities?.pointer, scratch.pointer, q.pointer, k.pointer,
            v.pointer, bias?.pointer, offsets.starts, &sizes, site.rows, site.key, site.rate)
        guard let probabilities else { return context }
        return record(context, from: operands) {
            [q = q.constant, k = k.constant, v = v.constant, biasShape = bias?.shape, sizes]
            dcontext, sweep in
            let (dq, dk, dv) = (
                Tensor(uninitialized: q.shape), Tensor(uninitialized: k.shape),
                Tensor(uninitialized: v.shape)
            )
            let dbias = biasShape.flatMap { sweep.wants(3) ? Tensor(zeros: $0) : nil }
            let scratch = Buffer(count: scratchCount)
            var sizes = sizes
            k_attention_backward(
                dq.pointer, dk.pointer, dv.pointer, dbias?.pointer, scratch.pointer,
                dcontext.pointer, q.pointer, k.pointer, v.pointer, probabilities.pointer,
                offsets.starts, &sizes, site.rows, site.key, site.rate)
            sweep.give(dq, to: 0)
            sweep.give(dk, to: 1)
            sweep.give(dv, to: 2)
            if let dbias { sweep.give(dbias, to: 3) }
        }
    }
}
