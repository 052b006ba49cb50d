public import Tensors

/// A table of `count` learnt rows of `width` numbers.
public struct Embedding: Sendable {
    private let weight: Parameter

    /// Throws where the source of parameters does.
    public init(_ scope: Scope, count: Int, width: Int, deviation: Double = 0.02) throws {
        weight = try scope.parameter(
            "weight", [count, width], .normal(standardDeviation: deviation))
    }

    /// The table on `tape`, for ``Tape/embed(_:)``.
    public func table(on tape: inout Tape) -> Tensor { tape.parameter(weight) }
}
