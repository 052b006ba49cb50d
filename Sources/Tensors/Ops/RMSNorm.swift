internal import CKernels

extension Tape {
    /// RMS norm (Zhang and Sennrich 2019, arXiv 1910.07467) of every group of W neighbours in the rows of `x`
    /// [n, m * W]: divided by the root of the mean of their squares, times `weight` [W]; returns [n, m * W].
    ///
    /// `epsilon` is added to the mean. Traps on other shapes.
    public mutating func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
        let width = weight.shape.width
        precondition(
            x.shape.rank == 2 && weight.shape.rank == 1 && width > 0 && x.shape.width % width == 0,
            "rmsNorm: x \(x.shape), weight \(weight.shape)")
        let count = x.shape.count / width
        let y = Tensor(uninitialized: x.shape)
        let keeps = wantsGradient(x) || wantsGradient(weight)
        let rstd = keeps ? Tensor(uninitialized: [count]) : nil
        k_rms_norm_forward(
            y.pointer, rstd?.pointer, x.pointer, weight.pointer, Int64(count), Int64(width),
            epsilon)
        guard let rstd else { return y }
        return record(y, from: [x, weight]) {
            [x = x.constant, weight = weight.constant] dy, sweep in
            let dx = sweep.wants(0) ? Tensor(uninitialized: x.shape) : nil
            let dweight = sweep.wants(1) ? Tensor(zeros: weight.shape) : nil
            k_rms_norm_backward(
                dx?.pointer, dweight?.pointer, dy.pointer, x.pointer, rstd.pointer, weight.pointer,
                Int64(count), Int64(width))
            if let dweight { sweep.give(dweight, to: 1) }
            if let dx { sweep.give(dx, to: 0) }
        }
    }
}
