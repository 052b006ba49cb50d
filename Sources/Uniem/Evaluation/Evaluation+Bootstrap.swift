internal import Tensors

extension Evaluation {
    /// A number, and between which two it would lie had other rows of the same kind been drawn.
    public struct Interval: Sendable, Equatable {
        /// The metric, or the difference of two.
        public let value: Double
        /// The lower end.
        public let low: Double
        /// The upper end.
        public let high: Double
    }

    /// The metric `name` with its confidence interval; `nil` where this task has no such metric.
    ///
    /// A percentile bootstrap (Efron 1979): the metric of `samples` data sets, each as many rows drawn with
    /// replacement from these, has a share of `confidence` of its values in the interval. Queries are drawn for metrics
    /// of retrieval, rows for all others. Draws depend on `seed` alone. Resamples in which the metric has no value (all
    /// labels equal) are left out; NaN where it has none in all of them.
    ///
    /// Traps where `confidence` is not between 0 and 1, or `samples` below 1.
    public func interval(
        of name: String, confidence: Double = 0.95, samples: Int = 1000, seed: UInt64 = 42
    ) -> Interval? {
        intervals(of: [name], confidence: confidence, samples: samples, seed: seed).first?.interval
    }

    /// Those of the metrics `names` that this task has with their intervals, as
    /// ``interval(of:confidence:samples:seed:)``.
    public func intervals(
        of names: [String], confidence: Double = 0.95, samples: Int = 1000, seed: UInt64 = 42
    ) -> [(name: String, interval: Interval)] {
        let list = StatisticList(names, of: rows, task: task)
        let replicates = list.replicates(samples: samples, seed: seed)
        return zip(list.values, replicates).map { metric, replicates in
            (metric.name, Interval(metric.value, replicates, confidence))
        }
    }

    /// Whether row i of this evaluation and row i of `other` can be the same: the same task, labels and numbers of
    /// queries and documents.
    public func isPaired(with other: Evaluation) -> Bool {
        func fit(_ a: Ranks, _ b: Ranks) -> Bool {
            a.documents == b.documents
                && a.relevant.elementsEqual(b.relevant) { $0.count == $1.count }
        }
        return switch (rows, other.rows) {
        case (.scoredPairs(_, let labels), .scoredPairs(_, let others)): labels == others
        case (.queries(let ranks), .queries(let others)): fit(ranks, others)
        case (.triplets(let margins, let ranks), .triplets(let rest, let others)):
            margins.count == rest.count && fit(ranks, others)
        default: false
        }
    }

    /// How much more of the metric `metric` there is here than in `other`, an evaluation of another embedder (or of
    /// this one, before it was trained) on the same rows; with its interval.
    ///
    /// The rows are drawn alike for both, so what makes a row hard for both does not blur their difference. `nil` where
    /// the rows are not the same (see ``isPaired(with:)``), or the task has no such metric; else as
    /// ``interval(of:confidence:samples:seed:)``.
    public func difference(
        from other: Evaluation, metric: String, confidence: Double = 0.95, samples: Int = 1000,
        seed: UInt64 = 42
    ) -> Interval? {
        differences(
            from: other, metrics: [metric], confidence: confidence, samples: samples, seed: seed
        ).first?.interval
    }

    /// The differences in those of `metrics` that this task has, as
    /// ``difference(from:metric:confidence:samples:seed:)``; none where the rows are not the same.
    public func differences(
        from other: Evaluation, metrics: [String], confidence: Double = 0.95, samples: Int = 1000,
        seed: UInt64 = 42
    ) -> [(name: String, interval: Interval)] {
        guard isPaired(with: other) else { return [] }
        let mine = StatisticList(metrics, of: rows, task: task)
        let theirs = StatisticList(metrics, of: other.rows, task: other.task)
        // The same seed and as many rows: the same draws.
        let replicates = zip(
            mine.replicates(samples: samples, seed: seed),
            theirs.replicates(samples: samples, seed: seed))
        return zip(zip(mine.values, theirs.values), replicates).map { metrics, replicates in
            let differences = zip(replicates.0, replicates.1).map { $0 - $1 }
            return (
                metrics.0.name,
                Interval(metrics.0.value - metrics.1.value, differences, confidence)
            )
        }
    }
}

extension Evaluation.Interval {
    fileprivate init(_ value: Double, _ replicates: [Double], _ confidence: Double) {
        self.value = value
        (low, high) = Bootstrap.percentiles(of: replicates, confidence: confidence)
    }
}

/// Rows drawn with replacement (Efron 1979).
enum Bootstrap {
    /// How often each row is drawn in resample `sample`.
    ///
    /// Draw j is a pure function of (`seed`, `sample`, j) and of how many rows there are.
    static func weights(rows: Int, sample: Int, seed: UInt64) -> [Int32] {
        var weights = Array(repeating: Int32(0), count: rows)
        let key = SplitMix64.draw(SplitMix64.mix(seed &+ 0x626F_6F74), UInt64(sample))
        for draw in 0..<rows {
            let bits = SplitMix64.draw(key, UInt64(draw))
            weights[Int(bits.multipliedFullWidth(by: UInt64(rows)).high)] += 1
        }
        return weights
    }

    /// Between which two numbers the middle share `confidence` of `numbers` lies, interpolated linearly as
    /// numpy.percentile does; those that are NaN are left out.
    static func percentiles(
        of numbers: [Double], confidence: Double
    ) -> (low: Double, high: Double) {
        precondition(confidence > 0 && confidence < 1, "bootstrap: confidence \(confidence)")
        let sorted = numbers.filter { !$0.isNaN }.sorted()
        guard let last = sorted.indices.last else { return (.nan, .nan) }
        func percentile(_ share: Double) -> Double {
            let place = share * Double(last)
            let below = min(Int(place), last)
            let (a, b) = (sorted[below], sorted[min(below + 1, last)])
            return a + (b - a) * (place - Double(below))
        }
        return (percentile((1 - confidence) / 2), percentile(1 - (1 - confidence) / 2))
    }
}
