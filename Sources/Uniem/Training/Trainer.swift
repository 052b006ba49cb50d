internal import Embedders
internal import Files
internal import Layers
internal import Records
internal import Tensors
internal import Tracking

/// Goes through the data epoch by epoch, batch by batch, and tells trackers.
final class Trainer {
    /// What a run is made of, decided before the first step.
    struct Plan {
        var epochs: Int
        var batches: EpochPlan
        var rate: Double
        var schedule: Schedule
        var seed: UInt64
        var maxSteps: Int?
        var weightDecay: Double
        var decayRule: DecayRule
        var skippedTokens: Int
    }

    /// How training ended.
    enum End {
        case finished
        case interrupted
    }

    private let embedder: Embedder
    private let loss: any EmbeddingLoss
    private let plan: Plan
    private let validation: Dataset?
    private let engine: StepEngine
    private let pool: WorkerPool
    private let clock = ContinuousClock()
    let optimizer: AdamW
    private(set) var state: RunDirectory.State

    init(
        embedder: Embedder, loss: any EmbeddingLoss, plan: Plan, validation: Dataset?,
        pool: WorkerPool
    ) {
        (self.embedder, self.loss, self.plan, self.pool) = (embedder, loss, plan, pool)
        self.validation = validation
        engine = StepEngine(
            embedder: embedder, loss: loss, skippedTokens: plan.skippedTokens, pool: pool)
        var settings = AdamW.Settings(weightDecay: plan.weightDecay)
        settings.noDecayKeywords = plan.decayRule.keywords
        optimizer = AdamW(embedder.store, settings: settings)
        state = RunDirectory.State(
            step: 0, epoch: 1, batchesDone: 0, epochLossSum: 0, seed: plan.seed)
    }

    /// Trains until the plan is done or `stop` is raised.
    func run(
        tokens: inout TokenCache, stop: StopRequest?, track: (RunEvent) throws -> Void
    ) throws -> End {
        for epoch in 1...plan.epochs {
            if let maxSteps = plan.maxSteps, state.step >= maxSteps { break }
            state.epoch = epoch
            state.batchesDone = 0
            state.epochLossSum = 0
            var batches = try plan.batches.batches(epoch: epoch - 1)
            while true {
                if stop?.isRaised ?? false { return .interrupted }
                if let maxSteps = plan.maxSteps, state.step >= maxSteps { break }
                guard let batch = try batches.next() else { break }
                guard batch.rows.count >= loss.minimumRows else {
                    // Only the last batch of a stream that was not counted; others are refused before.
                    try track(
                        .message(
                            level: .warning,
                            text: "epoch \(epoch): the last batch has \(batch.rows.count) row and "
                                + "was left out; the \(loss.name) loss has no value for it"))
                    break
                }
                try track(.step(try step(batch, tokens: &tokens)))
            }
            guard state.batchesDone > 0 else { break }
            try track(
                .epochFinished(
                    epoch: epoch, meanLoss: state.epochLossSum / Double(state.batchesDone)))
            if let validation, let loss = validationLoss(validation, tokens: &tokens) {
                try track(.validation(epoch: epoch, step: state.step, loss: loss))
            }
        }
        return .finished
    }

    private func step(
        _ rowsAndRecords: EpochPlan.Batch, tokens: inout TokenCache
    ) throws -> StepMetrics {
        let start = clock.now
        let (rows, records) = (rowsAndRecords.rows, rowsAndRecords.records)
        let batch = columns(of: records, tokens: &tokens)
        let seed = SplitMix64.draw(plan.seed, UInt64(state.step))
        let (loss, gradients) = engine.step(
            columns: batch.columns, labels: records.labels, seed: seed)
        guard loss.isFinite else { throw notFinite("the loss", rows) }
        let norm = engine.norm(of: gradients)
        guard norm.isFinite else { throw notFinite("the gradient", rows) }
        let rate = plan.rate * plan.schedule.factor(step: state.step)
        optimizer.step(gradients, rate: rate, pool: pool)
        state.step += 1
        state.batchesDone += 1
        state.epochLossSum += loss
        return StepMetrics(
            step: state.step, epoch: state.epoch, loss: loss,
            meanLoss: state.epochLossSum / Double(state.batchesDone), learningRate: rate,
            gradientNorm: norm,
            rows: rows.count, tokens: batch.tokens, truncatedTexts: batch.truncated,
            seconds: (clock.now - start) / .seconds(1))
    }

    private func notFinite(_ what: String, _ rows: [Int]) -> TrainingError {
        .notFinite(what: what, step: state.step + 1, epoch: state.epoch, rows: rows)
    }

    /// The mean loss over the batches of `validation`, in its order; `nil` where no batch has enough rows for one.
    private func validationLoss(_ validation: Dataset, tokens: inout TokenCache) -> Double? {
        let plan = BatchPlan(
            count: validation.count, batchSize: self.plan.batches.batchSize, seed: 0, shuffle: false
        )
        var (sum, count) = (0.0, 0)
        for rows in plan.batches(epoch: 0) where rows.count >= loss.minimumRows {
            let records = validation.records[rows]
            sum += engine.lossOnly(
                columns: columns(of: records, tokens: &tokens).columns, labels: records.labels)
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }

    private func columns(
        of records: Records, tokens: inout TokenCache
    ) -> (columns: [[[Int32]]], tokens: Int, truncated: Int) {
        var (total, truncated) = (0, 0)
        let columns = records.columns.map { column in
            column.map { text in
                let result = tokens.ids(of: text)
                total += result.ids.count
                if result.truncated > 0 { truncated += 1 }
                return result.ids
            }
        }
        return (columns, total, truncated)
    }
}
