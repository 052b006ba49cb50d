import Embedders
import Files
import Layers
import Records
import RunStore
import Synchronization
import TestSupport
import Testing
import Tracking
import Uniem

/// Early stopping, the best model, callbacks, and the same bits on any number of threads.
@Suite struct TrustTests {
    /// A way to train.
    struct Way: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout TrainingConfiguration) -> Void
    }

    static let ways: [Way] = [
        Way(testDescription: "full") { _ in },
        Way(testDescription: "BitFit") { $0.strategy = .bitFit() },
        Way(testDescription: "LoRA") { $0.strategy = .lora(LoRA(dropout: 0.2)) },
        Way(testDescription: "GradCache") { $0.chunkTokens = 48 },
        Way(testDescription: "bfloat16") { $0.mixedPrecision = .bf16 },
        Way(testDescription: "prefix") {
            $0.strategy = .prefix(PrefixTraining(tokens: ["[Q]"]))
        },
    ]

    @Test("the same bits with 1, 2 and 4 threads", arguments: ways)
    func threads(_ way: Way) throws {
        var runs: [[[UInt32]]] = []
        for threads in [1, 2, 4] {
            let result = try train(
                pairs(40),
                quietConfiguration(batchSize: 20) {
                    way.change(&$0)
                    $0.threads = threads
                    $0.epochs = 2
                })
            runs.append(result.weights)
        }
        #expect(runs[0] == runs[1] && runs[0] == runs[2])
        let before = try Embedder.load(tinyModel).store.parameters.map { $0.value.bits }
        #expect(runs[0] != before)
    }

    /// A rate that ruins the model after it was good: the best one comes back, and training ends early.
    @Test func bestModel() throws {
        try withFolder { folder in
            func run(_ id: String, _ change: (inout TrainingConfiguration) -> Void) throws
                -> RunResult
            {
                try train(
                    scoredPairs(40),
                    quietConfiguration(batchSize: 8) {
                        $0.runsDirectory = folder
                        $0.runID = id
                        $0.epochs = 6
                        $0.learningRate = 3e-2
                        $0.keptCheckpoints = 1
                        change(&$0)
                    }, validation: scoredPairs(16))
            }
            let plain = try run("plain") { _ in }
            let scores = plain.log.evaluations.filter { $0.phase == .epoch }.compactMap {
                $0.values.first { $0.name == "spearman" }?.value
            }
            #expect(scores.count == 6)
            let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
            let chosen = try run("best") { $0.restoresBest = true }
            let after = try #require(chosen.outcome.after.first { $0.name == "spearman" }?.value)
            #expect(after == scores[best])
            // All of it: the saved model is the one that was measured.
            let saved = try Embedder.load(folder + "/best/model")
            let again = Evaluator.evaluate(saved, on: scoredPairs(16), threads: 1)
            #expect(again.first { $0.name == "spearman" }?.value == after)
            let number = String(5 * (best + 1))
            let name = "step-" + String(repeating: "0", count: 6 - number.count) + number
            #expect(try FileBytes.names(in: folder + "/best/checkpoints").contains(name))
            // Two evaluations without a better one.
            let early = try run("early") { $0.earlyStoppingPatience = 2 }
            let expected = (best..<6).first { index in
                index >= 2
                    && scores[...index].dropLast(2).contains { best in
                        scores[(index - 1)...index].allSatisfy { $0 <= best }
                    }
            }
            if let expected, expected < 5 {
                #expect(early.log.epochs.count == expected + 1)
                #expect(early.outcome.stopReason?.contains("no better model in 2") == true)
                #expect(early.outcome.status == .finished && early.outcome.modelPath != nil)
            }
        }
    }

    @Test func choicesThatCannotBeMade() throws {
        for (change, message) in [
            ({ $0.restoresBest = true }, "needs validation data"),
            ({ $0.earlyStoppingPatience = 1 }, "needs validation data"),
            ({ $0.evaluationSteps = 1 }, "needs validation data"),
        ] as [((inout TrainingConfiguration) -> Void, String)] {
            let error = trainingError {
                _ = try train(pairs(8), quietConfiguration(change))
            }
            #expect(error?.description.contains(message) == true)
        }
        // A metric that is misspelt is found before the first step.
        let log = EventRecorder()
        let error = trainingError {
            _ = try train(
                pairs(16), quietConfiguration { $0.bestMetric = "spearmen" },
                validation: pairs(8), log: log)
        }
        #expect(error?.description.contains("no metric spearmen") == true && log.steps.isEmpty)
    }

    @Test func callbacksSeeAndStop() throws {
        let seen = Mutex<[Int]>([])
        let summaries = Mutex<[EpochSummary]>([])
        let tuner = try FineTuner.fromPretrained(
            tinyModel, dataset: pairs(24), validation: pairs(8))
        let outcome = try tuner.run(
            quietConfiguration { $0.epochs = 4 }, trackers: [],
            callbacks: TrainingCallbacks(
                stepEnd: { step in
                    seen.withLock { $0.append(step.step) }
                    return .goOn
                },
                epochEnd: { summary in
                    summaries.withLock { $0.append(summary) }
                    return summary.epoch == 2 ? .stop("enough") : .goOn
                }))
        #expect(seen.withLock { $0 } == Array(1...6))
        let told = summaries.withLock { $0 }
        #expect(told.map(\.epoch) == [1, 2] && told.map(\.step) == [3, 6])
        #expect(told.allSatisfy { $0.validationLoss != nil && !$0.metrics.isEmpty })
        #expect(outcome.status == .finished && outcome.stopReason == "enough")
    }

    @Test func aCallbackThatThrowsFailsTheRun() throws {
        struct Odd: Error {}
        try withFolder { folder in
            let tuner = try FineTuner.fromPretrained(tinyModel, dataset: pairs(24))
            #expect(throws: Odd.self) {
                _ = try tuner.run(
                    quietConfiguration {
                        $0.runsDirectory = folder
                        $0.runID = "a"
                        $0.checkpointSteps = 1
                    }, trackers: [],
                    callbacks: TrainingCallbacks(stepEnd: { step in
                        if step.step == 2 { throw Odd() }
                        return .goOn
                    }))
            }
            let database = try RunDatabase(path: folder + "/runs.sqlite")
            #expect(try database.run("a").state == .failed)
            #expect(try FineTuner.resume(folder + "/a", trackers: []).status == .finished)
        }
    }

    @Test func waitingCallbacks() async throws {
        let seen = Mutex<[Int]>([])
        let tuner = try FineTuner.fromPretrained(tinyModel, dataset: pairs(24))
        let outcome = try await tuner.run(
            quietConfiguration(), trackers: [],
            asyncCallbacks: AsyncTrainingCallbacks(stepEnd: { step in
                try await Task.sleep(for: .milliseconds(1))
                seen.withLock { $0.append(step.step) }
                return step.step == 2 ? .stop("two are enough") : .goOn
            }))
        #expect(seen.withLock { $0 } == [1, 2] && outcome.stopReason == "two are enough")
    }

    /// The database knows of every row what its step showed.
    @Test func evidence() throws {
        try withFolder { folder in
            let result = try train(
                pairs(20),
                quietConfiguration(batchSize: 8) {
                    $0.runsDirectory = folder
                    $0.runID = "a"
                    $0.epochs = 2
                })
            var rows: [Int: [Int]] = [:]
            for case .examples(let step, let epoch, let examples) in result.log.events {
                #expect(step <= 6)
                rows[epoch, default: []] += examples.map(\.row)
                let metrics = try #require(result.log.steps.first { $0.step == step })
                let mean = examples.reduce(0) { $0 + $1.loss } / Double(examples.count)
                #expect(abs(mean - metrics.loss) < 1e-5)
            }
            for epoch in [1, 2] { #expect(rows[epoch]?.sorted() == Array(0..<20)) }
            let database = try RunDatabase(path: folder + "/runs.sqlite")
            #expect(try database.check("a").isEmpty)
            let worst = try database.worstExamples("a", limit: 5)
            #expect(!worst.isEmpty)
            let silent = try train(
                pairs(8), quietConfiguration { $0.recordsExamples = false })
            #expect(
                !silent.log.events.contains { if case .examples = $0 { true } else { false } })
        }
    }
}
