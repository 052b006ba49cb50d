public import Tensors

/// y = x W^T + b; `weight` is [outputs, inputs] and `bias` [outputs], as in PyTorch. A low-rank adapter may be attached
/// to its ``LinearLayer``.
public struct Linear: Sendable {
    private let layer: LinearLayer
    private let bias: Parameter?

    /// Throws where the source of parameters does.
    public init(
        _ scope: Scope, inputs: Int, outputs: Int, hasBias: Bool = true, deviation: Double = 0.02
    ) throws {
        let weight = try scope.parameter(
            "weight", [outputs, inputs], .normal(standardDeviation: deviation))
        bias = hasBias ? try scope.parameter("bias", [outputs], .zeros) : nil
        layer = LinearLayer(scope, weight: weight, isInputFirst: false)
    }

    /// `x` [n, inputs], whose rows have the numbers `rows` in the batch, to [n, outputs].
    public func callAsFunction(_ x: Tensor, rows: RowNumbers, on tape: inout Tape) -> Tensor {
        let weight = tape.parameter(layer.weight)
        let bias = bias.map { tape.parameter($0) }
        return layer.adapted(
            tape.linear(x, weight: weight, bias: bias), x, rows: rows, on: &tape)
    }
}
