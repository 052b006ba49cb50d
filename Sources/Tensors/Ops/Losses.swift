internal import CKernels

/// How the similarities of a batch become one number.
public enum ContrastiveForm: String, Sendable {
    /// Cross-entropy of the positive among all candidates (InfoNCE; van den Oord et al. 2018, arXiv 1807.03748).
    case softmax
    /// The mean of -log sigmoid(positive - negative) over all negatives.
    case sigmoid
}

/// The values of float32 rows, normalised in double precision, with what the way back needs.
final class NormalizedRows {
    let count: Int
    let width: Int
    let rows: DoubleBuffer
    let norms: DoubleBuffer
    /// torch.cosine_similarity's default.
    static let epsilon = 1e-8

    init(_ x: Tensor) {
        count = x.shape.rows
        width = x.shape.width
        rows = DoubleBuffer(count * width)
        norms = DoubleBuffer(count)
        k_normalize_rows_forward(
            rows.pointer, norms.pointer, x.pointer, Int64(count), Int64(width),
            NormalizedRows.epsilon)
    }

    /// The gradient of the float32 rows for the gradient `gradient` [count, width] of the normalised ones.
    func pullback(_ gradient: DoubleBuffer) -> Tensor {
        let dx = Tensor(uninitialized: [count, width])
        k_normalize_rows_backward(
            dx.pointer, gradient.pointer, rows.pointer, norms.pointer, Int64(count), Int64(width),
            NormalizedRows.epsilon)
        return dx
    }

    /// All cosines with the rows of `other`: [count, other.count].
    func cosines(with other: NormalizedRows) -> DoubleBuffer {
        let result = DoubleBuffer(count * other.count)
        BLAS.multiply(
            result.pointer, rows.pointer, other.rows.pointer, transposeB: true, m: count,
            n: other.count, k: width)
        return result
    }

    /// The cosines with the rows of `other` at the same place: [count].
    func pairedCosines(with other: NormalizedRows) -> DoubleBuffer {
        let result = DoubleBuffer(count)
        for i in 0..<count {
            var sum = 0.0
            let (a, b) = (rows.pointer + i * width, other.rows.pointer + i * width)
            for j in 0..<width { sum += a[j] * b[j] }
            result.pointer[i] = sum
        }
        return result
    }

    /// gradient [count, width] += diagonal(weights) * other.rows
    func addPaired(_ gradient: DoubleBuffer, weights: DoubleBuffer, of other: NormalizedRows) {
        for i in 0..<count {
            let (g, b, w) = (
                gradient.pointer + i * width, other.rows.pointer + i * width, weights.pointer[i]
            )
            for j in 0..<width { g[j] += w * b[j] }
        }
    }
}

/// Memory for doubles.
final class DoubleBuffer {
    let pointer: UnsafeMutablePointer<Double>
    let count: Int

    init(_ count: Int) {
        self.count = count
        pointer = .allocate(capacity: max(count, 1))
    }

    deinit { pointer.deallocate() }

    static func zeros(_ count: Int) -> DoubleBuffer {
        let buffer = DoubleBuffer(count)
        buffer.pointer.update(repeating: 0, count: count)
        return buffer
    }

    func scale(by factor: Double) {
        for index in 0..<count { pointer[index] *= factor }
    }
}

extension Tape {
    /// The contrastive loss of `anchors` [B, D] whose positives are the rows of `candidates` [B, D] at the same
    /// place and whose negatives are the other rows; returns a scalar.
    ///
    /// Similarities are cosines divided by `temperature`; computed in double precision, so the loss and its
    /// gradients keep their digits at small temperatures. The sigmoid form has no value for one row, and traps.
    public mutating func inBatchLoss(
        _ anchors: Tensor, _ candidates: Tensor, form: ContrastiveForm, temperature: Double
    ) -> Tensor {
        contrastiveLoss(anchors, positives: nil, candidates, form, temperature)
    }

    /// The contrastive loss of `anchors` [B, D] whose positives are the rows of `positives` [B, D] at the same
    /// place and whose negatives are all rows of `negatives` [N, D]; returns a scalar.
    public mutating func tripletLoss(
        _ anchors: Tensor, _ positives: Tensor, _ negatives: Tensor, form: ContrastiveForm,
        temperature: Double
    ) -> Tensor {
        contrastiveLoss(anchors, positives: positives, negatives, form, temperature)
    }

