import Files
import TestSupport
import Testing
import Uniem

/// What an evaluation is besides its numbers.
@Suite struct EvaluationTests {
    private let ranks = Evaluation.Ranks(documents: 30, relevant: [[1], [2, 4, 30], [7]])

    private var all: [Evaluation] {
        [
            Evaluation(.scoredPairs(cosines: [0.1, -0.0, 1 / 3, 1], labels: [2.5, 0, 1e-300, 5])),
            Evaluation(.scoredPairs(cosines: [0.1, 0.7, 0.9], labels: [0, 1, 1])),
            Evaluation(.queries(ranks)),
            Evaluation(.triplets(margins: [0.25, -1e-9, 0, .nan], ranks: ranks)),
            Evaluation(.scoredPairs(cosines: [.nan, .infinity], labels: [-.infinity, 3])),
            Evaluation(.scoredPairs(cosines: [], labels: [])),
            Evaluation(.queries(.init(documents: 0, relevant: []))),
        ]
    }

    @Test func byHand() throws {
        let evaluation = Evaluation(.triplets(margins: [0.25, -1, 0, .nan], ranks: ranks))
        let expected: [(String, Double)] = [
            ("accuracy", 0.25), ("recall@1", 1.0 / 3), ("mrr", (1 + 1 / 2 + 1.0 / 7) / 3),
            ("mrr@10", (1 + 1 / 2 + 1.0 / 7) / 3), ("mrr@5", 0.5), ("recall@5", (1 + 2.0 / 3) / 3),
            ("accuracy@5", 2.0 / 3), ("precision@5", (1 + 2) / 15.0), ("accuracy@1", 1.0 / 3),
            ("map@100", (1 + (1.0 / 2 + 2.0 / 4 + 3.0 / 30) / 3 + 1.0 / 7) / 3),
            ("map@3", (1 + (1.0 / 2) / 3 + 0) / 3), ("map@2", (1 + (1.0 / 2) / 2 + 0) / 3),
            ("ndcg@1", 1.0 / 3), ("ndcg@7", (1 + 0.5 / 1 * 1.0616 / 1.0654 + 1 / 3.0) / 3),
        ]
        for (name, value) in expected where name != "ndcg@7" {
            let mine = try #require(evaluation.value(of: name), "\(name)")
            #expect(abs(mine - value) < 1e-15, "\(name): \(mine), \(value)")
        }
        // log2 of 2, 3, 5 and 8.
        let (l3, l5) = (1.584962500721156, 2.321928094887362)
        let gain = (1 + (1 / l3 + 1 / l5) / (1 + 1 / l3 + 0.5) + 1 / 3.0) / 3
        let mine = try #require(evaluation.value(of: "ndcg@7"))
        #expect(abs(mine - gain) < 1e-15)
    }

    @Test func thresholdsByHand() {
        // Predicting the first to be positive, or all, is equally good by F1: the higher threshold counts.
        let evaluation = Evaluation(
            .scoredPairs(cosines: [0.5, 0.25, 0.75, 0], labels: [0, 0, 1, 1]))
        let expected: [(String, Double)] = [
            ("average_precision", (1 + 0.5) / 2), ("best_accuracy", 0.75),
            ("best_accuracy_threshold", 0.625), ("best_f1", 2.0 / 3),
            ("best_f1_threshold", 0.625), ("precision", 1), ("recall", 0.5),
            ("mcc", 1 / 3.0.squareRoot()),
        ]
        for (name, value) in expected {
            #expect(abs((evaluation.value(of: name) ?? .nan) - value) < 1e-15, "\(name)")
        }
        // Nothing is gained by predicting any to be positive.
        let reversed = Evaluation(.scoredPairs(cosines: [1, 1, 0], labels: [0, 0, 1]))
        #expect(reversed.value(of: "best_accuracy_threshold") == 1.0.nextUp)
        #expect(reversed.value(of: "best_f1_threshold") == 0 && reversed.value(of: "mcc") == 0)
    }

