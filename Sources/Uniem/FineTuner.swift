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
    /// The model, which training changes.
    public let embedder: Embedder
    /// The rows to train on.
    public let data: TrainingData
    /// Rows whose loss is computed after each epoch.
    public let validation: Dataset?
    /// Rows that are evaluated before and after training.
    public let test: Dataset?
    private let modelName: String
    private let datasetName: String

    /// Tunes `embedder` on `data`. Names are for the record of the run.
    ///
    /// Throws where the data sets are empty, of different kinds, or hold a row that cannot be trained on.
    public init(
        embedder: Embedder, data: TrainingData, validation: Dataset? = nil, test: Dataset? = nil,
        modelName: String = "model", datasetName: String? = nil
    ) throws {
        (self.embedder, self.data, self.validation, self.test) = (embedder, data, validation, test)
        self.modelName = modelName
        self.datasetName = datasetName ?? data.name
        let training: Dataset? = if case .memory(let dataset) = data { dataset } else { nil }
        for (name, part) in [("training", training), ("validation", validation), ("test", test)] {
            guard let part else { continue }
            guard !part.isEmpty else {
                throw TrainingError.invalid("the \(name) data have no rows", "give data with rows")
            }
            guard part.kind == data.kind else {
                throw TrainingError.invalid(
                    "the \(name) data are \(part.kind.plural), the training data \(data.kind.plural)",
                    "give data of one kind")
            }
            try part.validate()
        }
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
    /// ``run(_:trackers:stop:)`` for all.
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
    public struct Outcome {
        /// The model after the last step.
        public let embedder: Embedder
        /// Whether all steps were made.
        public let status: RunStatus
        /// The identity of the run.
        public let runID: String
        /// Where the model was saved; `nil` where nothing is written or training was interrupted.
        public let modelPath: String?
        /// Where the last checkpoint is.
        public let checkpointPath: String?
        /// The metrics before and after training, where there is something to evaluate on.
        public let before: [(name: String, value: Double)]
        /// The metrics after training.
        public let after: [(name: String, value: Double)]
    }

    /// Trains by `configuration`, tells `trackers`, and stops after the present step once `stop` is raised: then a
    /// checkpoint is written and the status is ``RunStatus/interrupted``.
    ///
    /// Unless the configuration has no place for runs, the run gets a folder (`run.json`, the last checkpoint, the
    /// model) and an entry in the database. Throws ``TrainingError`` for settings and numbers that cannot be,
    /// `FileError` for what cannot be written; the run is recorded as failed then.
    public func run(
        _ configuration: TrainingConfiguration, trackers: [any RunTracker]? = nil,
        stop: StopRequest? = nil
    ) throws -> Outcome {
        try configuration.validate()
        let loss = try (configuration.loss ?? .standard(for: data.kind)).make(
            for: data.kind, temperature: configuration.temperature,
            addsSwapLoss: configuration.addsSwapLoss)
        let special = embedder.tokenizer.specialTokenCount
        if let maxLength = configuration.maxLength, maxLength <= special {
            throw TrainingError.invalid(
                "maximum length \(maxLength), and \(special) tokens of it are special ones",
                "give more than \(special)")
        }
        let store = embedder.store
        try configuration.strategy.apply(to: store)
        defer { store.parameters.forEach { $0.isFrozen = false } }
        let pool = WorkerPool(threads: configuration.threads ?? availableProcessors())
        defer { pool.close() }
        var tokens = TokenCache(
            embedder: embedder, maxLength: configuration.maxLength, prompt: configuration.prompt,
            remembers: isInMemory)
        let plan = try plan(configuration, loss: loss, tokens: &tokens)
        let recording = try RunRecording(
            configuration: configuration, modelName: modelName, datasetName: datasetName,
            trackers: trackers ?? [ConsoleTracker()])
        let start = ContinuousClock.now
        func seconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }
        do {
            let info = info(configuration, plan: plan, loss: loss, pool: pool, recording: recording)
            try recording.open(info, data: data, validation: validation, test: test)
            reportOddities(tokens: &tokens, plan: plan, recording)
            let outcome = try train(
                configuration, plan: plan, loss: loss, pool: pool, tokens: &tokens,
                recording: recording,
                stop: stop)
            recording.finish(outcome.status, seconds: seconds(), message: "")
            return outcome
        } catch {
            recording.finish(.failed, seconds: seconds(), message: "\(error)")
            throw error
        }
    }

    private func train(
        _ configuration: TrainingConfiguration, plan: Trainer.Plan, loss: any EmbeddingLoss,
        pool: WorkerPool,
        tokens: inout TokenCache, recording: RunRecording, stop: StopRequest?
    ) throws -> Outcome {
        let trainer = Trainer(
            embedder: embedder, loss: loss, plan: plan, validation: validation, pool: pool)
        let before = try evaluate(.before, trainer, pool: pool, tokens: &tokens, recording)
        let end = try trainer.run(tokens: &tokens, stop: stop) { try recording.track($0) }
        var after: [(name: String, value: Double)] = []
        if end == .finished {
            after = try evaluate(.after, trainer, pool: pool, tokens: &tokens, recording)
        }
        var checkpoint: String?
        var modelPath: String?
        if let directory = recording.directory {
            let written = try directory.writeCheckpoint(
                trainer.state, store: embedder.store, optimizer: trainer.optimizer)
            checkpoint = written.path
            try recording.track(
                .checkpoint(step: trainer.state.step, path: written.path, bytes: written.bytes))
            if end == .finished {
                try embedder.save(to: directory.modelPath)
                modelPath = directory.modelPath
                try recording.track(.modelSaved(path: directory.modelPath))
            }
        }
        return Outcome(
            embedder: embedder, status: end == .finished ? .finished : .interrupted,
            runID: recording.runID,
            modelPath: modelPath, checkpointPath: checkpoint, before: before, after: after)
    }

    private var isInMemory: Bool { if case .memory = data { true } else { false } }

    /// Settles what the configuration leaves open.
    private func plan(
        _ configuration: TrainingConfiguration, loss: any EmbeddingLoss, tokens: inout TokenCache
    ) throws -> Trainer.Plan {
        let count = try rowCount(configuration)
        let batchSize =
            try configuration.batchSize
            ?? BatchSizeFinder.batchSize(
                for: embedder, rows: count ?? .max, tokensPerRow: tokensPerRow(&tokens))
        guard batchSize >= loss.minimumRows else {
            throw TrainingError.invalid(
                "the \(loss.name) loss has no value for a batch of \(batchSize)",
                "use a batch size of at least \(loss.minimumRows)")
        }
        let last = (count ?? 0) % batchSize
        guard configuration.dropLast || last == 0 || last >= loss.minimumRows else {
            throw TrainingError.invalid(
                "the last batch of an epoch has \(last) row, and the \(loss.name) loss no value for it",
                "use --drop-last or another batch size")
        }
        let batches = EpochPlan(
            data, batchSize: batchSize, seed: configuration.seed, shuffle: configuration.shuffle,
            buffer: configuration.shuffleBuffer, dropLast: configuration.dropLast, count: count)
        if let count, batches.batchCount == 0 {
            throw TrainingError.invalid(
                "\(count) rows are fewer than a batch of \(batchSize), and the last batch is dropped",
                "use a smaller batch size")
        }
        var total = batches.batchCount.map { $0 * configuration.epochs } ?? .max
        if let maxSteps = configuration.maxSteps { total = min(total, maxSteps) }
        let schedule: Schedule
        switch configuration.warmup {
        case nil: schedule = .constant
        case .some(let warmup):
            // Truncated, as uniem does.
            schedule = .cosine(
                warmup: Int(warmup < 1 ? warmup * Double(total) : warmup), total: total)
        }
        return Trainer.Plan(
            epochs: configuration.epochs, batches: batches,
            rate: configuration.learningRate
                ?? suggestedLearningRate(trainableParameters: embedder.store.trainableCount),
            schedule: schedule, seed: configuration.seed, maxSteps: configuration.maxSteps,
            weightDecay: configuration.weightDecay, decayRule: configuration.decayRule,
            skippedTokens: tokens.skippedTokens)
    }

    /// How many rows there are. A stream is read once for that, unless the number of steps is given.
    private func rowCount(_ configuration: TrainingConfiguration) throws -> Int? {
        switch data {
        case .memory(let dataset): return dataset.count
        case .stream(let stream):
            guard configuration.maxSteps == nil else { return nil }
            let count = try stream.count()
            guard count > 0 else {
                throw TrainingError.invalid(
                    "the training data have no rows", "give data with rows")
            }
            return count
        }
    }

    /// The tokens of a long row: the 95th percentile of up to 2,000 rows.
    private func tokensPerRow(_ tokens: inout TokenCache) throws -> Int {
        var lengths: [Int] = []
        for record in try data.sample(2_000) {
            lengths.append(record.texts.reduce(0) { $0 + tokens.ids(of: $1).ids.count })
        }
        lengths.sort()
        return lengths.isEmpty ? 1 : lengths[min(lengths.count - 1, lengths.count * 95 / 100)]
    }

    private func evaluate(
        _ phase: EvaluationMetrics.Phase, _ trainer: Trainer, pool: WorkerPool,
        tokens: inout TokenCache,
        _ recording: RunRecording
    ) throws -> [(name: String, value: Double)] {
        var result: [(name: String, value: Double)] = []
        for (name, data) in [("validation", validation), ("test", test)] {
            guard let data, name == "test" || test == nil else { continue }
            result = Evaluator.evaluate(embedder, on: data, tokens: &tokens, pool: pool)
            try recording.track(
                .evaluation(
                    EvaluationMetrics(
                        phase: phase, epoch: phase == .before ? 0 : trainer.state.epoch,
                        step: trainer.state.step, dataset: name, rows: data.count, values: result)))
        }
        return result
    }

    /// Says before the first step what users find out too late.
    private func reportOddities(
        tokens: inout TokenCache, plan: Trainer.Plan, _ recording: RunRecording
    ) {
        let last = (plan.batches.rowCount ?? 0) % plan.batches.batchSize
        if last == 1, !plan.batches.dropLast {
            recording.warn(
                "the last batch of an epoch has a single row, which teaches nothing; --drop-last leaves it out"
            )
        }
        if !embedder.loadReport.unused.isEmpty {
            recording.say(
                "unused tensors in the checkpoint: \(embedder.loadReport.unused.joined(separator: ", "))"
            )
        }
    }

    private func info(
        _ configuration: TrainingConfiguration, plan: Trainer.Plan, loss: any EmbeddingLoss,
        pool: WorkerPool,
        recording: RunRecording
    ) -> RunInfo {
        let store = embedder.store
        let perEpoch = plan.batches.batchCount ?? 0
        let all = perEpoch > 0 ? perEpoch * plan.epochs : .max
        return RunInfo(
            id: recording.runID, name: recording.runID, directory: recording.path, model: modelName,
            dataset: datasetName, recordKind: data.kind.rawValue,
            strategy: configuration.strategy.name,
            loss: loss.name, trainRows: plan.batches.rowCount ?? 0,
            validationRows: validation?.count ?? 0,
            testRows: test?.count ?? 0, batchSize: plan.batches.batchSize, learningRate: plan.rate,
            seed: Int(clamping: configuration.seed), epochs: plan.epochs, stepsPerEpoch: perEpoch,
            totalSteps: min(all, plan.maxSteps ?? .max), parameters: store.count,
            trainableParameters: store.trainableCount, threads: pool.threads,
            configuration: configuration.json,
            environment: RunEnvironment.json(threads: pool.threads))
    }
}
