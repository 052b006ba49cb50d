#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
public import Tensors

/// A learnt number per head for each bucket of distances, added to attention scores (Raffel et al. 2020,
/// arXiv 1910.10683, section 2.1).
///
/// Half the buckets are for keys in front of the query, half for those behind it; of each half, the first half
/// are for one distance each, the rest widen logarithmically up to `maximumDistance`.
public struct RelativePositionBias: Sendable {
    private let weight: Parameter
    private let buckets: Int
    private let maximumDistance: Int

    /// Throws where the source of parameters does. Traps where there are fewer than four buckets, or `maximumDistance`
    /// lies within those for one distance.
    public init(
        _ scope: Scope, buckets: Int, maximumDistance: Int, heads: Int, deviation: Double
    ) throws {
        precondition(
            buckets >= 4 && maximumDistance > buckets / 4,
            "\(buckets) buckets for distances up to \(maximumDistance)")
        weight = try scope.parameter(
            "weight", [buckets, heads], .normal(standardDeviation: deviation))
        (self.buckets, self.maximumDistance) = (buckets, maximumDistance)
    }

    /// The bias by distance for sequences of at most `longest` tokens, [2 * longest - 1, heads].
    public func callAsFunction(longest: Int, on tape: inout Tape) -> Tensor {
        let table = tape.parameter(weight)
        let distances = (1 - max(longest, 1))...(max(longest, 1) - 1)
        let ids = distances.map {
            Int32(
                RelativePositionBias.bucket($0, buckets: buckets, maximumDistance: maximumDistance))
        }
        return tape.embed([(table, ids)])
    }

    /// The bucket for a key `distance` behind the query.
    static func bucket(_ distance: Int, buckets: Int, maximumDistance: Int) -> Int {
        let half = buckets / 2
        let exact = half / 2
        let first = distance > 0 ? half : 0
        let size = abs(distance)
        if size < exact { return first + size }
        // Single precision throughout, as the models were trained: borders fall on whole numbers.
        let span = Float(log(Double(maximumDistance) / Double(exact)))
        let share = logf(Float(size) / Float(exact)) / span * Float(half - exact)
        return first + min(exact + Int(share), half - 1)
    }
}
