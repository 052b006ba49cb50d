public import Tensors

/// y = x W + b; `weight` is [inputs, outputs] and `bias` [outputs], as in the `Conv1D` of Hugging Face's GPT-2. A
/// low-rank adapter may be attached to its ``LinearLayer``.
public struct InputFirstLinear: Sendable {
    private let layer: LinearLayer
    private let bias: Parameter

    /// Throws where the source of parameters does.
    public init(_ scope: Scope, inputs: Int, outputs: Int, deviation: Double = 0.02) throws {
        let weight = try scope.parameter(
            "weight", [inputs, outputs], .normal(standardDeviation: deviation))
        bias = try scope.parameter("bias", [outputs], .zeros)
        layer = LinearLayer(scope, weight: weight, isInputFirst: true)
    }

    /// `x` [n, inputs], whose rows have the numbers `rows` in the batch, to [n, outputs].
    public func callAsFunction(_ x: Tensor, rows: RowNumbers, on tape: inout Tape) -> Tensor {
        let weight = tape.parameter(layer.weight)
        let bias = tape.parameter(bias)
        return layer.adapted(tape.product(x, weight, bias: bias), x, rows: rows, on: &tape)
    }
}
