internal import Checkpoints
public import Embedders
internal import Files
internal import Layers
public import Records
internal import RunStore
internal import Tensors
internal import Tokenizers
public import Tracking

/// Turns a pretrained encoder and a file of sentence pairs into a better embedding model.
///
/// ```swift
/// let finetuner = try FineTuner.fromPretrained("models/m3e-small", dataset: dataset)
/// let embedder = try finetuner.run(epochs: 3, batchSize: 64, learningRate: 3e-5)
/// let vectors = embedder.encode(["今天天气很好", "It is raining."])
/// ```
///
/// The kind of record decides the loss: pairs train with the softmax contrastive loss, triplets with its triplet
/// form, scored pairs with CoSENT. A tuner belongs to one task at a time.
public final class FineTuner {
    /// The model, which training changes; new special tokens make it another one.
    public private(set) var embedder: Embedder
    /// The data sets to train on.
    public let sources: [TrainingSource]
    /// Rows whose loss and metrics are computed after each epoch.
    public let validation: Dataset?
    /// Rows that are evaluated before and after training.
    public let test: Dataset?
    private let modelName: String
    private let datasetName: String

    /// The rows to train on; those of the first data set where there are several.
    public var data: TrainingData { sources[0].data }

    /// Tunes `embedder` on several data sets, each batch of one of them. Names are for the record of the run.
    ///
    /// Throws where there is no data set, one is empty or holds a row that cannot be trained on, a stream is not alone,
    /// or the held-out rows are of no kind that is trained on.
    public init(
        embedder: Embedder, sources: [TrainingSource], validation: Dataset? = nil,
        test: Dataset? = nil, modelName: String = "model", datasetName: String? = nil
    ) throws {
        guard !sources.isEmpty else {
            throw TrainingError.invalid("no training data", "give at least one data set")
        }
        (self.embedder, self.sources, self.validation, self.test) = (
            embedder, sources, validation, test
        )
        self.modelName = modelName
        self.datasetName = datasetName ?? sources.map(\.name).joined(separator: ",")
        guard sources.count == 1 || sources.allSatisfy({ $0.dataset != nil }) else {
            throw TrainingError.invalid(
                "a stream among \(sources.count) data sets",
                "hold all of them in memory, or train on one stream")
        }
        let kinds = Set(sources.map(\.data.kind))
        let training = sources.map { ("training", $0.dataset) }
        for (name, part) in training + [("validation", validation), ("test", test)] {
            guard let part else { continue }
            guard !part.isEmpty else {
                throw TrainingError.invalid("the \(name) data have no rows", "give data with rows")
            }
            guard kinds.contains(part.kind) else {
                throw TrainingError.invalid(
                    "the \(name) data are \(part.kind.plural), the training data \(data.kind.plural)",
                    "give data of one kind")
            }
            try part.validate()
        }
    }

    /// Tunes `embedder` on `data`. Names are for the record of the run.
    ///
    /// Throws where the data sets are empty, of different kinds, or hold a row that cannot be trained on.
    public convenience init(
        embedder: Embedder, data: TrainingData, validation: Dataset? = nil, test: Dataset? = nil,
        modelName: String = "model", datasetName: String? = nil
    ) throws {
        try self.init(
            embedder: embedder, sources: [TrainingSource(data, name: datasetName)],
            validation: validation, test: test, modelName: modelName, datasetName: datasetName)
    }

    /// Tunes `embedder` on records in memory, as ``init(embedder:data:validation:test:modelName:datasetName:)``.
    public convenience init(
        embedder: Embedder, dataset: Dataset, validation: Dataset? = nil, test: Dataset? = nil,
        modelName: String = "model", datasetName: String? = nil
    ) throws {
        try self.init(
            embedder: embedder, data: .memory(dataset), validation: validation, test: test,
            modelName: modelName, datasetName: datasetName)
    }

    /// Trains and returns the model, with the settings that are changed most; see
    /// ``run(_:trackers:callbacks:stop:)`` for all.
    @discardableResult
    public func run(
        epochs: Int = 3, batchSize: Int? = nil, learningRate: Double? = nil,
        temperature: Double = 0.05,
        strategy: Strategy = .full, maxLength: Int? = nil, seed: UInt64 = 42,
        runsDirectory: String? = "Runs"
    ) throws -> Embedder {
        var configuration = TrainingConfiguration()
        configuration.epochs = epochs
        configuration.batchSize = batchSize
        configuration.learningRate = learningRate
        configuration.temperature = temperature
        configuration.strategy = strategy
        configuration.maxLength = maxLength
        configuration.seed = seed
        configuration.runsDirectory = runsDirectory
        return try run(configuration).embedder
    }

