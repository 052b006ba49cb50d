/// ``Correlation/pearson(_:_:)`` of rows that count several times.
struct WeightedPearson: Sendable {
    private let x: [Double]
    private let y: [Double]

    init(_ x: [Double], _ y: [Double]) { (self.x, self.y) = (x, y) }

    var rows: Int { x.count }

    func value(_ weights: [Int32]) -> Double {
        guard varies(x, weights), varies(y, weights) else { return .nan }
        var (count, sumX, sumY) = (0.0, 0.0, 0.0)
        for row in x.indices {
            let weight = Double(weights[row])
            count += weight
            sumX += weight * x[row]
            sumY += weight * y[row]
        }
        let (meanX, meanY) = (sumX / count, sumY / count)
        var sums = CorrelationSums()
        for row in x.indices where weights[row] > 0 {
            sums.add(x[row] - meanX, y[row] - meanY, Double(weights[row]))
        }
        return sums.correlation
    }

    private func varies(_ numbers: [Double], _ weights: [Int32]) -> Bool {
        guard let first = weights.firstIndex(where: { $0 > 0 }) else { return false }
        return numbers.indices.contains { weights[$0] > 0 && numbers[$0] != numbers[first] }
    }
}

/// ``Correlation/spearman(_:_:)`` of rows that count several times, without sorting them again.
struct WeightedSpearman: Sendable {
    /// Numbers by their place among the distinct ones.
    private struct Column: Sendable {
        let groups: [Int32]
        let count: Int

        init(_ numbers: [Double]) {
            let order = numbers.indices.sorted { numbers[$0] < numbers[$1] }
            var groups = Array(repeating: Int32(0), count: numbers.count)
            var last: Int32 = -1
            for (place, row) in order.enumerated() {
                if place == 0 || numbers[row] != numbers[order[place - 1]] { last += 1 }
                groups[row] = last
            }
            self.groups = groups
            count = Int(last) + 1
        }

        /// Twice the distance of each group's mean rank from the mean of all ranks: whole numbers, so that sums of
        /// their products are exact.
        func ranks(_ weights: [Int32]) -> [Double] {
            var sizes = Array(repeating: 0, count: count)
            var total = 0
            for (group, weight) in zip(groups, weights) {
                sizes[Int(group)] += Int(weight)
                total += Int(weight)
            }
            var before = 0
            return sizes.map { size in
                defer { before += size }
                return Double(2 * before + size - total)
            }
        }
    }

    private let x: Column
    private let y: Column
    private let isDefined: Bool

    init(_ x: [Double], _ y: [Double]) {
        isDefined = !x.contains(where: \.isNaN) && !y.contains(where: \.isNaN)
        self.x = Column(isDefined ? x : x.map { _ in 0 })
        self.y = Column(isDefined ? y : y.map { _ in 0 })
    }

    var rows: Int { x.groups.count }

    func value(_ weights: [Int32]) -> Double {
        guard isDefined else { return .nan }
        let (ranksX, ranksY) = (x.ranks(weights), y.ranks(weights))
        var sums = CorrelationSums()
        for row in weights.indices where weights[row] > 0 {
            sums.add(
                ranksX[Int(x.groups[row])], ranksY[Int(y.groups[row])], Double(weights[row]))
        }
        return sums.correlation
    }
}

/// Sums of products of distances from the mean.
private struct CorrelationSums {
    private var (xx, yy, xy) = (0.0, 0.0, 0.0)

    mutating func add(_ dx: Double, _ dy: Double, _ weight: Double) {
        xx += weight * (dx * dx)
        yy += weight * (dy * dy)
        xy += weight * (dx * dy)
    }

    var correlation: Double {
        guard xx > 0, yy > 0 else { return .nan }
        return max(-1, min(1, xy / (xx.squareRoot() * yy.squareRoot())))
    }
}
