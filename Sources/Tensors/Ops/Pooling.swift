internal import CKernels

/// How the rows of a sequence become one.
public enum Reduction: Sendable {
    /// The first row.
    case first
    /// The last row.
    case last
    /// The mean of all rows.
    case mean
    /// The mean weighted by 1, 2, ... L (Muennighoff 2022, arXiv 2202.08904).
    case ramp
    /// The sum divided by the root of the length.
    case meanSqrtLength
    /// The largest of each column.
    case max
}

extension Tape {
    /// One row for each sequence of the packed `x` [T, H]; returns [n, H].
    ///
    /// The first `skip` rows of each sequence take no part, but at least its last row does; the others keep their
    /// numbers in ``Reduction/ramp``. Traps where rows do not fit `offsets`, and for a negative `skip`.
    public mutating func pool(
        _ x: Tensor, offsets: SequenceOffsets, by reduction: Reduction, skipping skip: Int = 0
    ) -> Tensor {
        precondition(
            x.shape.rank == 2 && x.shape.rows == offsets.rowCount && skip >= 0,
            "pool: x \(x.shape) for \(offsets.rowCount) rows, \(skip) skipped")
        let skip = Int64(skip)
        switch reduction {
        case .first: return poolRow(x, offsets, skip, last: false)
        case .last: return poolRow(x, offsets, skip, last: true)
        case .mean: return poolMean(x, offsets, skip, K_WEIGHTS_MEAN)
        case .ramp: return poolMean(x, offsets, skip, K_WEIGHTS_RAMP)
        case .meanSqrtLength: return poolMean(x, offsets, skip, K_WEIGHTS_ROOT)
        case .max: return poolMax(x, offsets, skip)
        }
    }

    private mutating func poolMean(
        _ x: Tensor, _ offsets: SequenceOffsets, _ skip: Int64, _ weights: k_weights
    ) -> Tensor {
        let (n, h, shape) = (Int64(offsets.count), Int64(x.shape.width), x.shape)
        let y = Tensor(uninitialized: [offsets.count, x.shape.width])
        k_pool_mean_forward(y.pointer, x.pointer, offsets.starts, n, h, skip, weights)
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: shape)
            k_pool_mean_backward(dx.pointer, dy.pointer, offsets.starts, n, h, skip, weights)
            sweep.give(dx, to: 0)
        }
    }

    private mutating func poolRow(
        _ x: Tensor, _ offsets: SequenceOffsets, _ skip: Int64, last: Bool
    ) -> Tensor {
        let (n, h, shape) = (Int64(offsets.count), Int64(x.shape.width), x.shape)
        let y = Tensor(uninitialized: [offsets.count, x.shape.width])
        k_pool_row_forward(y.pointer, x.pointer, offsets.starts, n, h, skip, last)
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: shape)
            k_pool_row_backward(dx.pointer, dy.pointer, offsets.starts, n, h, skip, last)
            sweep.give(dx, to: 0)
        }
    }

    private mutating func poolMax(_ x: Tensor, _ offsets: SequenceOffsets, _ skip: Int64) -> Tensor
    {
        let (n, h, shape) = (Int64(offsets.count), Int64(x.shape.width), x.shape)
        let y = Tensor(uninitialized: [offsets.count, x.shape.width])
        var places = [Int32](repeating: 0, count: y.shape.count)
        k_pool_max_forward(y.pointer, &places, x.pointer, offsets.starts, n, h, skip)
        return record(y, from: [x]) { [places] dy, sweep in
            let dx = Tensor(uninitialized: shape)
            k_pool_max_backward(dx.pointer, dy.pointer, places, Int64(shape.rows), n, h)
            sweep.give(dx, to: 0)
        }
    }
}
