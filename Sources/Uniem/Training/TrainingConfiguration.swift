internal import Layers
public import Records

/// Every setting of a training run; saved in `run.json`, so that a run is resumed with it.
public struct TrainingConfiguration: Sendable, Equatable {
    // MARK: How long, how much at a time

    /// How many times the training rows are gone through.
    public var epochs = 3
    /// Ends the run after that many steps.
    public var maxSteps: Int?
    /// Rows in a batch; found from the data and the memory where left out, 256 at most.
    public var batchSize: Int?
    /// Batches whose gradients make one step: the gradient of a large batch for losses that are means over rows; those
    /// that compare rows see the rows of one batch only.
    public var gradientAccumulationSteps = 1
    /// Tokens whose activations are kept at a time, by running the encoder twice (GradCache); the whole batch's are
    /// kept where left out.
    public var chunkTokens: Int?

    // MARK: How it learns

    /// Whether matrix products have factors of half precision; sums, norms, losses, weights and the optimizer stay as
    /// they are.
    public var mixedPrecision = MixedPrecision.no
    /// Which parameters learn.
    public var strategy = Strategy.full
    /// Whether a LoRA run also saves the model with its adapter merged in.
    public var mergesAdapter = false
    /// The highest learning rate; chosen by the number of learning parameters where left out.
    public var learningRate: Double?
    /// How the rate goes; a cosine where there is a warm-up, else constant, where left out.
    public var schedule: ScheduleName?
    /// Warm-up of the rate: below 1 a share of all steps, else steps.
    public var warmup: Double?
    /// AdamW's weight decay; biases and norms do not decay.
    public var weightDecay = 1e-3
    /// Which parameters do not decay.
    public var decayRule = DecayRule.norms
    /// Parameters with a rate or a decay of their own.
    public var parameterGroups: [ParameterGroup] = []
    /// Gradients whose L2 norm is higher are scaled down to it; never where left out.
    public var maxGradientNorm: Double?

    // MARK: The loss

    /// The loss; what uniem uses for the kind of record where left out. A data set may have its own.
    public var loss: LossName?
    /// Divides cosines in the loss.
    public var temperature = 0.05
    /// Whether triplet losses add the pair loss of positives against texts.
    public var addsSwapLoss = false

    // MARK: The data

    /// The most tokens of a text that count; what the model allows where left out.
    public var maxLength: Int?
    /// Is put before each text; the model's own prompts where left out.
    public var prompt: String?
    /// Whether rows are shuffled each epoch.
    public var shuffle = true
    /// Whose order rows are shuffled in: our own, or that of PyTorch's `DataLoader`.
    public var shuffleOrder = ShuffleOrder.own
    /// How many records of a stream are shuffled at a time.
    public var shuffleBuffer = 10_000
    /// Whether an epoch's last batch is left out where it is smaller.
    public var dropLast = false
    /// Whether no text stands twice in a batch, where it would be a false negative.
    public var avoidsDuplicates = false
    /// How several data sets take turns, batch by batch.
    public var mixing = MixturePlan.Rule.proportional

    // MARK: Evaluation

    /// Evaluates every so many steps as well as after each epoch.
    public var evaluationSteps: Int?
    /// The metric that chooses the best model, `loss` for the validation loss; the main one of the kind of record
    /// where left out.
    public var bestMetric: String?
    /// Ends the run after that many evaluations on the validation data without a better value.
    public var earlyStoppingPatience: Int?
    /// Whether the model of the best evaluation on the validation data is the one that is saved.
    public var restoresBest = false

    // MARK: Checkpoints and records

