public import Files

/// Every setting of a training run; saved in `run.json`.
public struct TrainingConfiguration: Sendable, Equatable {
    /// How many times the training rows are gone through.
    public var epochs = 3
    /// Rows in a batch; found from the data and the memory where left out, 256 at most.
    public var batchSize: Int?
    /// The learning rate; chosen by the number of learning parameters where left out.
    public var learningRate: Double?
    /// AdamW's weight decay; biases and norms do not decay.
    public var weightDecay = 1e-3
    /// Which parameters do not decay.
    public var decayRule = DecayRule.norms
    /// Warm-up of the cosine schedule: below 1 a share of all steps, else steps; a constant rate where left out.
    public var warmup: Double?
    /// Divides cosines in the loss.
    public var temperature = 0.05
    /// The loss; what uniem uses for the kind of record where left out.
    public var loss: LossName?
    /// Whether triplet losses add the pair loss of positives against texts.
    public var addsSwapLoss = false
    /// Which parameters learn.
    public var strategy = Strategy.full
    /// The most tokens of a text that count; what the model allows where left out.
    public var maxLength: Int?
    /// Is put before each text; the model's default prompt where left out.
    public var prompt: String?
    /// Whether an epoch's last batch is left out where it is smaller.
    public var dropLast = false
    /// Whether rows are shuffled each epoch.
    public var shuffle = true
    /// How many records of a stream are shuffled at a time.
    public var shuffleBuffer = 10_000
    /// The seed of shuffling and dropout.
    public var seed: UInt64 = 42
    /// Ends the run after that many steps.
    public var maxSteps: Int?
    /// Worker threads; all processors where left out.
    public var threads: Int?
    /// Where runs live, with their database `runs.sqlite`; nothing is written where `nil`.
    public var runsDirectory: String? = "Runs"
    /// The folder of this run; in ``runsDirectory`` under its identity where left out.
    public var outputDirectory: String?
    /// The identity of this run; made from time, model and data where left out.
    public var runID: String?

    /// The defaults.
    public init() {}

    /// All settings under Hugging Face's and the command line's names.
    public var json: JSON {
        func optional(_ value: Int?) -> JSON { value.map(JSON.int) ?? "auto" }
        var strategyJSON: JSON = ["name": .string(strategy.name)]
        if case .bitFit(let keywords) = strategy {
            strategyJSON.set("keywords", .array(keywords.map(JSON.string)))
        }
        return [
            "epochs": .int(epochs), "batch_size": optional(batchSize),
            "learning_rate": learningRate.map(JSON.double) ?? "auto",
            "weight_decay": .double(weightDecay), "decay_rule": .string(decayRule.rawValue),
            "warmup": warmup.map(JSON.double) ?? .null, "temperature": .double(temperature),
            "loss": loss.map { .string($0.rawValue) } ?? "auto",
            "add_swap_loss": .bool(addsSwapLoss),
            "strategy": strategyJSON, "max_length": optional(maxLength),
            "prompt": .optional(prompt), "drop_last": .bool(dropLast),
            "shuffle": .bool(shuffle), "shuffle_buffer": .int(shuffleBuffer),
            "seed": .number(String(seed)),
            "max_steps": maxSteps.map(JSON.int) ?? .null,
            "threads": optional(threads),
        ]
    }

    /// Throws a ``TrainingError`` for a setting that is out of range.
    func validate() throws(TrainingError) {
        func check(_ isGood: Bool, _ problem: String, _ remedy: String) throws(TrainingError) {
            if !isGood { throw .invalid(problem, remedy) }
        }
        try check(
            (1...1_000_000).contains(epochs), "epochs \(epochs)",
            "give a whole number from 1 to 1000000")
        try check(
            (batchSize ?? 1) >= 1, "batch size \(batchSize ?? 0)", "give a whole number from 1")
        try check(
            learningRate.map { $0 >= 0 && $0.isFinite } ?? true,
            "learning rate \(learningRate ?? 0)",
            "give a number from 0, such as 3e-5")
        try check(
            weightDecay >= 0 && weightDecay.isFinite, "weight decay \(weightDecay)",
            "give a number from 0")
        try check(
            warmup.map { (0...1e9).contains($0) && ($0 < 1 || $0 == $0.rounded()) } ?? true,
            "warm-up \(warmup ?? 0)", "give a share below 1 or a whole number of steps")
        try check(
            (maxLength ?? 3) >= 3, "maximum length \(maxLength ?? 0)", "give at least 3 tokens")
        try check(
            (maxSteps ?? 1) >= 1, "maximum steps \(maxSteps ?? 0)", "give a whole number from 1")
        try check(
            (1...100_000_000).contains(shuffleBuffer), "shuffle buffer \(shuffleBuffer)",
            "give a whole number from 1 to 100000000")
        try check(
            threads.map { (1...1024).contains($0) } ?? true, "\(threads ?? 0) threads",
            "give a whole number from 1 to 1024")
    }
}
