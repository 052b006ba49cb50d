internal import Embedders
internal import Files
internal import Layers
internal import Records
internal import Tensors
internal import Tracking

/// Goes through the data epoch by epoch, batch by batch, and tells what happens.
final class Trainer {
    /// What a run is made of, decided before the first step.
    struct Plan {
        var epochs: Int
        var batches: EpochPlan
        /// The loss of each data set.
        var losses: [any EmbeddingLoss]
        var rate: Double
        var schedule: Schedule
        /// All other settings.
        var configuration: TrainingConfiguration
        /// Optimizer steps of the whole run; `nil` where the rows were not counted.
        var totalSteps: Int?
    }

    /// What surrounds training: evaluation, checkpoints, records.
    struct Surroundings {
        /// Tells of an event.
        var track: (RunEvent) throws -> Void
        /// Measures the model after a step or an epoch; `nil` where there is nothing to measure on.
        var evaluate: (EvaluationMetrics.Phase, TrainingState) throws -> Measured?
        /// Writes a checkpoint.
        var checkpoint: (TrainingState) throws -> Void
        var callbacks: TrainingCallbacks
        var stop: StopRequest?
    }

    /// What an evaluation on the validation data gave.
    struct Measured {
        var loss: Double?
        var metrics: [(name: String, value: Double)]
        /// The value that chooses the best model, the higher the better.
        var choice: Double?
    }

    /// How training ended.
    enum End {
        case finished
        case interrupted
    }

    private let embedder: Embedder
    private let plan: Plan
    private let engine: StepEngine
    private let pool: WorkerPool
    private let clock = ContinuousClock()
    private var lastCheckpoint: (step: Int, time: ContinuousClock.Instant)
    let optimizer: AdamW
    private(set) var state: TrainingState

    init(
        embedder: Embedder, plan: Plan, pool: WorkerPool, engine: StepEngine,
        checkpoint: CheckpointStore.Checkpoint?
    ) throws {
        (self.embedder, self.plan, self.pool, self.engine) = (embedder, plan, pool, engine)
        optimizer = plan.configuration.optimizer(of: embedder.store)
        state =
            try checkpoint?.restore(store: embedder.store, optimizer: optimizer)
            ?? TrainingState()
        lastCheckpoint = (checkpoint == nil ? -1 : state.step, clock.now)
    }

    /// Trains until the plan is done, a callback or the lack of progress ends it, or a stop is asked for.
    func run(tokens: TokenCache, _ around: Surroundings) throws -> End {
        while state.epoch <= plan.epochs, !isOver {
            var batches = try plan.batches.batches(
                epoch: state.epoch - 1, skipping: state.batchesDone)
            while !isOver {
                if around.stop?.isRaised ?? false { return .interrupted }
                guard let group = try nextGroup(&batches, around) else { break }
                let metrics = try step(group, tokens: tokens, around)
                try decide(try around.callbacks.stepEnd?(metrics))
                if let every = plan.configuration.evaluationSteps, state.step % every == 0 {
                    try measure(.step, around)
                }
                try writeCheckpointIfDue(around)
            }
            guard state.batchesDone > 0 else { break }
            try endEpoch(around)
        }
        return .finished
    }

    /// Whether no further step is to be made.
    private var isOver: Bool {
        state.stopReason != nil || plan.configuration.maxSteps.map { state.step >= $0 } ?? false
    }

    /// The batches of the next step; `nil` at the end of the epoch.
    private func nextGroup(
        _ batches: inout EpochBatches, _ around: Surroundings
    ) throws -> [EpochPlan.Batch]? {
        var group: [EpochPlan.Batch] = []
        while group.count < plan.configuration.gradientAccumulationSteps,
            let batch = try batches.next()
        {
            let loss = plan.losses[batch.source]
            guard batch.rows.count >= loss.minimumRows else {
                // Only the last batch of a stream that was not counted; others are refused before.
                try around.track(
                    .message(
                        level: .warning,
                        text:
                            "epoch \(state.epoch): the last batch has \(batch.rows.count) row and "
                            + "was left out; the \(loss.name) loss has no value for it"))
                break
            }
            group.append(batch)
        }
        return group.isEmpty ? nil : group
    }

    private func endEpoch(_ around: Surroundings) throws {
        let mean = state.epochLossSum / Double(state.batchesDone)
        try around.track(.epochFinished(epoch: state.epoch, meanLoss: mean))
        let measured = try measure(.epoch, around)
        try decide(
            try around.callbacks.epochEnd?(
                EpochSummary(
                    epoch: state.epoch, step: state.step, meanLoss: mean,
                    validationLoss: measured?.loss, metrics: measured?.metrics ?? [])))
        state.epoch += 1
        state.batchesDone = 0
        state.epochLossSum = 0
        if plan.configuration.checkpointsEpochs || state.best?.step == state.step {
            try writeCheckpoint(around)
        }
    }

    private func decide(_ decision: TrainingCallbacks.Decision?) throws {
        if case .stop(let reason) = decision { state.stopReason = reason }
    }

    // MARK: Evaluation

