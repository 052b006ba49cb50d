import Uniem

/// Trains on the same batches again and again.
struct StepMeasurement {
    /// What was found.
    struct Result {
        /// The sum over batches of the median of their seconds, and of the least.
        var (median, best) = (0.0, 0.0)
        /// Tokens of all batches.
        var tokens = 0
        /// The shares of the phases of a step.
        var (tokenizing, gradients, norm, optimizer) = (0.0, 0.0, 0.0, 0.0)
        var pool = BufferPool.shared.statistics
        /// Buffers asked for in a step, and all that had to be allocated after the first time through the batches.
        var (requestsPerStep, misses) = (0.0, 0)
        var peakMiB: Double?
        /// The share of the machine that others took.
        var others: Double?
        var lastLoss = 0.0
    }

    private let step: TrainingStep
    private let pool: WorkerPool

    init(
        _ embedder: Embedder, _ configuration: TrainingConfiguration, _ precision: MixedPrecision,
        _ pool: WorkerPool, kind: RecordKind = .scoredPair
    ) throws {
        embedder.precision = precision.precision
        let loss = try LossName.standard(for: kind).make(for: kind, temperature: 0.05)
        step = try TrainingStep(embedder, loss: loss, configuration: configuration, pool: pool)
        self.pool = pool
    }

    /// Trains `warmup` steps, then `rounds` times on all of `batches`.
    func run(_ batches: [Records], warmup: Int, rounds: Int) -> Result {
        var number = 0
        func train(_ records: Records) -> TrainingStep.Outcome {
            number += 1
            return step(records, number: number - 1)
        }
        for batch in batches.prefix(warmup) { _ = train(batch) }
        var result = Result()
        var times = batches.map { _ in [Double]() }
        var outcomes: [TrainingStep.Outcome] = []
        let before = BufferPool.shared.statistics
        var afterFirst = before
        let neighbours = Neighbours()
        for round in 0..<rounds {
            for (index, batch) in batches.enumerated() {
                let outcome = train(batch)
                times[index].append(outcome.seconds)
                if round == 0 { result.tokens += outcome.tokens }
                outcomes.append(outcome)
                result.lastLoss = outcome.loss
            }
            if round == 0 { afterFirst = BufferPool.shared.statistics }
        }
        result.others = neighbours.share
        result.pool = BufferPool.shared.statistics
        result.misses = result.pool.misses - afterFirst.misses
        result.requestsPerStep =
            Double(result.pool.requests - before.requests) / Double(rounds * batches.count)
        result.peakMiB = SystemFacts.peakMiB
        let samples = times.map { Samples($0) }
        result.median = samples.reduce(0) { $0 + $1.median }
        result.best = samples.reduce(0) { $0 + $1.best }
        func share(_ phase: (TrainingStep.Outcome) -> Double) -> Double {
            outcomes.reduce(0) { $0 + phase($1) } / outcomes.reduce(0) { $0 + $1.seconds }
        }
        result.tokenizing = share(\.tokenizing)
        result.gradients = share(\.gradients)
        result.norm = share(\.norm)
        result.optimizer = share(\.optimizer)
        return result
    }
}