    /// What a run leaves behind.
    public struct Outcome: Sendable {
        /// The model after the last step.
        public let embedder: Embedder
        /// Whether all steps were made.
        public let status: RunStatus
        /// The identity of the run.
        public let runID: String
        /// Where the model was saved; `nil` where nothing is written or training was interrupted, and for an adapter
        /// that was not merged.
        public internal(set) var modelPath: String?
        /// Where the adapter of a LoRA run was saved.
        public internal(set) var adapterPath: String?
        /// Where the last checkpoint is.
        public let checkpointPath: String?
        /// Why training ended before all steps were made, where it did.
        public internal(set) var stopReason: String?
        /// The metrics before training, on the test data or else the validation data.
        public internal(set) var before: [(name: String, value: Double)] = []
        /// The metrics after training.
        public internal(set) var after: [(name: String, value: Double)] = []
        /// How much the main metric changed, with a confidence interval.
        public internal(set) var gains: [MetricGain] = []

        /// Whether the run was finished before it was resumed, so that nothing was done.
        public internal(set) var isOld = false

        init(embedder: Embedder, status: RunStatus, runID: String, checkpointPath: String?) {
            (self.embedder, self.status, self.runID) = (embedder, status, runID)
            self.checkpointPath = checkpointPath
        }
    }

    /// Trains by `configuration`, tells `trackers`, and stops after the present step once `stop` is raised: then a
    /// checkpoint is written and the status is ``RunStatus/interrupted``.
    ///
    /// Unless the configuration has no place for runs, the run gets a folder (`run.json`, its data, checkpoints, the
    /// model) and an entry in the database; ``resume(_:runsDirectory:trackers:callbacks:stop:)`` takes it up again
    /// after any end. Throws ``TrainingError`` for settings and numbers that cannot be, `FileError` for what cannot be
    /// written; the run is recorded as failed then.
    public func run(
        _ configuration: TrainingConfiguration, trackers: [any RunTracker]? = nil,
        callbacks: TrainingCallbacks = TrainingCallbacks(), stop: StopRequest? = nil
    ) throws -> Outcome {
        try configuration.validate()
        embedder = try configuration.strategy.prepare(embedder, seed: configuration.seed)
        var isDone = false
        defer {
            if !isDone, case .lora = configuration.strategy { embedder.detachAdapter() }
            embedder.store.thawAll()
        }
        let pool = WorkerPool(threads: configuration.threads ?? availableProcessors())
        defer { pool.close() }
        let session = try TrainingSession(
            TrainingSession.Materials(
                embedder: embedder, sources: sources, validation: validation, test: test,
                modelName: modelName, datasetName: datasetName),
            configuration, pool: pool)
        let recording = try RunRecording(
            configuration, modelName: modelName, datasetName: datasetName,
            trackers: trackers ?? [ConsoleTracker()])
        return try recorded(recording) {
            let info = session.info(recording, resumedFrom: 0)
            try recording.start(
                info,
                after: recording.directory.map { directory in
                    RunBeginning(
                        directory: directory, runID: recording.runID, embedder: embedder,
                        modelName: modelName, sources: sources, validation: validation, test: test,
                        configuration: configuration, resolved: session.resolved,
                        environment: info.environment)
                })
            let outcome = try session.run(recording, callbacks: callbacks, stop: stop)
            isDone = true
            return outcome
        }
    }

    /// As ``run(_:trackers:callbacks:stop:)`` on a thread of its own, with callbacks that may wait. The cancellation
    /// of the task is a stop request.
    nonisolated(nonsending) public func run(
        _ configuration: TrainingConfiguration, trackers: [any RunTracker]? = nil,
        asyncCallbacks: AsyncTrainingCallbacks, stop: StopRequest? = nil
    ) async throws -> Outcome {
        let stop = stop ?? StopRequest()
        return try await withTaskCancellationHandler {
            try await Waiting.onThread {
                try self.run(
                    configuration, trackers: trackers, callbacks: asyncCallbacks.blocking(),
                    stop: stop)
            }
        } onCancel: {
            stop.raise()
        }
    }
}

/// Runs `body` and records how it ended.
func recorded(
    _ recording: RunRecording, _ body: () throws -> FineTuner.Outcome
) throws -> FineTuner.Outcome {
    let start = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }
    do {
        let outcome = try body()
        recording.finish(outcome.status, seconds: seconds(), message: outcome.stopReason ?? "")
        return outcome
    } catch {
        recording.finish(.failed, seconds: seconds(), message: "\(error)")
        throw error
    }
}
