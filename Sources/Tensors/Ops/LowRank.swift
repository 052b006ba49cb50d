internal import CKernels

extension Tape {
    /// `y` plus what a low-rank adapter adds to a linear layer (Hu et al. 2021, arXiv 2106.09685, section 4.1):
    /// `scale` * dropout(`x`) times the transposes of `a` and `b`.
    ///
    /// `y` is [n, O], `x` [n, I], `a` [r, I], `b` [O, r]; returns [n, O], in the memory of `y` where nobody else holds
    /// it. Traps on other shapes, and where dropout has another number of rows.
    public mutating func addLowRank(
        to y: consuming Tensor, _ x: Tensor, _ a: Tensor, _ b: Tensor, scale: Float,
        dropout rate: Float = 0, rows: RowNumbers = RowNumbers([])
    ) -> Tensor {
        let (n, inputs, rank, outputs) = (x.shape.rows, x.shape.width, a.shape.rows, b.shape.rows)
        precondition(
            x.shape.rank == 2 && y.shape == [n, outputs] && a.shape == [rank, inputs]
                && b.shape == [outputs, rank],
            "addLowRank: y \(y.shape), x \(x.shape), a \(a.shape), b \(b.shape)")
        let site = dropoutSite(rate, rows, count: n)
        let reduced = Tensor(uninitialized: [n, rank])
        let dropped = x.constant.dropped(at: site)
        MatrixProduct(
            dropped.pointer, a.pointer, transposeB: true, m: n, n: rank, k: inputs,
            precision: precision
        ).write(to: reduced.pointer, factor: scale)
        // Whoever made y has handed it over; where someone still looks at it, the sum gets memory of its own.
        if !isKnownUniquelyReferenced(&y.buffer) { y.buffer = y.copy.buffer }
        MatrixProduct(
            reduced.pointer, b.pointer, transposeB: true, m: n, n: outputs, k: rank,
            precision: precision
        ).write(to: y.pointer, adds: true)
        return record(y.constant, from: [y, x, a, b]) {
            [x = x.constant, a = a.constant, b = b.constant, precision] dy, sweep in
            sweep.give(dy, to: 0)
            if sweep.wants(3) {
                let product = MatrixProduct(
                    dy.pointer, transposeA: true, reduced.pointer, m: outputs, n: rank, k: n,
                    precision: precision)
                sweep.accumulate(3) { db, beta in product.write(to: db, adds: beta != 0) }
            }
            guard sweep.wants(1) || sweep.wants(2) else { return }
            let down = Tensor(uninitialized: [n, rank])
            MatrixProduct(
                dy.pointer, b.pointer, m: n, n: rank, k: outputs, precision: precision
            ).write(to: down.pointer, factor: scale)
            if sweep.wants(2) {
                let dropped = x.dropped(at: site)
                let product = MatrixProduct(
                    down.pointer, transposeA: true, dropped.pointer, m: rank, n: inputs, k: n,
                    precision: precision)
                sweep.accumulate(2) { da, beta in product.write(to: da, adds: beta != 0) }
            }
            guard sweep.wants(1) else { return }
            let product = MatrixProduct(
                down.pointer, a.pointer, m: n, n: inputs, k: rank, precision: precision)
            if site.rate == 0 {
                sweep.accumulate(1) { dx, beta in product.write(to: dx, adds: beta != 0) }
            } else {
                let dx = Tensor(uninitialized: [n, inputs])
                product.write(to: dx.pointer)
                sweep.give(dx.dropped(at: site), to: 1)
            }
        }
    }
}

extension Tensor {
    /// These numbers [n, H] with dropout at `site`; themselves where nothing is dropped.
    fileprivate func dropped(at site: DropoutSite) -> Tensor {
        if site.rate == 0 { return self }
        let y = Tensor(uninitialized: shape)
        k_dropout(
            y.pointer, pointer, Int64(shape.rows), Int64(shape.width), site.rows, site.key,
            site.rate)
        return y
    }

    /// This weight [O, I] plus `scale` * `b` `a`, where `a` is [r, I] and `b` [O, r]; of a weight that has its inputs
    /// first, [I, O], plus the transpose of that product. Traps on other shapes.
    package func addingLowRank(
        _ a: Tensor, _ b: Tensor, scale: Float, isInputFirst: Bool
    ) -> Tensor {
        let (rank, inputs, outputs) = (a.shape.rows, a.shape.width, b.shape.rows)
        precondition(
            a.shape.rank == 2 && b.shape == [outputs, rank]
                && shape == (isInputFirst ? [inputs, outputs] : [outputs, inputs]),
            "addingLowRank: weight \(shape), a \(a.shape), b \(b.shape)")
        let sum = copy
        if isInputFirst {
            MatrixProduct(
                a.pointer, transposeA: true, b.pointer, transposeB: true, m: inputs, n: outputs,
                k: rank
            ).write(to: sum.pointer, factor: scale, adds: true)
        } else {
            MatrixProduct(b.pointer, a.pointer, m: outputs, n: inputs, k: rank)
                .write(to: sum.pointer, factor: scale, adds: true)
        }
        return sum
    }
}
