public import Tensors
public import Testing

/// Compares the gradients of an operation with differences of its values.
///
/// The result y is contracted with a fixed random cotangent c to one number, in double precision. Along a direction
/// v of one input x that number changes from x - hv to x + hv by sum(g * 2hv), where g is the gradient of x that
/// the pullback gave for c.
///
/// The difference of two float32 results has an error of its own: each element of y carries a rounding error of a few
/// units in its last place, independently, so the contracted sum is uncertain by a few times 2^-24 * |c * y|. The
/// floor is 16 of these. A check in which both numbers stay below the floor shows nothing and is a problem too,
/// unless the input is named in ``zero``.
public struct GradientCheck: Sendable {
    /// The step h along directions whose entries are 1 or -1 (or 0).
    public var step: Float = 1e-2
    /// The relative difference that is allowed.
    public var tolerance = 1e-2
    /// The seed of tapes, cotangent and directions.
    public var seed: UInt64 = 1
    /// Inputs whose gradient is zero by nature.
    public var zero: Set<Int> = []

    /// A check with the given step and tolerance.
    public init(
        step: Float = 1e-2, tolerance: Double = 1e-2, seed: UInt64 = 1, zero: Set<Int> = []
    ) {
        (self.step, self.tolerance, self.seed, self.zero) = (step, tolerance, seed, zero)
    }

    /// The operation: gets the inputs in order, and must do the same on each call.
    public typealias Body = (inout Tape, [Tensor]) -> Tensor

    /// What is wrong with the gradients of `body` at `inputs`, one line each; empty where they are right.
    ///
    /// Inputs are checked as variables, then as parameters, then with one of them frozen at a time.
    public func problems(_ inputs: [Tensor], _ body: Body) -> [String] {
        let center = value(inputs, body)
        var random = TestRandom(seed)
        let cotangent = random.tensor(center.shape, size: 0.5...1.5)
        let gradients = asVariables(inputs, cotangent, body)
        var problems: [String] = []
        for (index, input) in inputs.enumerated() where input.shape.count > 0 {
            guard let gradient = gradients[index] else {
                if !zero.contains(index) { problems.append("input \(index) has no gradient") }
                continue
            }
            guard gradient.shape == input.shape else {
                problems.append("the gradient of input \(index) is \(gradient.shape)")
                continue
            }
            problems += compare(index, inputs, gradient, center, cotangent, &random, body)
        }
        return problems + parameterProblems(inputs, cotangent, gradients, body)
    }

    private func compare(
        _ index: Int, _ inputs: [Tensor], _ gradient: Tensor, _ center: Tensor,
        _ cotangent: Tensor, _ random: inout TestRandom, _ body: Body
    ) -> [String] {
        let noise = sumOfProducts(center, cotangent) { ($0 * $1) * ($0 * $1) }.squareRoot()
        let floor = 16 * 0x1p-24 * noise + 1e-12
        let count = inputs[index].shape.count
        var problems: [String] = []
        var isInformed = zero.contains(index)
        for direction in 0..<6 {
            // Three directions through all elements, and three along single ones.
            var step = [Float](repeating: 0, count: count)
            if direction < 3 {
                for place in 0..<count { step[place] = random.sign() * self.step }
            } else {
                step[Int.random(in: 0..<count, using: &random)] = random.sign() * self.step
            }
            let (up, down) = (moved(inputs[index], step, 1), moved(inputs[index], step, -1))
            var (above, below) = (inputs, inputs)
            (above[index], below[index]) = (up, down)
            let difference =
                sumOfProducts(value(above, body), cotangent, *)
                - sumOfProducts(value(below, body), cotangent, *)
            // The step that was really taken, after rounding.
            let expected =
                sumOfProducts(gradient, up, *) - sumOfProducts(gradient, down, *)
            if max(abs(difference), abs(expected)) > 4 * floor { isInformed = true }
            if !(abs(difference - expected) <= tolerance * abs(difference) + floor) {
                problems.append(
                    "input \(index), direction \(direction): the gradient promises \(expected), "
                        + "the value changes by \(difference) (floor \(floor))")
            }
        }
        if !isInformed { problems.append("input \(index): nothing rises above \(floor)") }
        return problems
    }

    /// Parameters must get what variables get; a frozen one nothing, and the others the same as before.
    private func parameterProblems(
        _ inputs: [Tensor], _ cotangent: Tensor, _ expected: [Tensor?], _ body: Body
    ) -> [String] {
        var problems: [String] = []
        for frozen in [nil] + inputs.indices.map(Optional.some) {
            let parameters = inputs.enumerated().map { Parameter(name: "p\($0)", value: $1) }
            if let frozen { parameters[frozen].isFrozen = true }
            var tape = Tape(.training(seed: seed))
            let result = body(&tape, parameters.map { tape.parameter($0) })
            let gradients = tape.backward(from: result, seed: cotangent)
            for (index, parameter) in parameters.enumerated() {
                let gradient = gradients[parameter]
                let name = "parameter \(index)" + (frozen.map { ", \($0) frozen" } ?? "")
                if index == frozen {
                    if gradient != nil { problems.append("\(name): a frozen one has a gradient") }
                    continue
                }
                guard let gradient, let other = expected[index] else {
                    if (gradient == nil) != (expected[index] == nil) {
                        problems.append("\(name): gradient missing or surplus")
                    }
                    continue
                }
                let wide = other.values.map(Double.init)
                let size = wide.reduce(0) { max($0, abs($1)) }
                if let problem = farthest(
                    gradient.values.map(Double.init), wide, relative: 1e-6, absolute: 1e-6 * size)
                {
                    problems.append("\(name): \(problem)")
                }
            }
        }
        return problems
    }

    private func asVariables(_ inputs: [Tensor], _ cotangent: Tensor, _ body: Body) -> [Tensor?] {
        var tape = Tape(.training(seed: seed))
        let variables = inputs.map { tape.variable($0) }
        let result = body(&tape, variables)
        let gradients = tape.backward(from: result, seed: cotangent)
        return variables.map { gradients[$0] }
    }

    /// The value for constant inputs, with the same dropout.
    private func value(_ inputs: [Tensor], _ body: Body) -> Tensor {
        var tape = Tape(.training(seed: seed))
        return body(&tape, inputs)
    }

    private func moved(_ tensor: Tensor, _ step: [Float], _ sign: Float) -> Tensor {
        Tensor(zip(tensor.values, step).map { $0 + sign * $1 }, shape: tensor.shape)
    }

    private func sumOfProducts(
        _ a: Tensor, _ b: Tensor, _ product: (Double, Double) -> Double
    ) -> Double {
        zip(a.values, b.values).reduce(0) { $0 + product(Double($1.0), Double($1.1)) }
    }
}

/// Expects the gradients of `body` at `inputs` to be right; see ``GradientCheck``.
public func expectGradients(
    of inputs: [Tensor], _ check: GradientCheck = GradientCheck(),
    sourceLocation: SourceLocation = #_sourceLocation, _ body: GradientCheck.Body
) {
    for problem in check.problems(inputs, body) {
        Issue.record("\(problem)", sourceLocation: sourceLocation)
    }
}