    private mutating func contrastiveLoss(
        _ anchors: Tensor, positives: Tensor?, _ candidates: Tensor, _ form: ContrastiveForm,
        _ temperature: Double
    ) -> Tensor {
        let (b, d) = (anchors.shape.rows, anchors.shape.width)
        let m = candidates.shape.rows
        precondition(
            anchors.shape == [b, d] && candidates.shape == [m, d]
                && (positives.map { $0.shape == anchors.shape } ?? (m == b)) && b > 0 && m > 0,
            "contrastive loss: \(anchors.shape), \(positives.map { "\($0.shape)" } ?? ""), \(candidates.shape)"
        )
        precondition(temperature > 0, "contrastive loss: temperature \(temperature)")
        precondition(
            form != .sigmoid || positives != nil || b > 1,
            "the sigmoid pair loss has no negatives in a batch of 1")
        let a = NormalizedRows(anchors)
        let c = NormalizedRows(candidates)
        let p = positives.map { NormalizedRows($0) }
        let scores = a.cosines(with: c)
        let own = a.pairedCosines(with: p ?? c)
        let (dscores, down) = (DoubleBuffer(b * m), DoubleBuffer(b))
        let kernel = form == .softmax ? k_softmax_loss : k_sigmoid_loss
        let loss = kernel(
            dscores.pointer, down.pointer, scores.pointer, own.pointer, Int64(b), Int64(m),
            temperature,
            positives == nil)
        let operands = [anchors, candidates] + (positives.map { [$0] } ?? [])
        return record(Tensor([Float(loss)], shape: []), from: operands) { dy, sweep in
            let factor = Double(dy.scalar)
            if factor != 1 {
                dscores.scale(by: factor)
                down.scale(by: factor)
            }
            // Every similarity is a product of two normalised rows: da = dS c + diag(dp) p, and so on.
            let da = DoubleBuffer(b * d)
            BLAS.multiply(da.pointer, dscores.pointer, c.rows.pointer, m: b, n: d, k: m)
            a.addPaired(da, weights: down, of: p ?? c)
            sweep.give(a.pullback(da), to: 0)
            let dc = DoubleBuffer(m * d)
            BLAS.multiply(
                dc.pointer, dscores.pointer, transposeA: true, a.rows.pointer, m: m, n: d, k: b)
            if let p {
                let dp = DoubleBuffer.zeros(b * d)
                p.addPaired(dp, weights: down, of: a)
                sweep.give(p.pullback(dp), to: 2)
            } else {
                c.addPaired(dc, weights: down, of: a)
            }
            sweep.give(c.pullback(dc), to: 1)
        }
    }

    /// The cosines of rows at the same place of `a` and `b` [B, D], as torch.cosine_similarity; returns [B].
    public mutating func cosineSimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(
            a.shape == b.shape && a.shape.rank == 2, "cosineSimilarity: \(a.shape), \(b.shape)")
        let (x, y) = (NormalizedRows(a), NormalizedRows(b))
        let cosines = x.pairedCosines(with: y)
        let result = Tensor(uninitialized: [a.shape.rows])
        for i in 0..<result.shape.count { result.pointer[i] = Float(cosines.pointer[i]) }
        return record(result, from: [a, b]) { dy, sweep in
            let weights = DoubleBuffer(dy.shape.count)
            for i in 0..<dy.shape.count { weights.pointer[i] = Double(dy.pointer[i]) }
            for (index, (mine, other)) in [(x, y), (y, x)].enumerated() where sweep.wants(index) {
                let gradient = DoubleBuffer.zeros(mine.count * mine.width)
                mine.addPaired(gradient, weights: weights, of: other)
                sweep.give(mine.pullback(gradient), to: index)
            }
        }
    }

    /// The CoSENT loss (Su 2022) of the cosines of `a` and `b` [B, D] against `labels` [B]: log(1 + sum of
    /// exp((cos_i - cos_j) / temperature) over all i, j with label_i < label_j); returns a scalar.
    ///
    /// Only the order of labels counts. Traps on other shapes.
    public mutating func coSENTLoss(
        _ a: Tensor, _ b: Tensor, labels: [Double], temperature: Double
    ) -> Tensor {
        precondition(
            a.shape == b.shape && a.shape.rank == 2 && labels.count == a.shape.rows,
            "coSENTLoss: \(a.shape), \(b.shape), \(labels.count) labels")
        precondition(temperature > 0, "coSENTLoss: temperature \(temperature)")
        let (x, y) = (NormalizedRows(a), NormalizedRows(b))
        let cosines = x.pairedCosines(with: y)
        let dcosines = DoubleBuffer(labels.count)
        let loss = k_cosent_loss(
            dcosines.pointer, cosines.pointer, labels, Int64(labels.count), temperature)
        return record(Tensor([Float(loss)], shape: []), from: [a, b]) { dy, sweep in
            dcosines.scale(by: Double(dy.scalar))
            for (index, (mine, other)) in [(x, y), (y, x)].enumerated() where sweep.wants(index) {
                let gradient = DoubleBuffer.zeros(mine.count * mine.width)
                mine.addPaired(gradient, weights: dcosines, of: other)
                sweep.give(mine.pullback(gradient), to: index)
            }
        }
    }

    /// Rows of `x` [n, D] divided by their length (1e-12 where shorter, as torch.nn.functional.normalize).
    public mutating func normalize(_ x: Tensor) -> Tensor {
        let (n, d) = (x.shape.rows, x.shape.width)
        let (wide, norms) = (DoubleBuffer(n * d), DoubleBuffer(n))
        k_normalize_rows_forward(wide.pointer, norms.pointer, x.pointer, Int64(n), Int64(d), 1e-12)
        let y = Tensor(uninitialized: x.shape)
        for i in 0..<y.shape.count { y.pointer[i] = Float(wide.pointer[i]) }
        return record(y, from: [x]) { dy, sweep in
            let (gradient, dx) = (DoubleBuffer(n * d), Tensor(uninitialized: dy.shape))
            for i in 0..<dy.shape.count { gradient.pointer[i] = Double(dy.pointer[i]) }
            // A shorter row is divided by a constant: nothing flows to its length, as to that of a zero row.
            for i in 0..<n where norms.pointer[i] < 1e-12 { norms.pointer[i] = 0 }
            k_normalize_rows_backward(
                dx.pointer, gradient.pointer, wide.pointer, norms.pointer, Int64(n), Int64(d), 1e-12
            )
            sweep.give(dx, to: 0)
        }
    }
}
