public import Tensors

/// y = x W + b; `weight` is [inputs, outputs] and `bias` [outputs], as in the `Conv1D` of Hugging Face's GPT-2.
public struct InputFirstLinear: Sendable {
    private let weight: Parameter
    private let bias: Parameter

    /// Throws where the source of parameters does.
    public init(_ scope: Scope, inputs: Int, outputs: Int, deviation: Double = 0.02) throws {
        weight = try scope.parameter(
            "weight", [inputs, outputs], .normal(standardDeviation: deviation))
        bias = try scope.parameter("bias", [outputs], .zeros)
    }

    /// `x` [n, inputs] to [n, outputs].
    public func callAsFunction(_ x: Tensor, on tape: inout Tape) -> Tensor {
        let weight = tape.parameter(weight)
        let bias = tape.parameter(bias)
        return tape.product(x, weight, bias: bias)
    }
}
