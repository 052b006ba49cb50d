public import Tensors
public import Testing

/// Expects each number of `actual` within `absolute` + `relative` * |expected| of the expected one, and records the
/// worst where one is not. NaN is close to nothing, an infinity only to itself.
public func expectClose(
    _ actual: [Double], _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-6,
    _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    if let problem = farthest(actual, expected, relative: relative, absolute: absolute) {
        Issue.record("\(what()) \(problem)", sourceLocation: sourceLocation)
    }
}

/// As above, for the numbers of a tensor.
public func expectClose(
    _ actual: Tensor, _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-6,
    _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    expectClose(
        actual.values.map(Double.init), expected, relative: relative, absolute: absolute, what(),
        sourceLocation: sourceLocation)
}

/// What is wrong with `actual`, or `nil`.
public func farthest(
    _ actual: [Double], _ expected: [Double], relative: Double, absolute: Double
) -> String? {
    guard actual.count == expected.count else {
        return "\(actual.count) numbers where \(expected.count) were expected"
    }
    var worst: (index: Int, excess: Double)?
    var bad = 0
    for (index, (mine, other)) in zip(actual, expected).enumerated() where mine != other {
        let allowed = absolute + relative * abs(other)
        let distance = abs(mine - other)
        if distance <= allowed && other.isFinite { continue }
        bad += 1
        let excess = distance.isFinite ? distance / allowed : .infinity
        if excess > (worst?.excess ?? -1) { worst = (index, excess) }
    }
    guard let worst else { return nil }
    return "\(bad) of \(actual.count) numbers are off; at \(worst.index): \(actual[worst.index]) "
        + "where \(expected[worst.index]) was expected (\(worst.excess) times what is allowed)"
}

extension Tensor {
    /// The bit patterns of the numbers: equal exactly when all numbers are, signs of zeros and NaNs included.
    public var bits: [UInt32] { values.map(\.bitPattern) }
}
