internal import Checkpoints
internal import Embedders
internal import Encoders
internal import Files
internal import Layers
internal import Records
internal import RunStore
internal import Tensors
internal import Tracking

/// One run from its settings to its model, begun or taken up again.
final class TrainingSession {
    /// What is trained, on what.
    struct Materials {
        /// The model, prepared for the strategy.
        var embedder: Embedder
        var sources: [TrainingSource]
        var validation: Dataset?
        var test: Dataset?
        var modelName: String
        var datasetName: String
    }

    let materials: Materials
    let configuration: TrainingConfiguration
    private let plan: Trainer.Plan
    /// What the configuration left open.
    let resolved: RunFile.Resolved
    private let pool: WorkerPool
    private let engine: StepEngine
    private let tokens: TokenCache
    /// Things to say before the first step.
    private var notes: [String] = []
    private var before: [String: Evaluation] = [:]

    private var embedder: Embedder { materials.embedder }

    /// Settles what `configuration` leaves open, or takes over what a run that goes on has settled.
    ///
    /// Throws a ``TrainingError`` for settings that do not fit the model and the data.
    init(
        _ materials: Materials, _ configuration: TrainingConfiguration,
        resolved: RunFile.Resolved? = nil, pool: WorkerPool
    ) throws {
        (self.materials, self.configuration, self.pool) = (materials, configuration, pool)
        let embedder = materials.embedder
        try configuration.strategy.apply(to: embedder)
        embedder.precision = configuration.mixedPrecision.precision
        tokens = TokenCache(
            embedder: embedder, maxLength: configuration.maxLength, prompt: configuration.prompt,
            remembers: materials.sources.allSatisfy { $0.dataset != nil })
        (plan, self.resolved, notes) = try TrainingPlanner(materials, configuration)
            .plan(resolved: resolved, tokens: tokens)
        engine = StepEngine(embedder, tokens: tokens, configuration, pool: pool)
    }

    /// What is known of the run.
    func info(_ recording: RunRecording, resumedFrom step: Int) -> RunInfo {
        let store = embedder.store
        let perEpoch =
            plan.batches.batchCount(epoch: 0).map {
                ($0 + configuration.gradientAccumulationSteps - 1)
                    / configuration.gradientAccumulationSteps
            } ?? 0
        let kinds = materials.sources.map(\.data.kind.rawValue)
        let losses = plan.losses.map(\.name)
        func joined(_ names: [String]) -> String {
            var seen = Set<String>()
            return names.filter { seen.insert($0).inserted }.joined(separator: "+")
        }
        return RunInfo(
            id: recording.runID, name: recording.runID, directory: recording.path,
            model: materials.modelName, dataset: materials.datasetName,
            recordKind: joined(kinds), strategy: configuration.strategy.name,
            loss: joined(losses), trainRows: plan.batches.rowCount ?? 0,
            validationRows: materials.validation?.count ?? 0,
            testRows: materials.test?.count ?? 0, batchSize: plan.batches.batchSize,
            learningRate: plan.rate, seed: Int(clamping: configuration.seed),
            epochs: plan.epochs, stepsPerEpoch: perEpoch,
            totalSteps: plan.totalSteps ?? configuration.maxSteps ?? .max,
            resumedFromStep: step, parameters: store.count,
            trainableParameters: store.trainableCount, threads: pool.threads,
            weights: weights, configuration: configuration.json,
            environment: RunEnvironment.json(threads: pool.threads))
    }

    /// What trains and how, parameter by parameter.
    private var weights: [WeightInfo] {
        let optimizer = configuration.optimizer(of: embedder.store)
        return embedder.store.parameters.map { parameter in
            let entry = optimizer.entry(of: parameter)
            return WeightInfo(
                name: parameter.name, shape: parameter.shape.dimensions,
                training: parameter.trainableCount,
                learningRate: entry.map { $0.rate ?? plan.rate } ?? 0,
                weightDecay: entry?.decay ?? 0)
        }
    }

    // MARK: Training

    /// Trains from `checkpoint`, or from the start, until the model is saved or a stop is asked for.
    func run(
        _ recording: RunRecording, from checkpoint: CheckpointStore.Checkpoint? = nil,
        callbacks: TrainingCallbacks, stop: StopRequest?
    ) throws -> FineTuner.Outcome {
        embedder.keepsLayouts = false
        defer { embedder.keepsLayouts = true }
        let trainer = try Trainer(
            embedder: embedder, plan: plan, pool: pool, engine: engine, checkpoint: checkpoint)
        trainer.optimizer.mayBegin = { (try? recording.awaitBeginning()) != nil }
        for note in notes { recording.say(note) }
        tellWhatTrains(recording)
        reportOddities(recording)
        try measureBefore(trainer.state, recording)
        let directory = recording.directory
        var written = checkpoint?.step
        func write(_ state: TrainingState) throws {
            guard let directory else { return }
            try recording.flush()
            let result = try directory.checkpoints.write(
                state, store: embedder.store, optimizer: trainer.optimizer)
            try directory.checkpoints.prune(
                keeping: configuration.keptCheckpoints, best: state.best?.step)
            written = state.step
            try recording.track(
                .checkpoint(step: state.step, path: result.path, bytes: result.bytes))
        }
        // The texts are stored while training goes on, not before it: the first step has the machine to itself.
        var areRowsTold = false
        func tellRowsOnce() {
            if !areRowsTold { tellRows(recording) }
            areRowsTold = true
        }
        let end = try trainer.run(
            tokens: tokens,
            Trainer.Surroundings(
                track: { event in
                    tellRowsOnce()
                    try recording.track(event)
                },
                evaluate: { phase, state in try self.measure(phase, state, recording) },
                checkpoint: write, callbacks: callbacks, stop: stop))
        tellRowsOnce()
        if written != trainer.state.step || end == .interrupted { try write(trainer.state) }
        let path = directory?.checkpoints.path(ofStep: trainer.state.step)
        guard end == .finished else {
            return FineTuner.Outcome(
                embedder: embedder, status: .interrupted, runID: recording.runID,
                checkpointPath: path)
        }
        return try complete(trainer.state, recording, checkpoint: path)
    }

