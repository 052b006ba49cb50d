import Embedders
import Encoders
import Files
import Layers
import Records
import Synchronization
import TestSupport
import Tensors
import Testing
import Tracking
import Uniem

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The folder of a small model of the reference that is in the repository.
let tinyModel = GoldenRoot.all[0].folder + "/models/bert-tiny"

/// The data sets of the repository.
func sampleData(_ name: String) throws -> Dataset {
    try Dataset.load(
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Datasets/" + name).path)
}

/// `count` different pairs of short texts.
func pairs(_ count: Int) -> Dataset {
    let words = ["man", "guitar", "猫", "woman", "playing", "一个", "dog", "eat", "the", "好"]
    return Dataset(
        pairs: (0..<count).map { row in
            func text(_ salt: Int) -> String {
                (0..<3 + (row + salt) % 5).map { words[(row * 7 + $0 * (salt + 3)) % words.count] }
                    .joined(separator: " ") + " \(row % 10)"
            }
            return PairRecord(text: text(0), textPos: text(1))
        })
}

/// `count` scored pairs, their labels from 0 to 5.
func scoredPairs(_ count: Int) -> Dataset {
    guard case .pairs(let records) = pairs(count).records else { return pairs(count) }
    return Dataset(
        scoredPairs: records.enumerated().map { row, pair in
            ScoredPairRecord(
                sentence1: pair.text, sentence2: pair.textPos, label: Double(row * 7 % 11) / 2)
        })
}

/// `count` triplets.
func triplets(_ count: Int) -> Dataset {
    guard case .pairs(let records) = pairs(count).records else { return pairs(count) }
    return Dataset(
        triplets: records.enumerated().map { row, pair in
            TripletRecord(
                text: pair.text, textPos: pair.textPos,
                textNeg: records[(row + 3) % records.count].text + " x")
        })
}

/// Keeps the events of a run, and calls `hook` at each.
final class EventRecorder: RunTracker {
    private let state = Mutex<[RunEvent]>([])
    private let hook: @Sendable (RunEvent) -> Void

    init(_ hook: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.hook = hook }

    func track(_ event: RunEvent) {
        state.withLock { $0.append(event) }
        hook(event)
    }
    func finish() {}

    var events: [RunEvent] { state.withLock { $0 } }
    var steps: [StepMetrics] {
        events.compactMap { if case .step(let step) = $0 { step } else { nil } }
    }
    var evaluations: [EvaluationMetrics] {
        events.compactMap { if case .evaluation(let metrics) = $0 { metrics } else { nil } }
    }
    var epochs: [Int] {
        events.compactMap { if case .epochFinished(let epoch, _) = $0 { epoch } else { nil } }
    }
    var warnings: [String] {
        events.compactMap {
            if case .message(.warning, let text) = $0 { text } else { nil }
        }
    }
}

/// A short run that writes nothing.
func quietConfiguration(
    batchSize: Int? = 8, _ change: (inout TrainingConfiguration) -> Void = { _ in }
) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.runsDirectory = nil
    configuration.epochs = 1
    configuration.batchSize = batchSize
    configuration.learningRate = 1e-3
    configuration.threads = 2
    change(&configuration)
    return configuration
}

/// The result of a run of the tiny model.
struct RunResult {
    var outcome: FineTuner.Outcome
    var log: EventRecorder
    /// The bits of all parameters after the run.
    var weights: [[UInt32]] { outcome.embedder.store.parameters.map { $0.value.bits } }
}

/// Trains a fresh copy of the tiny model.
func train(
    _ dataset: Dataset, _ configuration: TrainingConfiguration, model: String = tinyModel,
    validation: Dataset? = nil, test: Dataset? = nil, stop: StopRequest? = nil,
    log: EventRecorder = EventRecorder()
) throws -> RunResult {
    let tuner = try FineTuner.fromPretrained(
        model, dataset: dataset, validation: validation, test: test)
    return RunResult(
        outcome: try tuner.run(configuration, trackers: [log], stop: stop), log: log)
}

/// What `body` throws, where that is a ``TrainingError``.
func trainingError(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> TrainingError? {
    do {
        try body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch let error as TrainingError {
        #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(type(of: error)) \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
