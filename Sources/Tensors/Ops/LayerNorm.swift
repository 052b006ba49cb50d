internal import CKernels

extension Tape {
    /// Layer norm (Ba et al. 2016, arXiv 1607.06450) of dropout(`x`) + `residual`, all [n, H], over each row:
    /// normalised to mean 0 and variance 1, times `weight` [H], plus `bias` [H]; returns [n, H].
    ///
    /// The variance divides by H; `epsilon` is added to it. Traps on other shapes.
    public mutating func layerNorm(
        _ x: Tensor, residual: Tensor? = nil, weight: Tensor, bias: Tensor, epsilon: Float,
        dropout rate: Float = 0, rows: RowNumbers = RowNumbers([])
    ) -> Tensor {
        let (n, h) = (x.shape.rows, x.shape.width)
        precondition(
            x.shape.rank == 2 && weight.shape == [h] && bias.shape == [h]
                && (residual.map { $0.shape == x.shape } ?? true),
            "layerNorm: x \(x.shape), weight \(weight.shape), bias \(bias.shape)")
        let site = dropoutSite(rate, rows, count: n)
        let y = Tensor(uninitialized: x.shape)
        let operands = [x, weight, bias] + (residual.map { [$0] } ?? [])
        let keeps = operands.contains { wantsGradient($0) }
        let normalized = keeps ? Tensor(uninitialized: x.shape) : nil
        let rstd = keeps ? Tensor(uninitialized: [n]) : nil
        k_layer_norm_forward(
            y.pointer, normalized?.pointer, rstd?.pointer, x.pointer, residual?.pointer,
            weight.pointer,
            bias.pointer, Int64(n), Int64(h), epsilon, site.rows, site.key, site.rate)
        guard let normalized, let rstd else { return y }
        return record(y, from: operands) {
            [weight = weight.constant, hasResidual = residual != nil] dy, sweep in
            let dz: Tensor? =
                sweep.wants(0) || (hasResidual && sweep.wants(3))
                ? Tensor(uninitialized: dy.shape) : nil
            let dweight: Tensor? = sweep.wants(1) ? Tensor(zeros: [h]) : nil
            let dbias: Tensor? = sweep.wants(2) ? Tensor(zeros: [h]) : nil
            k_layer_norm_backward(
                dz?.pointer, dweight?.pointer, dbias?.pointer, dy.pointer, normalized.pointer,
                rstd.pointer,
                weight.pointer, Int64(n), Int64(h))
            if let dweight { sweep.give(dweight, to: 1) }
            if let dbias { sweep.give(dbias, to: 2) }
            guard let dz else { return }
            if hasResidual { sweep.give(dz, to: 3) }
            if sweep.wants(0) {
                if site.rate == 0 {
                    sweep.give(dz, to: 0)
                } else {
                    let dx = Tensor(uninitialized: dz.shape)
                    k_dropout(
                        dx.pointer, dz.pointer, Int64(n), Int64(h), site.rows, site.key, site.rate)
                    sweep.give(dx, to: 0)
                }
            }
        }
    }
}
