import Files
import TestSupport
import Tensors
import Testing
import Uniem

/// Metrics of given vectors against those of sentence-transformers' evaluators; `Tests/References/evaluation.py`.
@Suite struct EvaluationGoldenTests {
    static func golden(_ part: String) throws -> [JSON] {
        let json = try JSON(contentsOf: GoldenRoot.all[0].folder + "/../evaluation/metrics.json")
        return try #require(json[part]?.array)
    }

    private func matrix(_ json: JSON?) throws -> Tensor {
        let rows = try #require(json?.array).map { row in
            try #require(row.array).compactMap { $0.double.map { Float($0) } }
        }
        return Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
    }

    private func integers(_ json: JSON?) throws -> [[Int]] {
        try #require(json?.array).map { try #require($0.array).compactMap(\.int) }
    }

    /// Expects that every metric of `item` is that of `evaluation`. Cosines are float32, and rounded in other places.
    private func compare(_ evaluation: Evaluation, _ item: JSON) throws {
        let metrics = try #require(item["metrics"]?.members)
        #expect(metrics.count >= 2)
        for (name, value) in metrics {
            let expected = try #require(value.double)
            let mine = try #require(evaluation.value(of: name), "\(name)")
            let isRounded = name.hasSuffix("_threshold") || name == "pearson" || name == "accuracy"
            #expect(
                abs(mine - expected) <= (isRounded ? 1e-6 : 1e-12),
                "\(item["name"]?.string ?? "") \(name): \(mine), \(expected)")
        }
        // What is shown is among what was compared.
        for (name, value) in evaluation.values {
            #expect(item["metrics"]?[name] != nil, "\(name)")
            #expect(evaluation.value(of: name) == value)
        }
        #expect(evaluation.values.map(\.name) == evaluation.task.metrics)
    }

    @Test func scoredPairs() throws {
        let items = try Self.golden("scored_pairs")
        #expect(items.count == 5)
        for item in items {
            let labels = try #require(item["labels"]?.array).compactMap(\.double)
            let evaluation = Evaluation(
                first: try matrix(item["first"]), second: try matrix(item["second"]),
                labels: labels)
            let isBinary = item["name"]?.string?.hasPrefix("binary") == true
            #expect(evaluation.task == (isBinary ? .binary : .similarity))
            try compare(evaluation, item)
        }
    }

    @Test(arguments: [1, 3]) func retrieval(_ threads: Int) throws {
        let items = try Self.golden("retrieval")
        #expect(items.count == 3)
        for item in items {
            let evaluation = Evaluation(
                queries: try matrix(item["queries"]), documents: try matrix(item["documents"]),
                relevant: try integers(item["relevant"]), threads: threads)
            try compare(evaluation, item)
        }
    }

    @Test func triplets() throws {
        let items = try Self.golden("triplets")
        #expect(items.count == 2)
        for item in items {
            let triplets = try integers(item["triplets"]).map {
                (query: $0[0], positive: $0[1], negative: $0[2])
            }
            let evaluation = Evaluation(
                queries: try matrix(item["queries"]), documents: try matrix(item["documents"]),
                triplets: triplets)
            try compare(evaluation, item)
        }
    }

    /// As far as a bootstrap of 3,000 resamples agrees with one of 20,000.
    @Test func intervalsAsSciPy() throws {
        let json = try JSON(contentsOf: GoldenRoot.all[0].folder + "/../evaluation/metrics.json")
        let golden = try #require(json["intervals"])
        func numbers(_ name: String) throws -> [Double] {
            try #require(golden[name]?.array).compactMap(\.double)
        }
        let samples = 3000
        func check(_ interval: Evaluation.Interval?, _ name: String) throws {
            let interval = try #require(interval)
            let ends = try numbers(name)
            let tolerance = 0.05 * (ends[1] - ends[0])
            #expect(
                abs(interval.low - ends[0]) < tolerance && abs(interval.high - ends[1]) < tolerance,
                "\(name): \(interval), \(ends)")
            #expect(interval.low < interval.value && interval.value < interval.high)
        }
        let labels = try numbers("labels")
        let before = Evaluation(.scoredPairs(cosines: try numbers("before"), labels: labels))
        let after = Evaluation(.scoredPairs(cosines: try numbers("after"), labels: labels))
        let ranks = try ["ranks_before", "ranks_after"].map { name in
            Evaluation(
                .queries(.init(documents: 1000, relevant: try numbers(name).map { [Int($0)] })))
        }
        for metric in ["spearman", "pearson"] {
            try check(before.interval(of: metric, samples: samples), metric)
            try check(
                after.difference(from: before, metric: metric, samples: samples),
                metric + "_difference")
        }
        try check(ranks[0].interval(of: "mrr", samples: samples), "mrr")
        try check(
            ranks[1].difference(from: ranks[0], metric: "mrr", samples: samples), "mrr_difference")
    }
}
