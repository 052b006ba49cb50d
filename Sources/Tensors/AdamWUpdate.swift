internal import CKernels

/// The numbers of one AdamW step that are the same for a group of parameters.
public struct AdamWStep: Sendable {
    /// The learning rate.
    public var rate: Double
    /// The decay of the first moment.
    public var beta1: Double
    /// The decay of the second moment.
    public var beta2: Double
    /// Added to the root of the second moment.
    public var epsilon: Double
    /// The decoupled weight decay.
    public var decay: Double
    /// The number of this step, from 1.
    public var step: Int

    /// All numbers of a step.
    public init(
        rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, step: Int
    ) {
        (self.rate, self.beta1, self.beta2) = (rate, beta1, beta2)
        (self.epsilon, self.decay, self.step) = (epsilon, decay, step)
    }

    /// 1 - beta1^step.
    var correction1: Double { 1 - power(beta1, step) }
    /// 1 - beta2^step.
    var correction2: Double { 1 - power(beta2, step) }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}

/// The moments of one parameter, and the update in place (Loshchilov and Hutter 2019, arXiv 1711.05101; the order of
/// operations is that of torch.optim.AdamW).
public final class AdamWMoments: @unchecked Sendable {
    /// The running mean of gradients.
    public let first: Tensor
    /// The running mean of squared gradients.
    public let second: Tensor
    /// How many updates there were.
    public private(set) var steps: Int
    /// Rows of a table that ever had a gradient: the moments of the others are zero, only the decay changes them.
    private var seen: [Bool]?

    /// Zero moments for a parameter whose part that learns has `shape`.
    public init(shape: Shape) {
        first = Tensor(zeros: shape, stays: true)
        second = Tensor(zeros: shape, stays: true)
        steps = 0
    }

    /// Moments as saved. Traps where shapes differ.
    public init(first: Tensor, second: Tensor, steps: Int) {
        precondition(first.shape == second.shape, "moments \(first.shape) and \(second.shape)")
        self.first = first.copy(stays: true)
        self.second = second.copy(stays: true)
        self.steps = steps
    }

    /// One piece of an update: may run beside other pieces.
    public struct Piece: @unchecked Sendable {
        fileprivate let pointer: UnsafeMutablePointer<Float>
        fileprivate let m: UnsafeMutablePointer<Float>
        fileprivate let v: UnsafeMutablePointer<Float>
        fileprivate let gradient: UnsafeMutablePointer<Float>
        fileprivate let count: Int
        fileprivate let step: AdamWStep
        fileprivate let width: Int
        /// For tables: which rows of the piece have a gradient, and which have moments.
        fileprivate let touched: [Bool]?
        fileprivate let seen: [Bool]?

        /// Updates the numbers of the piece.
        public func run() {
            func update(_ start: Int, _ count: Int, hasGradient: Bool) {
                k_adamw(
                    pointer + start, m + start, v + start, hasGradient ? gradient + start : nil,
                    Int64(count),
                    step.rate, step.beta1, step.beta2, step.epsilon, step.decay, step.correction1,
                    step.correction2)
            }
            guard let touched else { return update(0, count, hasGradient: true) }
            let keep = Float(1 - step.rate * step.decay)
            for row in 0..<(count / width) {
                if touched[row] {
                    update(row * width, width, hasGradient: true)
                } else if seen?[row] ?? true {
                    update(row * width, width, hasGradient: false)
                } else if keep != 1 {
                    k_scale_in_place(pointer + row * width, keep, Int64(width))
                }
            }
        }
    }

    /// The update of `parameter` by its gradient in `gradients`, cut into pieces of about `size` numbers whose
    /// borders depend on the parameter alone; empty where it has no gradient. Traps where the moments are not of the
    /// part that learns.
    public func pieces(
        of parameter: Parameter, _ gradients: Gradients, _ settings: AdamWStep, size: Int = 1 << 16
    ) -> [Piece] {
        guard let storage = gradients.storage(of: parameter) else { return [] }
        precondition(
            parameter.trainableShape == first.shape,
            "moments \(first.shape) for \(parameter.trainableShape) of \(parameter.name)")
        let values =
            parameter.value.pointer
            + (parameter.trainableRows?.lowerBound ?? 0) * parameter.shape.width
        steps += 1
        var step = settings
        step.step = steps
        let (count, width) = (first.shape.count, max(1, first.shape.width))
        var pieces: [Piece] = []
        func cut(_ gradient: Tensor, unit: Int, flags: (touched: [Bool], seen: [Bool])?) {
            let stride = max(unit, size / unit * unit)
            for start in Swift.stride(from: 0, to: count, by: stride) {
                let length = min(stride, count - start)
                let rows = start / width..<(start + length) / width
                pieces.append(
                    Piece(
                        pointer: values + start, m: first.pointer + start,
                        v: second.pointer + start, gradient: gradient.pointer + start,
                        count: length,
                        step: step, width: width, touched: flags.map { Array($0.touched[rows]) },
                        seen: flags.map { Array($0.seen[rows]) }))
            }
        }
        switch storage {
        case .dense(let gradient):
            seen = nil
            cut(gradient, unit: 1, flags: nil)
        case .rows(let gradient, let rows, let flags):
            var known = seen ?? (steps == 1 ? flags.map { _ in false } : rowsWithMoments())
            cut(gradient, unit: width, flags: (flags, known))
            for row in rows { known[Int(row)] = true }
            seen = known
        }
        return pieces
    }

    private func rowsWithMoments() -> [Bool] {
        let width = max(1, second.shape.width)
        return (0..<second.shape.rows).map { row in
            (0..<width).contains {
                second.pointer[row * width + $0] != 0 || first.pointer[row * width + $0] != 0
            }
        }
    }
}
