/// A metric of telling pairs labelled 1 from pairs labelled 0 by their cosine, in the order in which they are shown.
enum BinaryMetric: String, CaseIterable, Sendable {
    case averagePrecision = "average_precision"
    case bestAccuracy = "best_accuracy"
    case bestAccuracyThreshold = "best_accuracy_threshold"
    case bestF1 = "best_f1"
    case bestF1Threshold = "best_f1_threshold"
    case precision, recall, mcc
}

/// Pairs by falling cosine: what is predicted at every threshold.
///
/// As sentence-transformers' BinaryClassificationEvaluator: pairs of one cosine are predicted alike, a threshold lies
/// half-way between two cosines, and of equally good thresholds the highest counts.
struct BinaryCurve: Sendable {
    /// Rows by falling cosine.
    private let order: [Int]
    /// Whether each is labelled 1, in that order.
    private let isPositive: [Bool]
    /// The distinct cosines, falling, and where in that order the rows of each end.
    private let steps: [(cosine: Double, end: Int)]
    private let isDefined: Bool

    /// `labels` above 0 are positive.
    init(cosines: [Double], labels: [Double]) {
        let order = cosines.indices.sorted { (cosines[$1], $0) < (cosines[$0], $1) }
        self.order = order
        isPositive = order.map { labels[$0] > 0 }
        isDefined = !cosines.contains(where: \.isNaN)
        steps = order.indices.compactMap { place in
            let cosine = cosines[order[place]]
            let isLast = place + 1 == order.count || cosines[order[place + 1]] != cosine
            return isLast ? (cosine, place + 1) : nil
        }
    }

    var rows: Int { order.count }

    /// Pairs that are predicted to be positive.
    private struct Counts {
        /// Rightly, and not.
        var (good, bad) = (0, 0)
    }

    /// All metrics, in the order of ``BinaryMetric``, where row i counts `weights[i]` times; NaN where a cosine is, and
    /// where one of the labels is missing.
    func values(_ weights: [Int32]) -> [Double] {
        let weights = order.map { Int(weights[$0]) }
        var all = Counts()
        for (isPositive, weight) in zip(isPositive, weights) {
            if isPositive { all.good += weight } else { all.bad += weight }
        }
        guard isDefined, all.good > 0, all.bad > 0 else {
            return BinaryMetric.allCases.map { _ in .nan }
        }
        var now = Counts()
        var precisions = 0.0
        // At first all pairs are predicted to be negative.
        var accuracy = (right: all.bad, step: -1)
        var f1 = (value: 0.0, step: 0, counts: Counts())
        var place = 0
        for (index, step) in steps.enumerated() {
            let before = now
            while place < step.end {
                if isPositive[place] {
                    now.good += weights[place]
                } else {
                    now.bad += weights[place]
                }
                place += 1
            }
            guard now.good > before.good || now.bad > before.bad else { continue }
            let right = now.good + all.bad - now.bad
            if right > accuracy.right { accuracy = (right, index) }
            guard now.good > 0 else { continue }
            let precision = Double(now.good) / Double(now.good + now.bad)
            precisions += Double(now.good - before.good) * precision
            let recall = Double(now.good) / Double(all.good)
            let value = 2 * precision * recall / (precision + recall)
            if value > f1.value { f1 = (value, index, now) }
        }
        let best = f1.counts
        return BinaryMetric.allCases.map { metric in
            switch metric {
            case .averagePrecision: precisions / Double(all.good)
            case .bestAccuracy: Double(accuracy.right) / Double(all.good + all.bad)
            case .bestAccuracyThreshold: threshold(below: accuracy.step, weights)
            case .bestF1: f1.value
            case .bestF1Threshold: threshold(below: f1.step, weights)
            case .precision: Double(best.good) / Double(best.good + best.bad)
            case .recall: Double(best.good) / Double(all.good)
            case .mcc: correlation(best, all)
            }
        }
    }

    /// Half-way from step `index` to the next in which a row counts; above the first one for -1.
    private func threshold(below index: Int, _ weights: [Int]) -> Double {
        let start = index < 0 ? 0 : steps[index].end
        guard let next = weights[start...].firstIndex(where: { $0 > 0 }) else {
            return steps[index].cosine
        }
        let following = steps[max(index, 0)...].first { $0.end > next }?.cosine ?? .nan
        guard index >= 0 else { return following.nextUp }
        let middle = (steps[index].cosine + following) / 2
        return middle == following ? steps[index].cosine : middle
    }

    /// Matthews' correlation of prediction and label; 0 where all are predicted alike.
    private func correlation(_ predicted: Counts, _ all: Counts) -> Double {
        let (tp, fp) = (Double(predicted.good), Double(predicted.bad))
        let (fn, tn) = (Double(all.good) - tp, Double(all.bad) - fp)
        let product = (tp + fp) * (tn + fn) * (tp + fn) * (tn + fp)
        return product > 0 ? (tp * tn - fp * fn) / product.squareRoot() : 0
    }
}
