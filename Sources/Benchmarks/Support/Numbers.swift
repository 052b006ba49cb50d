import Tensors

extension Tensor {
    /// Numbers from -1 to 1, a function of `seed`.
    static func random(_ shape: Shape, seed: UInt64) -> Tensor {
        var numbers: [Float] = []
        numbers.reserveCapacity(shape.count)
        for place in 0..<UInt64(shape.count) {
            numbers.append(Float(SplitMix64.draw(seed, place) >> 40) / 0x1p23 - 1)
        }
        return Tensor(numbers, shape: shape)
    }
}

extension RowNumbers {
    /// The first `count` rows of a batch.
    static func first(_ count: Int) -> RowNumbers { RowNumbers((0..<count).map { UInt32($0) }) }
}

/// A straight line through points, by least squares.
struct LineFit {
    let slope: Double
    let intercept: Double
    /// The share of the variance of `y` that the line explains.
    let r2: Double

    /// Traps on fewer than two points.
    init(_ points: [(x: Double, y: Double)]) {
        precondition(points.count > 1, "a line through \(points.count) points")
        let count = Double(points.count)
        let (meanX, meanY) = (
            points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count
        )
        var (xx, xy, yy) = (0.0, 0.0, 0.0)
        for point in points {
            xx += (point.x - meanX) * (point.x - meanX)
            xy += (point.x - meanX) * (point.y - meanY)
            yy += (point.y - meanY) * (point.y - meanY)
        }
        slope = xx == 0 ? 0 : xy / xx
        intercept = meanY - slope * meanX
        r2 = xx == 0 || yy == 0 ? 1 : xy * xy / (xx * yy)
    }
}

/// `count` places of 0 ..< `total`, evenly spread: all for 0, or where there are no more.
///
/// Files are often ordered by genre, so the first batches do not stand for all.
func spread(_ total: Int, count: Int) -> [Int] {
    guard count > 0, count < total else { return Array(0..<total) }
    return (0..<count).map { Int((Double($0) + 0.5) * Double(total) / Double(count)) }
}
