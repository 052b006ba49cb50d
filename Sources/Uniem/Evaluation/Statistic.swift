/// Metrics as functions of how often each row counts: once each for their values, as drawn for a resample.
enum Statistic: Sendable {
    /// The mean of one number a row.
    case mean([Double])
    case pearson(WeightedPearson)
    case spearman(WeightedSpearman)
    /// All of ``BinaryMetric``.
    case binary(BinaryCurve)

    /// How many rows there are to draw from.
    var rows: Int {
        switch self {
        case .mean(let scores): scores.count
        case .pearson(let pearson): pearson.rows
        case .spearman(let spearman): spearman.rows
        case .binary(let curve): curve.rows
        }
    }

    /// The metrics where row i counts `weights[i]` times; NaN where one has no value.
    func values(_ weights: [Int32]) -> [Double] {
        switch self {
        case .mean(let scores):
            var (sum, count) = (0.0, 0)
            for (score, weight) in zip(scores, weights) {
                sum += score * Double(weight)
                count += Int(weight)
            }
            return [count > 0 ? sum / Double(count) : .nan]
        case .pearson(let pearson): return [pearson.value(weights)]
        case .spearman(let spearman): return [spearman.value(weights)]
        case .binary(let curve): return curve.values(weights)
        }
    }
}

/// Metrics by name, and what they are worked out from.
struct StatisticList {
    /// Those of the names asked for that there are, in their order.
    private(set) var names: [String] = []
    private var statistics: [Statistic] = []
    /// For each name a statistic, and which of its values it is.
    private var places: [(statistic: Int, value: Int)] = []

    /// The metrics `names`; those that `task` has not are left out.
    init(_ names: [String], of rows: Evaluation.Rows, task: Evaluation.Task) {
        var binary: Int?
        for name in names {
            switch rows {
            case .scoredPairs(let cosines, let labels):
                switch (name, task == .binary ? BinaryMetric(rawValue: name) : nil) {
                case ("spearman", _): add(name, .spearman(WeightedSpearman(cosines, labels)))
                case ("pearson", _): add(name, .pearson(WeightedPearson(cosines, labels)))
                case (_, let metric?):
                    let index = binary ?? statistics.count
                    if binary == nil {
                        statistics.append(.binary(BinaryCurve(cosines: cosines, labels: labels)))
                    }
                    binary = index
                    self.names.append(name)
                    places.append((index, BinaryMetric.allCases.firstIndex(of: metric) ?? 0))
                default: break
                }
            case .triplets(let margins, _) where name == "accuracy":
                add(name, .mean(margins.map { $0 > 0 ? 1 : 0 }))
            case .queries(let ranks), .triplets(_, let ranks):
                guard let metric = RetrievalMetric(name) else { continue }
                add(name, .mean(ranks.relevant.map(metric.score)))
            }
        }
    }

    private mutating func add(_ name: String, _ statistic: Statistic) {
        names.append(name)
        places.append((statistics.count, 0))
        statistics.append(statistic)
    }

    /// The values of all rows.
    var values: [(name: String, value: Double)] {
        let values = statistics.map { $0.values(Array(repeating: 1, count: $0.rows)) }
        return zip(names, places).map { ($0, values[$1.statistic][$1.value]) }
    }

    /// For each name the values in `samples` resamples. Statistics of as many rows see the same draws.
    func replicates(samples: Int, seed: UInt64) -> [[Double]] {
        precondition(samples >= 1, "bootstrap: \(samples) samples")
        var result = names.map { _ in [Double]() }
        for rows in Set(statistics.map(\.rows)) {
            for sample in 0..<samples {
                let weights = Bootstrap.weights(rows: rows, sample: sample, seed: seed)
                let values = statistics.map { $0.rows == rows ? $0.values(weights) : [] }
                for (index, place) in places.enumerated() where !values[place.statistic].isEmpty {
                    result[index].append(values[place.statistic][place.value])
                }
            }
        }
        return result
    }
}