    /// Writes a checkpoint every so many steps.
    public var checkpointSteps: Int?
    /// Writes a checkpoint when the last one is that many minutes old.
    public var checkpointMinutes: Double? = 15
    /// Whether a checkpoint is written after each epoch.
    public var checkpointsEpochs = true
    /// How many checkpoints are kept, beside the best one.
    public var keptCheckpoints = 2
    /// Whether the database gets what each step showed of each of its rows.
    public var recordsExamples = true
    /// Whether the run's folder gets an event file for TensorBoard.
    public var tensorBoard = false
    /// The seed of shuffling, dropout and new weights.
    public var seed: UInt64 = 42
    /// Worker threads; all processors where left out. Results do not depend on them.
    public var threads: Int?
    /// Where runs live, with their database `runs.sqlite`; nothing is written where `nil`.
    public var runsDirectory: String? = "Runs"
    /// The folder of this run; in ``runsDirectory`` under its identity where left out.
    public var outputDirectory: String?
    /// The identity of this run; made from time, model and data where left out.
    public var runID: String?

    /// The defaults.
    public init() {}

    /// Whose order rows are shuffled in.
    public enum ShuffleOrder: String, Sendable, CaseIterable {
        /// Our own, which never changes.
        case own
        /// That of PyTorch's `DataLoader(shuffle=True)` in uniem, for the same seed.
        case torch
    }
}

extension TrainingConfiguration {
    /// The optimizer of the parameters of `store` that are not frozen.
    func optimizer(of store: ParameterStore) -> AdamW {
        var settings = AdamW.Settings(weightDecay: weightDecay)
        settings.noDecayKeywords = decayRule.keywords
        return AdamW(store, settings: settings, groups: parameterGroups)
    }

    /// Throws a ``TrainingError`` for a setting that is out of range.
    func validate() throws(TrainingError) {
        func check(_ isGood: Bool, _ problem: String, _ remedy: String) throws(TrainingError) {
            if !isGood { throw .invalid(problem, remedy) }
        }
        func whole(
            _ name: String, _ value: Int?, _ range: ClosedRange<Int>
        ) throws(TrainingError) {
            guard let value, !range.contains(value) else { return }
            let limit = range.upperBound == .max ? "" : " to \(range.upperBound)"
            throw .invalid(
                "\(name) \(value)", "give a whole number from \(range.lowerBound)\(limit)")
        }
        try whole("epochs", epochs, 1...1_000_000)
        try whole("batch size", batchSize, 1...(.max))
        try whole("gradient accumulation steps", gradientAccumulationSteps, 1...100_000)
        try whole("chunk tokens", chunkTokens, 1...(.max))
        try whole("maximum steps", maxSteps, 1...(.max))
        try whole("evaluation steps", evaluationSteps, 1...(.max))
        try whole("checkpoint steps", checkpointSteps, 1...(.max))
        try whole("kept checkpoints", keptCheckpoints, 1...(.max))
        try whole("early stopping patience", earlyStoppingPatience, 1...(.max))
        try whole("shuffle buffer", shuffleBuffer, 1...100_000_000)
        try whole("threads", threads, 1...1024)
        try check(
            learningRate.map { $0 >= 0 && $0.isFinite } ?? true,
            "learning rate \(learningRate ?? 0)", "give a number from 0, such as 3e-5")
        try check(
            weightDecay >= 0 && weightDecay.isFinite, "weight decay \(weightDecay)",
            "give a number from 0")
        try check(
            maxGradientNorm.map { $0 > 0 && $0.isFinite } ?? true,
            "gradient norm \(maxGradientNorm ?? 0)", "give a number above 0, such as 1")
        try check(
            warmup.map { (0...1e9).contains($0) && ($0 < 1 || $0 == $0.rounded()) } ?? true,
            "warm-up \(warmup ?? 0)", "give a share below 1 or a whole number of steps")
        try check(
            checkpointMinutes.map { $0 > 0 && $0.isFinite } ?? true,
            "checkpoints every \(checkpointMinutes ?? 0) minutes", "give a number above 0")
        try check(
            (maxLength ?? 3) >= 3, "maximum length \(maxLength ?? 0)", "give at least 3 tokens")
        for group in parameterGroups { try group.validate() }
    }
}
