public import Tensors

/// RMS norm with `weight` [width].
public struct RMSNorm: Sendable {
    private let weight: Parameter
    private let epsilon: Float

    /// Throws where the source of parameters does.
    public init(_ scope: Scope, width: Int, epsilon: Double) throws {
        weight = try scope.parameter("weight", [width], .ones)
        self.epsilon = Float(epsilon)
    }

    /// The norm of each group of `width` neighbours in the rows of `x`.
    public func callAsFunction(_ x: Tensor, on tape: inout Tape) -> Tensor {
        let weight = tape.parameter(weight)
        return tape.rmsNorm(x, weight: weight, epsilon: epsilon)
    }
}
