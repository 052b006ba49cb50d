import Files
import GRDB
import RunStore
import Synchronization
import Tracking

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder that is removed with this value.
final class TemporaryFolder: Sendable {
    let path: String
    init() throws {
        path =
            FileManager.default.temporaryDirectory.path + "/runstore-"
            + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try FileBytes.makeFolder(path)
    }
    deinit { try? FileBytes.remove(path) }
    var database: String { path + "/Runs/runs.sqlite" }
}

/// A clock that goes when it is told to; it starts at 2026-11-23T17:45:01.250Z.
final class HandClock: Sendable {
    private let date = Mutex(Date(timeIntervalSince1970: 1_795_455_901.25))
    var now: Date { date.withLock { $0 } }
    func advance(_ seconds: Double) { date.withLock { $0 = $0.addingTimeInterval(seconds) } }
}

enum Samples {
    static func info(
        _ id: String, model: String = "moka-ai/m3e-small", resumedFromStep: Int = 0,
        learningRate: Double = 0.0001, configuration: JSON? = nil, weights: [WeightInfo] = []
    ) -> RunInfo {
        RunInfo(
            id: id, name: id, directory: "/nowhere/Runs/" + id, model: model,
            dataset: "data/stsb.jsonl", recordKind: "scored_pair", strategy: "full",
            loss: "cosent", trainRows: 160, validationRows: 20, testRows: 30, batchSize: 16,
            learningRate: learningRate, seed: 42, epochs: 2, stepsPerEpoch: 10, totalSteps: 20,
            resumedFromStep: resumedFromStep, parameters: 1000, trainableParameters: 900,
            threads: 2, weights: weights,
            configuration: configuration ?? [
                "learning_rate": .double(learningRate), "optimizer": ["weight_decay": 0.001],
                "rename": ["a", "b"], "warmup": .null,
            ], environment: ["swift": "6.3", "cores": 2])
    }

    static func step(_ step: Int, loss: Double? = nil) -> RunEvent {
        .step(
            StepMetrics(
                step: step, epoch: (step - 1) / 10 + 1, loss: loss ?? 1 / Double(step),
                meanLoss: loss ?? 2 / Double(step), learningRate: 0.0001,
                gradientNorm: step % 2 == 0 ? 1.5 : nil, rows: 16, tokens: 400, truncatedTexts: 1,
                seconds: 0.5))
    }

    static func evaluation(_ phase: EvaluationMetrics.Phase, step: Int, spearman: Double)
        -> RunEvent
    {
        .evaluation(
            EvaluationMetrics(
                phase: phase, epoch: step / 10, step: step, dataset: "test", rows: 30,
                values: [("spearman", spearman), ("pearson", spearman / 2)]))
    }

    /// Pairs `text 0` and `positive 0`, ...
    static func rows(
        _ count: Int = 4, fingerprint: String = "f1", dataset: Int = 0, name: String = "pairs.jsonl"
    ) -> TrainingRows {
        TrainingRows(
            dataset: dataset, name: name, fingerprint: fingerprint, recordKind: "pair",
            columns: ["text", "positive"].map { word in (0..<count).map { "\(word) \($0)" } })
    }

    /// What `step` showed of rows, each with its loss.
    static func examples(
        _ step: Int, epoch: Int = 1, dataset: Int = 0, _ losses: [(row: Int, loss: Double)]
    ) -> RunEvent {
        .examples(
            step: step, epoch: epoch,
            losses.map {
                ExampleEvidence(
                    dataset: dataset, row: $0.row, loss: $0.loss, similarity: 0.5, rank: 1)
            })
    }

    /// Records a whole run.
    static func record(
        _ info: RunInfo, in database: RunDatabase, clock: HandClock = HandClock(),
        spearman: (Double, Double) = (0.5, 0.75)
    ) throws {
        let tracker = SQLiteTracker(database: database, runID: info.id, now: { clock.now })
        try tracker.track(.message(level: .warning, text: "column 'id' is ignored"))
        try tracker.track(.started(info))
        try tracker.track(evaluation(.before, step: 0, spearman: spearman.0))
        for epoch in 1...2 {
            for step in (epoch * 10 - 9)...(epoch * 10) {
                clock.advance(0.5)
                try tracker.track(Samples.step(step))
            }
            try tracker.track(.epochFinished(epoch: epoch, meanLoss: 0.5 / Double(epoch)))
            try tracker.track(.validation(epoch: epoch, step: epoch * 10, loss: 0.25))
            try tracker.track(
                .checkpoint(step: epoch * 10, path: "checkpoints/\(epoch)", bytes: 1_234_567))
        }
        try tracker.track(evaluation(.after, step: 20, spearman: spearman.1))
        try tracker.track(.modelSaved(path: info.directory + "/model"))
        try tracker.track(.finished(status: .finished, seconds: 10, message: ""))
        try tracker.finish()
    }
}

/// A second, plain connection, as a user's `sqlite3` has.
func plain<T>(_ path: String, _ body: (Database) throws -> T) throws -> T {
    try DatabaseQueue(path: path).write(body)
}
