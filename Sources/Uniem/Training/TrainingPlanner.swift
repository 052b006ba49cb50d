internal import Embedders
internal import Layers
internal import Records
internal import Tensors
internal import Tokenizers

/// Settles before the first step what the configuration leaves open.
struct TrainingPlanner {
    private let materials: TrainingSession.Materials
    private let configuration: TrainingConfiguration

    init(_ materials: TrainingSession.Materials, _ configuration: TrainingConfiguration) {
        (self.materials, self.configuration) = (materials, configuration)
    }

    private var embedder: Embedder { materials.embedder }

    /// The plan, and what there is to say about it; `resolved` is what a run that goes on had settled.
    ///
    /// Throws a ``TrainingError`` for settings that do not fit the model and the data.
    func plan(
        resolved: RunFile.Resolved?, tokens: TokenCache
    ) throws -> (Trainer.Plan, RunFile.Resolved, notes: [String]) {
        try checkLengths()
        try checkValidation()
        let losses = try materials.sources.map { source in
            try (source.loss ?? configuration.loss ?? .standard(for: source.data.kind)).make(
                for: source.data.kind, temperature: configuration.temperature,
                addsSwapLoss: configuration.addsSwapLoss)
        }
        let streamRows = try resolved.map(\.streamRows) ?? countStream()
        var notes: [String] = []
        let batchSize =
            try resolved?.batchSize ?? configuration.batchSize
            ?? automaticBatchSize(losses, tokens, &notes)
        try checkMinimum(losses, batchSize)
        let batches = EpochPlan(
            materials.sources.map(\.data), configuration, batchSize: batchSize, count: streamRows,
            validates: materials.validation != nil)
        try checkBatches(batches, losses)
        let total = resolved.map(\.totalSteps) ?? totalSteps(batches)
        let rate =
            resolved?.learningRate ?? configuration.learningRate
            ?? suggestedLearningRate(trainableParameters: embedder.store.trainableCount)
        let plan = Trainer.Plan(
            epochs: configuration.epochs, batches: batches, losses: losses, rate: rate,
            schedule: try schedule(total), configuration: configuration, totalSteps: total)
        return (
            plan,
            RunFile.Resolved(
                batchSize: batchSize, learningRate: rate, totalSteps: total,
                streamRows: streamRows), notes
        )
    }

    private func checkLengths() throws(TrainingError) {
        let special = embedder.tokenizer.specialTokenCount
        if let maxLength = configuration.maxLength, maxLength <= special {
            throw .invalid(
                "maximum length \(maxLength), and \(special) tokens of it are special ones",
                "give more than \(special)")
        }
        let prompts = ColumnPrompts(configuration.prompt, of: embedder)
        if !embedder.poolsPrompt, prompts.first != prompts.others {
            throw .invalid(
                "this model does not pool its prompts, and queries and documents have different ones",
                "give one for all texts with --prompt")
        }
    }

    private func checkValidation() throws(TrainingError) {
        if let validation = materials.validation {
            guard materials.sources.contains(where: { $0.data.kind == validation.kind }) else {
                throw .invalid(
                    "the validation data are \(validation.kind.plural), no training data are",
                    "give data of one kind")
            }
        } else {
            let wants: [(Bool, String)] = [
                (configuration.earlyStoppingPatience != nil, "early stopping"),
                (configuration.restoresBest, "the best model"),
                (configuration.bestMetric != nil, "the metric for the best model"),
                (configuration.evaluationSteps != nil, "evaluation between steps"),
            ]
            if let want = wants.first(where: \.0) {
                throw .invalid(
                    "\(want.1) needs validation data: the test data must not choose the model",
                    "name some with --validation")
            }
        }
        if configuration.restoresBest, configuration.runsDirectory == nil,
            configuration.outputDirectory == nil
        {
            throw .invalid(
                "the best model can be restored from a checkpoint only, and nothing is written",
                "give the run a folder")
        }
    }

    private func countStream() throws -> Int? {
        guard materials.sources.count == 1, case .stream(let stream) = materials.sources[0].data
        else { return nil }
        guard configuration.maxSteps == nil else { return nil }
        let count = try stream.count()
        guard count > 0 else {
            throw TrainingError.invalid("the training data have no rows", "give data with rows")
        }
        return count
    }

    /// The largest of 256, 128, ... rows whose step fits into memory, by the longest rows of the data.
    private func automaticBatchSize(
        _ losses: [any EmbeddingLoss], _ tokens: TokenCache, _ notes: inout [String]
    ) throws -> Int {
        var finder = try BatchSizeFinder(
            embedder, losses: losses, chunkTokens: configuration.chunkTokens,
            threads: configuration.threads ?? availableProcessors())
        for (number, source) in materials.sources.enumerated() {
            try finder.add(source.data, source: number, limit: streamLimit) { text, column in
                tokens.ids(of: text, column: column).ids
            }
        }
        let choice = try finder.choose()
        notes.append(choice.explanation)
        return choice.size
    }

    /// The rows of a stream that the run can come to see; `nil` for all.
    private var streamLimit: Int? {
        guard let steps = configuration.maxSteps else { return nil }
        let rows = BatchSizeFinder.largest * configuration.gradientAccumulationSteps
        let (product, isTooMany) = steps.multipliedReportingOverflow(by: rows)
        return isTooMany ? nil : product + configuration.shuffleBuffer
    }

    private func checkMinimum(
        _ losses: [any EmbeddingLoss], _ batchSize: Int
    ) throws(TrainingError) {
        for loss in losses where batchSize < loss.minimumRows {
            throw .invalid(
                "the \(loss.name) loss has no value for a batch of \(batchSize)",
                "use a batch size of at least \(loss.minimumRows)")
        }
    }

    private func checkBatches(
        _ batches: EpochPlan, _ losses: [any EmbeddingLoss]
    ) throws(TrainingError) {
        if let count = batches.batchCount(epoch: 0), count == 0 {
            throw .invalid(
                "\(batches.rowCount ?? 0) rows are fewer than a batch of \(batches.batchSize), "
                    + "and the last batch is dropped",
                "use a smaller batch size")
        }
        if let (rows, source) = batches.smallestBatch(epoch: 0), rows < losses[source].minimumRows {
            throw .invalid(
                "the last batch of an epoch has \(rows) row, and the \(losses[source].name) loss no "
                    + "value for it",
                "use --drop-last or another batch size")
        }
    }

    /// Optimizer steps of the whole run.
    private func totalSteps(_ batches: EpochPlan) -> Int? {
        let group = configuration.gradientAccumulationSteps
        var total: Int? = 0
        for epoch in 0..<configuration.epochs {
            guard let sum = total, let count = batches.batchCount(epoch: epoch) else {
                total = nil
                break
            }
            total = sum + (count + group - 1) / group
            if let maxSteps = configuration.maxSteps, total ?? 0 >= maxSteps { break }
        }
        return [total, configuration.maxSteps].compactMap { $0 }.min()
    }

    private func schedule(_ total: Int?) throws(TrainingError) -> Schedule {
        let name = configuration.schedule ?? (configuration.warmup == nil ? .constant : .cosine)
        guard let total else {
            if name == .constant, (configuration.warmup ?? 0) >= 1 || configuration.warmup == nil {
                return .constant(warmup: Int(configuration.warmup ?? 0))
            }
            throw .invalid(
                "a \(name.rawValue) schedule of a stream without end", "give --max-steps")
        }
        let warmup = configuration.warmup ?? 0
        // Truncated, as uniem does.
        return name.schedule(
            warmup: Int(warmup < 1 ? warmup * Double(total) : warmup), total: total)
    }
}
