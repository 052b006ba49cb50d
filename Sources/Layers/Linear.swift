public import Tensors

/// y = x W^T + b; `weight` is [outputs, inputs] and `bias` [outputs], as in PyTorch.
public struct Linear: Sendable {
    private let weight: Parameter
    private let bias: Parameter?

    /// Throws where the source of parameters does.
    public init(
        _ scope: Scope, inputs: Int, outputs: Int, hasBias: Bool = true, deviation: Double = 0.02
    ) throws {
        weight = try scope.parameter(
            "weight", [outputs, inputs], .normal(standardDeviation: deviation))
        bias = hasBias ? try scope.parameter("bias", [outputs], .zeros) : nil
    }

    /// `x` [n, inputs] to [n, outputs].
    public func callAsFunction(_ x: Tensor, on tape: inout Tape) -> Tensor {
        let weight = tape.parameter(weight)
        let bias = bias.map { tape.parameter($0) }
        return tape.linear(x, weight: weight, bias: bias)
    }
}
