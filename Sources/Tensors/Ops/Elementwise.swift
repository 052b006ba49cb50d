internal import CKernels

/// The loops of several operations, over tensors.
enum Kernels {
    static func columnSums(_ sums: Tensor, of x: Tensor) {
        k_column_sums(sums.pointer, x.pointer, Int64(x.shape.rows), Int64(x.shape.width))
    }
}

extension Tape {
    /// `a` + `b`, of one shape. Traps on different shapes.
    public mutating func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape, "add: \(a.shape) and \(b.shape)")
        let y = Tensor(uninitialized: a.shape)
        k_add(y.pointer, a.pointer, b.pointer, Int64(a.shape.count))
        return record(y, from: [a, b]) { dy, sweep in
            sweep.give(dy, to: 0)
            sweep.give(dy, to: 1)
        }
    }

    /// `x` times `factor`.
    public mutating func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let y = Tensor(uninitialized: x.shape)
        k_scale(y.pointer, x.pointer, factor, Int64(x.shape.count))
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            k_scale(dx.pointer, dy.pointer, factor, Int64(dy.shape.count))
            sweep.give(dx, to: 0)
        }
    }

    /// Rows `range` of `x` [n, H]; the gradient of the others is zero. Traps out of range.
    public mutating func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let shape = x.shape
        return record(x.constant.rows(range), from: [x]) { dy, sweep in
            let dx = Tensor(zeros: shape)
            (dx.pointer + range.lowerBound * shape.width).update(
                from: dy.pointer, count: dy.shape.count)
            sweep.give(dx, to: 0)
        }
    }
}