    @Test func names() {
        let similar = all[0]
        let binary = all[1]
        let retrieval = all[2]
        let triplets = all[3]
        #expect(all.prefix(4).map(\.task) == [.similarity, .binary, .retrieval, .triplet])
        #expect(similar.values.map(\.name) == ["spearman", "pearson"])
        #expect(
            binary.values.map(\.name) == [
                "spearman", "pearson", "average_precision", "best_accuracy",
                "best_accuracy_threshold", "best_f1", "best_f1_threshold", "precision", "recall",
                "mcc",
            ])
        #expect(retrieval.values.prefix(4).map(\.name) == ["recall@1", "mrr", "mrr@10", "ndcg@10"])
        #expect(triplets.values.map(\.name) == ["accuracy"] + retrieval.values.map(\.name))
        #expect(
            [similar, binary, retrieval, triplets].map(\.mainMetric)
                == ["spearman", "spearman", "ndcg@10", "accuracy"])
        for evaluation in all {
            #expect(evaluation.task.has(metric: evaluation.mainMetric))
            for other in Evaluation.Task.allCases {
                for name in other.metrics + ["recall@20", "loss", "mcc"] {
                    #expect(
                        (evaluation.value(of: name) != nil) == evaluation.task.has(metric: name),
                        "\(evaluation.task) \(name)")
                }
            }
        }
    }

    @Test(arguments: [
        "", "mrr@", "@10", "mrr@0", "mrr@-1", "mrr@+1", "mrr@01", "mrr@1@2", "mrr@1.5", "MRR",
        "ndcg",
        "recall@99999999999999999999", "f1@3", "recall@ 1", "loss", "mrr@１",
    ]) func noMetric(_ name: String) {
        #expect(all[2].value(of: name) == nil)
        #expect(!Evaluation.Task.retrieval.has(metric: name))
    }

    @Test func labelsThatAreBinary() {
        func task(_ labels: [Double]) -> Evaluation.Task {
            Evaluation(.scoredPairs(cosines: labels, labels: labels)).task
        }
        #expect(task([0, 1]) == .binary && task([1, 1, -0.0]) == .binary)
        for labels in [[], [0], [1, 1], [0, 0.5, 1], [1, 2], [0, 5], [-1, 1], [0, 1, .nan]] {
            #expect(task(labels) == .similarity, "\(labels)")
        }
    }

    @Test func whatHasNoValue() {
        let same = Evaluation(.scoredPairs(cosines: [0.5, 0.5], labels: [0, 1]))
        #expect(same.value(of: "spearman")?.isNaN == true)
        #expect(same.value(of: "average_precision") == 0.5)
        // All are predicted alike.
        #expect(same.value(of: "mcc") == 0)
        let unknown = Evaluation(.scoredPairs(cosines: [0.5, .nan, 0.1], labels: [0, 1, 1]))
        #expect(unknown.values.count == 10 && unknown.values.allSatisfy(\.value.isNaN))
        #expect(unknown.interval(of: "best_f1")?.low.isNaN == true)
    }

    @Test func greaterIsBetter() {
        for name in ["spearman", "mrr", "ndcg@10", "accuracy", "recall@1", "lossless"] {
            #expect(Evaluation.greaterIsBetter(name))
        }
        #expect(!Evaluation.greaterIsBetter("loss"))
        #expect(!Evaluation.greaterIsBetter("validation_loss"))
    }

    @Test func equality() {
        for (i, a) in all.enumerated() {
            for (j, b) in all.enumerated() { #expect((a == b) == (i == j), "\(i), \(j)") }
        }
    }

    /// The text that is stored gives the same evaluation, to the last bit of each metric.
    @Test func throughJSON() throws {
        for evaluation in all {
            let text = evaluation.json.text()
            let json = try JSON(parsing: Array(text.utf8))
            let again = try Evaluation(json, path: "e.json")
            #expect(again == evaluation && again.task == evaluation.task)
            #expect(
                again.values.map(\.value.bitPattern) == evaluation.values.map(\.value.bitPattern))
            #expect(again.json.text() == text)
        }
        #expect(
            all[3].json.text()
                == #"{"task": "triplet", "margins": [0.25, -1e-09, 0.0, null], "documents": 30, "#
                + #""ranks": [[1], [2, 4, 30], [7]]}"#)
    }

    @Test(arguments: [
        (#"[]"#, "task"), (#"{}"#, "task"), (#"{"task": "other"}"#, "task"),
        (#"{"task": 1}"#, "task"),
        (#"{"task": "similarity"}"#, "cosines"), (#"{"task": "binary", "cosines": 1}"#, "cosines"),
        (#"{"task": "similarity", "cosines": ["a"], "labels": [1]}"#, "cosines"),
        (#"{"task": "similarity", "cosines": [1], "labels": [1, 2]}"#, "labels"),
        (#"{"task": "binary", "cosines": [1, 2], "labels": [1, 2]}"#, "binary"),
        (#"{"task": "similarity", "cosines": [1, 2], "labels": [0, 1]}"#, "similarity"),
        (#"{"task": "retrieval", "ranks": [[1]]}"#, "documents"),
        (#"{"task": "retrieval", "documents": -1, "ranks": []}"#, "-1"),
        (#"{"task": "retrieval", "documents": 2}"#, "ranks"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [1]}"#, "query 0"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [[]]}"#, "query 0"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [[1], [3]]}"#, "rank 3"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [[0]]}"#, "rank 0"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [[2, 1]]}"#, "rank 1"),
        (#"{"task": "retrieval", "documents": 2, "ranks": [[1.5]]}"#, "query 0"),
        (#"{"task": "triplet", "documents": 2, "ranks": [[1]]}"#, "margins"),
    ]) func damaged(_ text: String, _ mentioned: String) throws {
        let json = try JSON(parsing: Array(text.utf8))
        let error = try #require(
            fileError(text) { _ = try Evaluation(json, path: "state/before.json") })
        #expect(error.path == "state/before.json" && error.description.contains(mentioned))
    }

    /// Numbers at the edge are read, and measured without a trap.
    @Test func largeNumbers() throws {
        let text =
            #"{"task": "retrieval", "documents": 9223372036854775807, "#
            + #""ranks": [[9223372036854775807], [1, 9223372036854775806]]}"#
        let evaluation = try Evaluation(JSON(parsing: Array(text.utf8)), path: "e.json")
        #expect(evaluation.value(of: "mrr") == 0.5)
        for name in ["ndcg", "map", "recall", "accuracy", "mrr", "precision"] {
            #expect(evaluation.value(of: name + "@9223372036854775807")?.isFinite == true)
        }
    }
}
