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
    /// Works on packed sequences: no row sees another sequence, and there is no padding to mask. Probabilities are
    /// not kept for the way back but made again (Dao et al. 2022, arXiv 2205.14135). Traps on other shapes.
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
        let call = AttentionCall(
            offsets: offsets, heads: heads, keyHeads: keyHeads, size: h / heads, strideOfQ: h,
            strideOfKV: k.shape.width, scale: scale, bias: bias, reach: reach,
            site: dropoutSite(rate, rows, count: t))
        let operands = [q, k, v] + (bias.map { [$0] } ?? [])
        let keeps = operands.contains { wantsGradient($0) }
        let (context, statistics) = call.forward(
            (q.pointer, k.pointer, v.pointer), bias: bias, keeps: keeps)
        guard let statistics else { return context }
        return record(context, from: operands) {
            [q = q.constant, k = k.constant, v = v.constant, bias = bias?.constant]
            dcontext, sweep in
            let (dq, dk, dv) = (
                Tensor(uninitialized: q.shape), Tensor(uninitialized: k.shape),
                Tensor(uninitialized: v.shape)
            )
            let dbias = bias.flatMap { sweep.wants(3) ? Tensor(zeros: $0.shape) : nil }
            call.backward(
                dcontext, statistics, (q.pointer, k.pointer, v.pointer), bias: bias,
                (dq.pointer, dk.pointer, dv.pointer), dbias: dbias)
            sweep.give(dq, to: 0)
            sweep.give(dk, to: 1)
            sweep.give(dv, to: 2)
            if let dbias { sweep.give(dbias, to: 3) }
        }
    }

    /// As ``attention(_:_:_:offsets:heads:keyHeads:scale:bias:reach:dropout:rows:)`` of the columns of one tensor
    /// [T, 3 * H]: those of queries, then those of keys, then those of values. The result is [T, H].
    public mutating func attention(
        fused qkv: Tensor, offsets: SequenceOffsets, heads: Int, scale: Float,
        bias: Tensor? = nil, reach: AttentionReach = .everything, dropout rate: Float = 0,
        rows: RowNumbers = RowNumbers([])
    ) -> Tensor {
        let (t, width, h) = (qkv.shape.rows, qkv.shape.width, qkv.shape.width / 3)
        precondition(
            qkv.shape.rank == 2 && offsets.rowCount == t && heads > 0 && width % (3 * heads) == 0,
            "attention: q, k and v \(qkv.shape), \(offsets.rowCount) rows, \(heads) heads")
        let call = AttentionCall(
            offsets: offsets, heads: heads, keyHeads: heads, size: h / heads, strideOfQ: width,
            strideOfKV: width, scale: scale, bias: bias, reach: reach,
            site: dropoutSite(rate, rows, count: t))
        let operands = [qkv] + (bias.map { [$0] } ?? [])
        let keeps = operands.contains { wantsGradient($0) }
        let (context, statistics) = call.forward(qkv.thirds, bias: bias, keeps: keeps)
        guard let statistics else { return context }
        return record(context, from: operands) {
            [qkv = qkv.constant, bias = bias?.constant] dcontext, sweep in
            let gradient = Tensor(uninitialized: qkv.shape)
            let dbias = bias.flatMap { sweep.wants(1) ? Tensor(zeros: $0.shape) : nil }
            call.backward(
                dcontext, statistics, qkv.thirds, bias: bias, gradient.thirds, dbias: dbias)
            sweep.give(gradient, to: 0)
            if let dbias { sweep.give(dbias, to: 1) }
        }
    }
}

extension Tensor {
    /// Where queries, keys and values begin that stand side by side in each row.
    fileprivate var thirds: AttentionCall.Parts {
        let h = shape.width / 3
        return (pointer, pointer + h, pointer + 2 * h)
    }
}

/// What both passes of attention need to know.
private struct AttentionCall {
    /// Queries, keys and values, or their gradients.
    typealias Parts = (
        q: UnsafeMutablePointer<Float>, k: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>
    )

    private let sizes: k_attention_sizes
    private let offsets: SequenceOffsets
    private let site: DropoutSite

    init(
        offsets: SequenceOffsets, heads: Int, keyHeads: Int, size: Int, strideOfQ: Int,
        strideOfKV: Int, scale: Float, bias: Tensor?, reach: AttentionReach, site: DropoutSite
    ) {
        precondition(
            bias.map {
                $0.shape.rank == 2 && $0.shape.width == heads && $0.shape.rows % 2 == 1
                    && $0.shape.rows >= 2 * offsets.longest - 1
            } ?? true,
            "attention: bias \(bias?.shape ?? []) for \(heads) heads and length \(offsets.longest)")
        sizes = k_attention_sizes(
            sequences: Int64(offsets.count), heads: Int64(heads), key_heads: Int64(keyHeads),
            head_size: Int64(size), ldq: Int64(strideOfQ), ldk: Int64(strideOfKV),
            ldv: Int64(strideOfKV), before: Int64(reach.before), after: Int64(reach.after),
            bias_center: Int64(bias.map { $0.shape.rows / 2 } ?? 0), scale: scale)
        (self.offsets, self.site) = (offsets, site)
    }

    private var scratch: Buffer {
        Buffer(count: Int(k_attention_scratch(Int64(offsets.longest), sizes.head_size)))
    }

    /// The context [T, heads * D], and what the way back needs of each row and head.
    func forward(
        _ x: Parts, bias: Tensor?, keeps: Bool
    ) -> (context: Tensor, statistics: Tensor?) {
        let (t, heads) = (offsets.rowCount, Int(sizes.heads))
        let context = Tensor(uninitialized: [t, heads * Int(sizes.head_size)])
        let statistics = keeps ? Tensor(uninitialized: [t, 2 * heads]) : nil
        let scratch = scratch
        withUnsafePointer(to: sizes) {
            k_attention_forward(
                context.pointer, statistics?.pointer, scratch.pointer, x.q, x.k, x.v,
                bias?.pointer, offsets.starts, $0, site.rows, site.key, site.rate)
        }
        return (context, statistics)
    }

    /// Overwrites the gradients `dx`, and adds to `dbias`.
    func backward(
        _ dcontext: Tensor, _ statistics: Tensor, _ x: Parts, bias: Tensor?, _ dx: Parts,
        dbias: Tensor?
    ) {
        let scratch = scratch
        withUnsafePointer(to: sizes) {
            k_attention_backward(
                dx.q, dx.k, dx.v, dbias?.pointer, scratch.pointer, dcontext.pointer, x.q, x.k,
                x.v, bias?.pointer, statistics.pointer, offsets.starts, $0, site.rows, site.key,
                site.rate)
        }
    }
}