    /// Restores the best model, measures and saves.
    private func complete(
        _ state: TrainingState, _ recording: RunRecording, checkpoint: String?
    ) throws -> FineTuner.Outcome {
        if let reason = state.stopReason { recording.say("Training ends early: \(reason)") }
        try restoreBest(state, recording)
        var outcome = FineTuner.Outcome(
            embedder: embedder, status: .finished, runID: recording.runID,
            checkpointPath: checkpoint)
        outcome.stopReason = state.stopReason
        for (name, data) in heldOut {
            let evaluation = measured(data)
            let gains = gains(evaluation, over: before[name])
            try track(.after, evaluation, name, data, state, recording, gains: gains)
            outcome.before = before[name]?.values ?? []
            outcome.after = evaluation.values
            outcome.gains = gains
        }
        // What is saved is float32, and so is what comes back.
        embedder.precision = .float32
        if let directory = recording.directory {
            try recording.flush()
            try save(to: directory, &outcome, recording)
            try directory.finish(result(outcome, state))
        }
        return outcome
    }

    private func save(
        to directory: RunDirectory, _ outcome: inout FineTuner.Outcome, _ recording: RunRecording
    ) throws {
        if embedder.adapter != nil {
            let base = FileBytes.absolute(materials.modelName)
            try embedder.saveAdapter(
                to: directory.adapterPath,
                baseModel: FileBytes.isFolder(base) ? base : materials.modelName)
            outcome.adapterPath = directory.adapterPath
            try recording.track(.modelSaved(path: directory.adapterPath))
            guard configuration.mergesAdapter else { return }
            embedder.mergeAdapter()
        }
        // What steps took makes room for the model that is loaded to compare.
        BufferPool.shared.trim()
        try embedder.save(to: directory.modelPath)
        outcome.modelPath = directory.modelPath
        try recording.track(.modelSaved(path: directory.modelPath))
    }

    private func result(_ outcome: FineTuner.Outcome, _ state: TrainingState) -> JSON {
        func values(_ list: [(name: String, value: Double)]) -> JSON {
            .object(list.map { (key: $0.name, value: .double($0.value)) })
        }
        return [
            "version": 1, "status": .string(outcome.status.rawValue), "steps": .int(state.step),
            "stop_reason": .optional(state.stopReason), "before": values(outcome.before),
            "after": values(outcome.after),
            "model": .optional(outcome.modelPath.map(FileBytes.name(of:))),
            "adapter": .optional(outcome.adapterPath.map(FileBytes.name(of:))),
        ]
    }

    private func restoreBest(_ state: TrainingState, _ recording: RunRecording) throws {
        guard configuration.restoresBest, let best = state.best, best.step != state.step,
            let directory = recording.directory
        else { return }
        let path = directory.checkpoints.path(ofStep: best.step)
        try directory.verifyCheckpoint(path)
        let checkpoint = CheckpointStore.Checkpoint(path: path, step: best.step)
        _ = try checkpoint.restore(store: embedder.store)
        let value = NumberText.fixed(abs(best.value), decimals: 4)
        recording.say(
            "The best model is that of step \(best.step) (\(choiceName) \(value)); it is restored")
    }

    // MARK: Evaluation

    /// What is measured before and after, in this order.
    private var heldOut: [(name: String, data: Dataset)] {
        [("validation", materials.validation), ("test", materials.test)].compactMap { name, data in
            data.map { (name, $0) }
        }
    }

    /// The metric that chooses the best model.
    private var choiceName: String {
        configuration.bestMetric
            ?? materials.validation.map { Evaluation.mainMetric(of: $0.kind) } ?? "loss"
    }

    private func measured(_ data: Dataset) -> Evaluation {
        var tokens = tokens
        return Evaluator.measure(embedder, on: data, tokens: &tokens, pool: pool)
    }

