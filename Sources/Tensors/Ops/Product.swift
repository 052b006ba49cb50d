extension Tape {
    /// A linear layer whose weight has its inputs first: `x` [n, I] times `weight` [I, O], plus `bias` [O]; returns
    /// [n, O]. Traps on other shapes.
    public mutating func product(_ x: Tensor, _ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let (n, inputs, outputs) = (x.shape.rows, x.shape.width, weight.shape.width)
        precondition(
            x.shape.rank == 2 && weight.shape == [inputs, outputs]
                && (bias.map { $0.shape == [outputs] } ?? true),
            "product: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "none")"
        )
        let y = Tensor(uninitialized: [n, outputs])
        if let bias { Kernels.fillRows(y, bias) }
        BLAS.multiply(
            y.pointer, x.pointer, weight.pointer, m: n, n: outputs, k: inputs,
            beta: bias == nil ? 0 : 1)
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
                        dw, kept.pointer, transposeA: true, dy.pointer, m: inputs, n: outputs,
                        k: n, beta: beta)
                }
            }
            sweep.accumulate(0) { dx, beta in
                BLAS.multiply(
                    dx, dy.pointer, weight.pointer, transposeB: true, m: n, n: inputs, k: outputs,
                    beta: beta)
            }
        }
    }
}
