public import Tensors

/// Layer norm with `weight` and `bias` [width], of the sum of a dropped-out branch and a residual.
public struct LayerNorm: Sendable {
    private let weight: Parameter
    private let bias: Parameter?
    /// In place of a bias.
    private let zeros: Tensor?
    private let epsilon: Float

    /// Throws where the source of parameters does.
    public init(_ scope: Scope, width: Int, epsilon: Double, hasBias: Bool = true) throws {
        weight = try scope.parameter("weight", [width], .ones)
        bias = hasBias ? try scope.parameter("bias", [width], .zeros) : nil
        zeros = hasBias ? nil : Tensor(zeros: [width])
        self.epsilon = Float(epsilon)
    }

    /// The norm of dropout(`x`) + `residual`, [n, width].
    public func callAsFunction(
        _ x: Tensor, residual: Tensor? = nil, dropout: Float = 0, rows: RowNumbers,
        on tape: inout Tape
    ) -> Tensor {
        let weight = tape.parameter(weight)
        let bias = bias.map { tape.parameter($0) } ?? zeros ?? Tensor(zeros: weight.shape)
        return tape.layerNorm(
            x, residual: residual, weight: weight, bias: bias, epsilon: epsilon, dropout: dropout,
            rows: rows)
    }
}
