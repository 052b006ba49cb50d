extension Tape {
    /// A linear layer: `x` [n, I] times the transpose of `weight` [O, I], plus `bias` [O]; returns [n, O].
    ///
    /// Traps on other shapes.
    public mutating func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let (n, inputs) = (x.shape.rows, x.shape.width)
        let outputs = weight.shape.rows
        precondition(
            x.shape.rank == 2 && weight.shape == [outputs, inputs]
                && (bias.map { $0.shape == [outputs] } ?? true),
            "linear: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "none")"
        )
        let y = Tensor(uninitialized: [n, outputs])
        if let bias {
            Kernels.fillRows(y, bias)
        }
        BLAS.multiply(
            y.pointer, x.pointer, weight.pointer, transposeB: true, m: n, n: outputs, k: inputs,
            beta: bias == nil ? 0 : 1)
        // A frozen weight needs no input kept.
        let kept = wantsGradient(weight) ? x.constant : nil
        let operands = bias.map { [x, weight, $0] } ?? [x, weight]
        return record(y, from: operands) {
            [weight = weight.constant, hasBias = bias != nil] dy, sweep in
            if hasBias, sweep.wants(2) {
                let db = Tensor(zeros: [outputs])
                Kernels.columnSums(db, of: dy)
                sweep.give(db, to: 2)
            }
            if let kept {
                sweep.accumulate(1) { dw, beta in
                    BLAS.multiply(
                        dw, dy.pointer, transposeA: true, kept.pointer, m: outputs, n: inputs, k: n,
                        beta: beta)
                }
            }
            sweep.accumulate(0) { dx, beta in
                BLAS.multiply(
                    dx, dy.pointer, weight.pointer, m: n, n: inputs, k: outputs, beta: beta)
            }
        }
    }
}