    @discardableResult
    private func measure(
        _ phase: EvaluationMetrics.Phase, _ around: Surroundings
    ) throws -> Measured? {
        let measured = try around.evaluate(phase, state)
        // The end of an epoch may follow an evaluation of the same model.
        guard let value = measured?.choice, state.measuredStep != state.step else {
            return measured
        }
        state.measuredStep = state.step
        if value > (state.best?.value ?? -.infinity) {
            state.best = TrainingState.Best(step: state.step, value: value)
            state.evaluationsWithoutGain = 0
            if phase == .step { try writeCheckpoint(around) }
            return measured
        }
        state.evaluationsWithoutGain += 1
        if let patience = plan.configuration.earlyStoppingPatience,
            state.evaluationsWithoutGain >= patience
        {
            state.stopReason =
                "no better model in \(patience) evaluations; the best was that of step "
                + "\(state.best?.step ?? 0)"
        }
        return measured
    }

    // MARK: Checkpoints

    private func writeCheckpointIfDue(_ around: Surroundings) throws {
        let configuration = plan.configuration
        let isDue =
            configuration.checkpointSteps.map { state.step % $0 == 0 } ?? false
            || configuration.checkpointMinutes.map {
                clock.now - lastCheckpoint.time >= .seconds($0 * 60)
            } ?? false
        if isDue, lastCheckpoint.step != state.step { try writeCheckpoint(around) }
    }

    /// Writes a checkpoint of the present state.
    private func writeCheckpoint(_ around: Surroundings) throws {
        try around.checkpoint(state)
        lastCheckpoint = (state.step, clock.now)
    }

    // MARK: One step

    private func step(
        _ group: [EpochPlan.Batch], tokens: TokenCache, _ around: Surroundings
    ) throws -> StepMetrics {
        let start = clock.now
        let configuration = plan.configuration
        var (count, truncated) = (0, 0)
        var cut: [[Int]] = []
        var batches: [StepEngine.Batch] = []
        for (place, batch) in group.enumerated() {
            let texts = tokens.columns(of: batch.records)
            count += texts.tokens
            truncated += texts.truncatedTexts
            cut.append(texts.truncatedTokens)
            // The first batch of a step has the seed that a step of one batch has.
            let number = UInt64(state.step) &+ UInt64(place) << 40
            batches.append(
                StepEngine.Batch(
                    columns: texts.columns, labels: batch.records.labels,
                    loss: plan.losses[batch.source],
                    seed: SplitMix64.draw(configuration.seed, number)))
        }
        let result = engine.step(batches, tellsRows: configuration.recordsExamples)
        guard result.loss.isFinite else { throw diagnosis("the loss", group, batches, result) }
        let norm = engine.norm(of: result.gradients)
        guard norm.isFinite else { throw diagnosis("the gradient", group, batches, result) }
        if let limit = configuration.maxGradientNorm, norm > limit {
            // As torch.nn.utils.clip_grad_norm_.
            result.gradients.scale(by: Float(limit / (norm + 1e-6)))
        }
        let factor = plan.schedule.factor(step: state.step)
        optimizer.step(
            result.gradients, rate: plan.rate * factor, groupFactor: factor, pool: pool)
        state.step += 1
        state.batchesDone += group.count
        state.epochLossSum += result.losses.reduce(0, +)
        let metrics = StepMetrics(
            step: state.step, epoch: state.epoch, loss: result.loss,
            meanLoss: state.epochLossSum / Double(state.batchesDone),
            learningRate: plan.rate * factor, gradientNorm: norm,
            rows: group.reduce(0) { $0 + $1.rows.count }, tokens: count, truncatedTexts: truncated,
            seconds: (clock.now - start) / .seconds(1))
        try around.track(.step(metrics))
        let examples = examples(group, result, cut)
        if !examples.isEmpty {
            try around.track(.examples(step: state.step, epoch: state.epoch, examples))
        }
        return metrics
    }

    private func examples(
        _ group: [EpochPlan.Batch], _ result: StepEngine.Result, _ cut: [[Int]]
    ) -> [ExampleEvidence] {
        zip(zip(group, result.rows), cut).flatMap { pair, cut -> [ExampleEvidence] in
            let (batch, rows) = pair
            return zip(zip(batch.rows, rows ?? []), cut).map { pair, cut in
                let (row, told) = pair
                return ExampleEvidence(
                    dataset: batch.source, row: row, loss: told.loss,
                    similarity: told.similarity, rank: told.rank,
                    closerNegatives: told.closerNegatives,
                    closestNegative: told.closestNegative.map { batch.rows[$0] },
                    truncatedTokens: cut)
            }
        }
    }

    /// Looks for where a number that is not finite came from.
    private func diagnosis(
        _ what: String, _ group: [EpochPlan.Batch], _ batches: [StepEngine.Batch],
        _ result: StepEngine.Result
    ) -> TrainingError {
        func error(_ batch: EpochPlan.Batch, _ rows: [Int], _ place: String) -> TrainingError {
            .notFinite(
                what: what, step: state.step + 1, epoch: state.epoch,
                rows: (rows.isEmpty ? Array(batch.rows.indices) : rows).map { batch.rows[$0] },
                place: place)
        }
        for (batch, texts) in zip(group, batches) {
            if let found = engine.firstNotFinite(in: texts) {
                return error(batch, found.rows, found.place)
            }
        }
        for (place, loss) in result.losses.enumerated() where !loss.isFinite {
            return error(group[place], [], "the loss of finite embeddings")
        }
        let name = engine.firstNotFinite(in: result.gradients)
        return error(group[0], [], name.map { "the gradient of \($0)" } ?? "the sum of gradients")
    }
}