    private func measureBefore(_ state: TrainingState, _ recording: RunRecording) throws {
        for (name, data) in heldOut {
            if let directory = recording.directory, let known = try directory.readBefore(of: name) {
                let evaluation = try Evaluation(known, path: directory.path)
                before[name] = evaluation
                // It may have been kept, and not been told any more.
                if state.step == 0 { try track(.before, evaluation, name, data, state, recording) }
                continue
            }
            guard state.step == 0 else { continue }
            let evaluation = measured(data)
            before[name] = evaluation
            try recording.awaitBeginning()
            try recording.directory?.writeBefore(evaluation.json, of: name)
            try track(.before, evaluation, name, data, state, recording)
        }
        if let validation = before["validation"], choiceName != "loss",
            !validation.task.has(metric: choiceName)
        {
            throw TrainingError.invalid(
                "there is no metric \(choiceName) on the validation data",
                "choose one of loss, " + validation.values.map(\.name).joined(separator: ", "))
        }
    }

    /// Measures the present model on the validation data.
    private func measure(
        _ phase: EvaluationMetrics.Phase, _ state: TrainingState, _ recording: RunRecording
    ) throws -> Trainer.Measured? {
        guard let validation = materials.validation else { return nil }
        let loss = validationLoss(validation)
        if let loss {
            try recording.track(
                .validation(epoch: state.epoch, step: state.step, loss: loss))
        }
        let evaluation = measured(validation)
        try track(phase, evaluation, "validation", validation, state, recording)
        var choice = loss.map { -$0 }
        if choiceName != "loss" {
            let value = evaluation.value(of: choiceName)
            choice = value.map { $0.isNaN ? -.infinity : $0 }
        }
        return Trainer.Measured(loss: loss, metrics: evaluation.values, choice: choice)
    }

    private func track(
        _ phase: EvaluationMetrics.Phase, _ evaluation: Evaluation, _ name: String,
        _ data: Dataset, _ state: TrainingState, _ recording: RunRecording, gains: [MetricGain] = []
    ) throws {
        // Between epochs the state is already in the next one.
        let isBetween = state.batchesDone == 0 && state.epoch > 1
        let epoch = phase == .before ? 0 : state.epoch - (isBetween ? 1 : 0)
        try recording.track(
            .evaluation(
                EvaluationMetrics(
                    phase: phase, epoch: epoch, step: state.step, dataset: name,
                    rows: data.count, values: evaluation.values, gains: gains)))
    }

    private func gains(_ after: Evaluation, over before: Evaluation?) -> [MetricGain] {
        let name = after.mainMetric
        guard let before, let gain = after.difference(from: before, metric: name) else {
            return []
        }
        return [
            MetricGain(name: name, difference: gain.value, low: gain.low, high: gain.high)
        ]
    }

    /// The mean loss over the batches of `validation`, in its order; `nil` where no batch has enough rows for one.
    private func validationLoss(_ validation: Dataset) -> Double? {
        guard let loss = plan.losses.first(where: { $0.kind == validation.kind }) else {
            return nil
        }
        let batches = BatchPlan(
            count: validation.count, batchSize: plan.batches.batchSize, seed: 0, shuffle: false)
        var (sum, count) = (0.0, 0)
        for rows in batches.batches(epoch: 0) where rows.count >= loss.minimumRows {
            let records = validation.records[rows]
            sum += engine.lossOnly(
                StepEngine.Batch(
                    columns: tokens.columns(of: records).columns, labels: records.labels,
                    loss: loss, seed: 0))
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }

    // MARK: Words before the first step

    /// Where not everything trains, what does.
    private func tellWhatTrains(_ recording: RunRecording) {
        let store = embedder.store
        guard store.trainableCount < store.count else { return }
        let table = RunTable.whatTrains(weights)
        recording.say(String(table.reversed().drop { $0 == "\n" }.reversed()))
    }

    private func tellRows(_ recording: RunRecording) {
        guard configuration.recordsExamples else { return }
        for (number, source) in materials.sources.enumerated() {
            guard let dataset = source.dataset else { continue }
            try? recording.track(
                .data(
                    TrainingRows(
                        dataset: number, name: source.name, fingerprint: dataset.fingerprintText,
                        recordKind: dataset.kind.rawValue, columns: dataset.records.columns,
                        labels: dataset.records.labels)))
        }
    }

    /// Says what users find out too late.
    private func reportOddities(_ recording: RunRecording) {
        if let (rows, _) = plan.batches.smallestBatch(epoch: 0), rows == 1 {
            recording.warn(
                "the last batch of an epoch has a single row, which teaches nothing; --drop-last leaves it out"
            )
        }
        if !embedder.loadReport.unused.isEmpty {
            recording.say(
                "unused tensors in the checkpoint: \(embedder.loadReport.unused.joined(separator: ", "))"
            )
        }
        if configuration.gradientAccumulationSteps > 1,
            plan.losses.contains(where: { !$0.isMeanOverRows })
        {
            recording.say(
                "note: gradients of \(configuration.gradientAccumulationSteps) batches make a step; "
                    + "rows are compared within their batch of \(plan.batches.batchSize) only. "
                    + "A larger --batch-size with --chunk-tokens compares all of them in the same memory"
            )
        }
    }
}
