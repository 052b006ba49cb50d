internal import CKernels

/// How the rows of a sequence become one.
public enum Reduction: Sendable {
    /// The first row.
    case first
    /// The mean of all rows.
    case mean
    /// The mean weighted by 1, 2, ... L (Muennighoff 2022, arXiv 2202.08904).
    case ramp
}

extension Tape {
    /// One row for each sequence of the packed `x` [T, H]; returns [n, H]. Traps where rows do not fit `offsets`.
    public mutating func pool(_ x: Tensor, offsets: SequenceOffsets, by reduction: Reduction)
        -> Tensor
    {
        precondition(
            x.shape.rank == 2 && x.shape.rows == offsets.rowCount,
            "pool: x \(x.shape) for \(offsets.rowCount) rows")
        let (n, h, shape) = (Int64(offsets.count), Int64(x.shape.width), x.shape)
        let y = Tensor(uninitialized: [offsets.count, x.shape.width])
        switch reduction {
        case .first: k_pool_first_forward(y.pointer, x.pointer, offsets.starts, n, h)
        case .mean: k_pool_mean_forward(y.pointer, x.pointer, offsets.starts, n, h, false)
        case .ramp: k_pool_mean_forward(y.pointer, x.pointer, offsets.starts, n, h, true)
        }
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: shape)
            switch reduction {
            case .first: k_pool_first_backward(dx.pointer, dy.pointer, offsets.starts, n, h)
            case .mean: k_pool_mean_backward(dx.pointer, dy.pointer, offsets.starts, n, h, false)
            case .ramp: k_pool_mean_backward(dx.pointer, dy.pointer, offsets.starts, n, h, true)
            }
            sweep.give(dx, to: 0)
        }
    }
}
