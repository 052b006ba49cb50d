import TestSupport
import Tensors
import Testing
import Uniem

/// Intervals against resampling spelled out: rows copied as often as they are drawn, and measured again.
@Suite struct BootstrapTests {
    /// The rows of resample `sample`, by the stream that draws them.
    private func drawn(_ rows: Int, sample: Int, seed: UInt64) -> [Int] {
        let key = SplitMix64.draw(SplitMix64.mix(seed &+ 0x626F_6F74), UInt64(sample))
        return (0..<rows).map { draw in
            Int(SplitMix64.draw(key, UInt64(draw)).multipliedFullWidth(by: UInt64(rows)).high)
        }
    }

    private func percentile(_ sorted: [Double], _ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        guard below + 1 < sorted.count else { return sorted[below] }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - Double(below))
    }

    /// The values of `metric` in the resamples.
    private func replicates(
        _ evaluation: Evaluation, _ metric: String, samples: Int, seed: UInt64
    ) throws -> [Double] {
        try (0..<samples).map { sample in
            func some<Row>(_ rows: [Row]) -> [Row] {
                drawn(rows.count, sample: sample, seed: seed).map { rows[$0] }
            }
            func some(_ ranks: Evaluation.Ranks) -> Evaluation.Ranks {
                Evaluation.Ranks(documents: ranks.documents, relevant: some(ranks.relevant))
            }
            let rows: Evaluation.Rows =
                switch evaluation.rows {
                case .scoredPairs(let cosines, let labels):
                    .scoredPairs(cosines: some(cosines), labels: some(labels))
                case .queries(let ranks): .queries(some(ranks))
                case .triplets(let margins, let ranks):
                    .triplets(margins: some(margins), ranks: some(ranks))
                }
            let again = Evaluation(rows)
            // All labels of a resample may be the same.
            if evaluation.task == .binary, again.task != .binary { return .nan }
            return try #require(again.value(of: metric))
        }
    }

    /// Two evaluations of the same rows, of each task.
    private func samples() -> [(before: Evaluation, after: Evaluation)] {
        var random = TestRandom(8)
        func unit() -> Double { Double(random.uniform(0...1)) }
        func scored(_ labels: [Double], _ ties: Double) -> (Evaluation, Evaluation) {
            let before = labels.map { (($0 / 8 + unit()) * ties).rounded() / ties }
            let after = zip(labels, before).map {
                $1 + $0 / 20 + (unit() * ties / 5).rounded() / ties
            }
            return (
                Evaluation(.scoredPairs(cosines: before, labels: labels)),
                Evaluation(.scoredPairs(cosines: after, labels: labels))
            )
        }
        func ranks(_ count: Int, best: Double) -> Evaluation.Ranks {
            let relevant = (0..<count).map { query in
                Array(Set((0...query % 3).map { _ in 1 + Int(pow(unit(), best) * 99) })).sorted()
            }
            return Evaluation.Ranks(documents: 100, relevant: relevant)
        }
        func pow(_ x: Double, _ n: Double) -> Double {
            (0..<Int(n)).reduce(1) { product, _ in product * x }
        }
        // As many relevant documents for each query in both.
        func single(_ count: Int, best: Double) -> Evaluation.Ranks {
            Evaluation.Ranks(
                documents: 100,
                relevant: ranks(count, best: best).relevant.map { [$0[0]] })
        }
        let triplets = (0..<2).map { turn in
            Evaluation(
                .triplets(
                    margins: (0..<31).map { _ in unit() - 0.4 + Double(turn) / 10 },
                    ranks: single(17, best: Double(2 + turn))))
        }
        return [
            scored((0..<50).map { _ in (unit() * 10).rounded() / 2 }, 10),
            scored((0..<40).map { _ in unit() }, 1e6),
            scored((0..<6).map { $0 < 2 ? 1.0 : 0 }, 4),
            scored((0..<60).map { _ in unit() < 0.3 ? 1 : 0 }, 20),
            (
                Evaluation(.queries(single(45, best: 2))), Evaluation(.queries(single(45, best: 4)))
            ),
            (triplets[0], triplets[1]),
        ]
    }

    @Test func asSpelledOut() throws {
        for (before, after) in samples() {
            for metric in before.task.metrics {
                let seed: UInt64 = 77
                let a = try replicates(before, metric, samples: 25, seed: seed)
                let b = try replicates(after, metric, samples: 25, seed: seed)
                func check(_ mine: Evaluation.Interval?, _ value: Double, _ all: [Double]) throws {
                    let mine = try #require(mine)
                    let sorted = all.filter { !$0.isNaN }.sorted()
                    let ends = [percentile(sorted, 0.05), percentile(sorted, 0.95)]
                    expectClose(
                        [mine.value, mine.low, mine.high], [value] + ends, relative: 1e-12,
                        absolute: 1e-12, "\(before.task) \(metric)")
                }
                let values = try [before, after].map { try #require($0.value(of: metric)) }
                try check(
                    before.interval(of: metric, confidence: 0.9, samples: 25, seed: seed),
                    values[0], a)
                try check(
                    after.difference(
                        from: before, metric: metric, confidence: 0.9, samples: 25, seed: seed),
                    values[1] - values[0], zip(a, b).map { $1 - $0 })
            }
        }
    }

    @Test func severalAtOnceAreAsOneByOne() {
        for (before, after) in samples() {
            let names = before.task.metrics
            let together = before.intervals(of: names + ["no metric"], samples: 50)
            #expect(together.map(\.name) == names)
            for (name, interval) in together {
                #expect(interval == before.interval(of: name, samples: 50), "\(name)")
            }
            for (name, interval) in after.differences(from: before, metrics: names, samples: 50) {
                #expect(interval == after.difference(from: before, metric: name, samples: 50))
            }
        }
    }

    @Test func whatSeedsAndLevelsDo() throws {
        for (before, _) in samples() {
            let metric = before.mainMetric
            func interval(_ confidence: Double, _ seed: UInt64) throws -> Evaluation.Interval {
                try #require(
                    before.interval(
                        of: metric, confidence: confidence, samples: 400, seed: seed))
            }
            let one = try interval(0.95, 1)
            #expect(try one == interval(0.95, 1))
            // Other draws, but the same rows: nearly the same interval.
            let two = try interval(0.95, 2)
            let width = one.high - one.low
            #expect(abs(one.low - two.low) < 0.3 * width && abs(one.high - two.high) < 0.3 * width)
            let narrow = try interval(0.5, 1)
            #expect(one.low <= narrow.low && narrow.high <= one.high)
        }
    }

    @Test func differences() throws {
        for (before, after) in samples() {
            let metric = before.mainMetric
            let none = try #require(before.difference(from: before, metric: metric, samples: 99))
            #expect([none.value, none.low, none.high] == [0, 0, 0])
            let forth = try #require(after.difference(from: before, metric: metric, samples: 99))
            let back = try #require(before.difference(from: after, metric: metric, samples: 99))
            expectClose(
                [forth.value, forth.low, forth.high], [-back.value, -back.high, -back.low],
                relative: 1e-12, absolute: 1e-12)
            #expect(before.difference(from: after, metric: "no metric") == nil)
            #expect(before.interval(of: "no metric") == nil)
        }
        // The same hard rows in both: their difference is surer than either of them.
        let (before, after) = samples()[1]
        let difference = try #require(
            after.difference(from: before, metric: "spearman", samples: 300))
        let alone = try #require(before.interval(of: "spearman", samples: 300))
        #expect(difference.high - difference.low < 0.5 * (alone.high - alone.low))
    }

    @Test func onlyTheSameRowsArePaired() throws {
        let all = samples().map(\.before)
        for (i, a) in all.enumerated() {
            for (j, b) in all.enumerated() {
                #expect(a.isPaired(with: b) == (i == j))
                #expect((a.difference(from: b, metric: a.mainMetric) == nil) == (i != j))
            }
        }
        func queries(_ documents: Int, _ ranks: [[Int]]) -> Evaluation {
            Evaluation(.queries(.init(documents: documents, relevant: ranks)))
        }
        let one = queries(9, [[1], [2, 3]])
        #expect(one.isPaired(with: queries(9, [[4], [1, 9]])))
        #expect(!one.isPaired(with: queries(8, [[1], [2, 3]])))
        #expect(!one.isPaired(with: queries(9, [[1, 2], [3]])))
        #expect(!one.isPaired(with: queries(9, [[1]])))
        let labels = Evaluation(.scoredPairs(cosines: [0, 1], labels: [1, 2]))
        #expect(!labels.isPaired(with: Evaluation(.scoredPairs(cosines: [0, 1], labels: [2, 1]))))
    }

    @Test func withoutRows() throws {
        let none = Evaluation(.scoredPairs(cosines: [], labels: []))
        let interval = try #require(none.interval(of: "spearman"))
        #expect(interval.value.isNaN && interval.low.isNaN && interval.high.isNaN)
        let one = Evaluation(.queries(.init(documents: 4, relevant: [[2]])))
        #expect(one.interval(of: "mrr")?.low == 0.5 && one.interval(of: "mrr")?.high == 0.5)
    }

    @Test func misuseTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = Evaluation(.queries(.init(documents: 4, relevant: [[2]])))
                .interval(of: "mrr", confidence: 1)
        }
        await #expect(processExitsWith: .failure) {
            _ = Evaluation(.queries(.init(documents: 4, relevant: [[2]])))
                .interval(of: "mrr", samples: 0)
        }
    }
}
