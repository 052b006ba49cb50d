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
    /// What is known of the rows of a table, where not all had a gradient.
    private var table: Table?

    private struct Table {
        /// Rows that ever had a gradient: the moments of the others are zero, only the decay changes them.
        var seen: [Bool]
        /// What the others owe.
        var debt: DecayDebt
    }

    /// Zero moments for a parameter whose part that learns has `shape`.
    ///
    /// They are made after a backward pass, when all that comes and goes lies idle: they take over memory of that, so that
    /// the first step, for which somebody waits, need not ask the system for more.
    ///
    /// - Parameter isSparse: whether it is a table of which few rows are in use: the others take no memory.
    public init(shape: Shape, isSparse: Bool = false) {
        first = Tensor(zeros: shape, for: isSparse ? .sparse : .passing)
        second = Tensor(zeros: shape, for: isSparse ? .sparse : .passing)
        steps = 0
    }

    /// Moments as saved. Traps where shapes differ.
    public init(first: Tensor, second: Tensor, steps: Int) {
        precondition(first.shape == second.shape, "moments \(first.shape) and \(second.shape)")
        self.first = first.copy(for: .staying)
        self.second = second.copy(for: .staying)
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
        /// For tables: the rows of the piece.
        fileprivate let rows: Rows?

        /// Updates the numbers of the piece.
        public func run() {
            guard let rows else { return update(0..<count, hasGradient: true) }
            var row = rows.range.lowerBound
            while row < rows.range.upperBound {
                // Neighbours of one kind are updated together.
                let kind = rows.kind(row)
                let start = row
                repeat { row += 1 } while row < rows.range.upperBound && rows.kind(row) == kind
                let numbers =
                    (start - rows.range.lowerBound) * width..<(row - rows.range.lowerBound) * width
                switch kind {
                case .untouched: update(numbers, hasGradient: false)
                case .touched: update(numbers, hasGradient: true)
                case .unseen: break
                }
            }
        }

        private func update(_ numbers: Range<Int>, hasGradient: Bool) {
            let start = numbers.lowerBound
            k_adamw(
                pointer + start, m + start, v + start, hasGradient ? gradient + start : nil,
                Int64(numbers.count), step.rate, step.beta1, step.beta2, step.epsilon, step.decay,
                step.correction1, step.correction2)
        }
    }

    /// Rows of a table in an update.
    fileprivate struct Rows {
        enum Kind {
            /// It has a gradient.
            case touched
            /// It had one before.
            case untouched
            /// It never had one: the decay is put off.
            case unseen
        }

        let range: Range<Int>
        /// Of all rows of the table.
        let touched: [Bool]
        let seen: [Bool]

        func kind(_ row: Int) -> Kind {
            touched[row] ? .touched : seen[row] ? .untouched : .unseen
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
        parameter.willChange()
        steps += 1
        var step = settings
        step.step = steps
        let width = max(1, first.shape.width)
        switch storage {
        case .dense(let gradient):
            // The pointer brings all rows up to date; from now on all have moments.
            let start = (parameter.trainableRows?.lowerBound ?? 0) * parameter.shape.width
            let values = parameter.value.pointer + start
            parameter.value.buffer.debt = nil
            table = nil
            return pieces(values, gradient, step, unit: 1, size: size) { _ in nil }
        case .rows(let gradient, let touched, let flags):
            let buffer = parameter.value.buffer
            var table = table(in: buffer)
            let values = buffer.pointer(toRows: touched)
            table.debt.free(touched)
            for row in touched where !table.seen[Int(row)] {
                table.seen[Int(row)] = true
                clear(row: Int(row))
            }
            table.debt.add(Float(1 - step.rate * step.decay))
            self.table = table
            let seen = table.seen
            return pieces(values, gradient, step, unit: width, size: size) { numbers in
                let range = numbers.lowerBound / width..<numbers.upperBound / width
                return Rows(range: range, touched: flags, seen: seen)
            }
        }
    }

    /// Cuts an update into pieces of whole units.
    private func pieces(
        _ values: UnsafeMutablePointer<Float>, _ gradient: Tensor, _ step: AdamWStep, unit: Int,
        size: Int, rows: (Range<Int>) -> Rows?
    ) -> [Piece] {
        let count = first.shape.count
        let length = max(unit, size / unit * unit)
        return stride(from: 0, to: count, by: length).map { start in
            let numbers = start..<min(start + length, count)
            return Piece(
                pointer: values + start, m: first.pointer + start, v: second.pointer + start,
                gradient: gradient.pointer + start, count: numbers.count, step: step,
                width: max(1, first.shape.width), rows: rows(numbers))
        }
    }

    /// Writes the zeros that the moments of a row begin with. Memory that nobody has written yet is read from a page that
    /// all share, and is exchanged when it is written, which interrupts all processors.
    private func clear(row: Int) {
        let width = first.shape.width
        for moment in [first, second] {
            (moment.pointer + row * width).update(repeating: 0, count: width)
        }
    }

    /// What is known of the rows of the table in `buffer`, whose debt is this optimizer's.
    private func table(in buffer: Buffer) -> Table {
        if let table, table.debt === buffer.debt { return table }
        let seen =
            table?.seen
            ?? (steps == 1 ? Array(repeating: false, count: first.shape.rows) : rowsWithMoments())
        // Those of another optimizer are paid first.
        _ = buffer.pointer
        let debt = DecayDebt(width: first.shape.width, isFree: seen)
        buffer.debt = debt
        return Table(seen: seen, debt: debt)
    }

    private func rowsWithMoments() -> [Bool] {
        let width = first.shape.width
        let (m, v) = (first.pointer, second.pointer)
        return (0..<first.shape.rows).map { row in
            k_sum_of_squares(m + row * width, Int64(width)) != 0
                || k_sum_of_squares(v + row * width, Int64(width)) != 0
        }
    }
}
