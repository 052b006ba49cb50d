extension Tape {
    /// A linear layer: `x` [n, I] times the transpose of `weight` [O, I], plus `bias` [O]; returns [n, O].
    ///
    /// Traps on other shapes.
    public mutating func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let outputs = weight.shape.rows
        precondition(
            x.shape.rank == 2 && weight.shape == [outputs, x.shape.width]
                && (bias.map { $0.shape == [outputs] } ?? true),
            "linear: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "none")"
        )
        return affine(x, weight, bias, outputs: outputs, isInputFirst: false)
    }

    /// A linear layer whose weight has its inputs first: `x` [n, I] times `weight` [I, O], plus `bias` [O]; returns
    /// [n, O]. Traps on other shapes.
    public mutating func product(_ x: Tensor, _ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let outputs = weight.shape.width
        precondition(
            x.shape.rank == 2 && weight.shape == [x.shape.width, outputs]
                && (bias.map { $0.shape == [outputs] } ?? true),
            "product: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "none")"
        )
        return affine(x, weight, bias, outputs: outputs, isInputFirst: true)
    }

    /// What products take in place of the rows of `x`, where they take something else: several layers in a row may have
    /// the same input.
    private mutating func rounded(_ x: Tensor) -> Buffer? {
        if let last = lastRounded, last.input === x.buffer { return last.rows }
        let rows = MatrixProduct.rounded(
            x.pointer, m: x.shape.rows, k: x.shape.width, precision)
        lastRounded = rows.map { (x.buffer, $0) }
        return rows
    }

    /// x op(weight) + bias, where op transposes unless `isInputFirst`.
    private mutating func affine(
        _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, outputs: Int, isInputFirst: Bool
    ) -> Tensor {
        let (n, inputs) = (x.shape.rows, x.shape.width)
        let y = Tensor(uninitialized: [n, outputs])
        MatrixProduct(
            x.pointer, weight.pointer, transposeB: !isInputFirst, m: n, n: outputs, k: inputs,
            precision: precision, cache: keepsLayouts ? weight.buffer.panels : nil,
            laysOutLate: true, rounded: rounded(x)
        ).write(to: y.pointer, bias: bias?.pointer, crew: crew)
        // A frozen weight needs no input kept.
        let kept = wantsGradient(weight) ? x.constant : nil
        let operands = bias.map { [x, weight, $0] } ?? [x, weight]
        return record(y, from: operands) {
            [weight = weight.constant, hasBias = bias != nil, precision] dy, sweep in
            let db = hasBias && sweep.wants(2) ? Tensor(zeros: [outputs]) : nil
            if let kept {
                sweep.addProduct(kept, dy, isInputFirst: isInputFirst, precision, sums: db)
            } else if let db {
                Kernels.columnSums(db, of: dy)
            }
            if let db { sweep.give(db, to: 2) }
            guard sweep.wants(0) else { return }
            let product = MatrixProduct(
                dy.pointer, weight.pointer, transposeB: isInputFirst, m: n, n: inputs, k: outputs,
                precision: precision, laysOutLate: true)
            sweep.accumulate(0) { [crew = sweep.crew] dx, beta in
                product.write(to: dx, adds: beta != 0, crew: crew)
            }
        }
    }
}

extension Sweep {
    /// Adds dy^T x, or x^T dy where `isInputFirst`, to the gradient of a weight, input number 1; and the column sums of
    /// `dy` to `sums`.
    ///
    /// All is laid out before the turn of this sweep has come.
    fileprivate mutating func addProduct(
        _ x: Tensor, _ dy: Tensor, isInputFirst: Bool, _ precision: Precision, sums: Tensor?
    ) {
        let (left, right) = isInputFirst ? (x, dy) : (dy, x)
        // The left side is summed on the way.
        if let sums, isInputFirst { Kernels.columnSums(sums, of: dy) }
        let product = MatrixProduct(
            left.pointer, transposeA: true, right.pointer, m: left.shape.width,
            n: right.shape.width, k: x.shape.rows, precision: precision,
            addingSumsTo: isInputFirst ? nil : sums?.pointer)
        accumulate(1) { [crew] dw, beta in product.write(to: dw, adds: beta != 0, crew: crew) }
    }
}
