/// Agreement of two lists of numbers.
public enum Correlation {
    /// Pearson's correlation; NaN where a list is constant or shorter than 2. Traps on different lengths.
    public static func pearson(_ x: [Double], _ y: [Double]) -> Double {
        precondition(x.count == y.count, "pearson of \(x.count) and \(y.count) numbers")
        // Compared themselves: the differences from a rounded mean are not exactly 0.
        guard x.count >= 2, x.contains(where: { $0 != x[0] }), y.contains(where: { $0 != y[0] })
        else { return .nan }
        let n = Double(x.count)
        let (meanX, meanY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (a, b) in zip(x, y) {
            let (dx, dy) = (a - meanX, b - meanY)
            xx += dx * dx
            yy += dy * dy
            xy += dx * dy
        }
        guard xx > 0, yy > 0 else { return .nan }
        return max(-1, min(1, xy / (xx.squareRoot() * yy.squareRoot())))
    }

    /// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank; NaN where a number is,
    /// which has no rank.
    public static func spearman(_ x: [Double], _ y: [Double]) -> Double {
        guard !x.contains(where: \.isNaN), !y.contains(where: \.isNaN) else { return .nan }
        return pearson(ranks(x), ranks(y))
    }

    /// Ranks from 1; equal numbers share the mean of their ranks.
    public static func ranks(_ x: [Double]) -> [Double] {
        let order = x.indices.sorted { (x[$0], $0) < (x[$1], $1) }
        var result = Array(repeating: 0.0, count: x.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, x[order[end]] == x[order[start]] { end += 1 }
            for place in start..<end { result[order[place]] = Double(start + end + 1) / 2 }
            start = end
        }
        return result
    }
}
