import ArgumentParser
import Uniem

/// How training goes.
struct TrainingOptions: ParsableArguments {
    /// The strategies by name.
    enum StrategyName: String, CaseIterable, ExpressibleByArgument {
        case full
        case bitfit
    }

    @Option(help: "Which parameters learn: all, or only those of --bitfit-keywords.")
    var strategy = StrategyName.full

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "With bitfit: parameters whose names contain one of these learn. (default: bias)",
            valueName: "keyword"))
    var bitfitKeywords: [String] = []

    @Option(help: "The loss. (default: cosent for scored pairs, else softmax)")
    var loss: LossName?

    @Flag(help: "Triplets: add the loss of the positives against the texts.")
    var addSwapLoss = false

    @Option(help: "How many times the rows are gone through.")
    var epochs = 3

    @Option(help: "Rows in a batch; auto: up to 256, as many as memory holds.")
    var batchSize = Automatic<Int>.auto

    @Option(help: "The learning rate; auto: 1e-4, 5e-5 or 8e-6, by the size of the model.")
    var lr = Automatic<Double>.auto

    @Option(help: "AdamW's weight decay; --decay-rule says what it leaves out.")
    var weightDecay = 0.001

    @Option(
        help: "What does not decay: biases and norms of every family, or what uniem leaves out.")
    var decayRule = DecayRule.norms

    @Option(
        help: ArgumentHelp(
            "Warm-up before a cosine: below 1 a share of all steps, else steps. (default: a constant rate)"
        ))
    var warmup: Double?

    @Option(help: "Divides cosines in the loss.")
    var temperature = 0.05

    @Flag(help: "Leave out an epoch's last batch where it is smaller.")
    var dropLast = false

    @Flag(inversion: .prefixedNo, help: "Shuffle the rows each epoch.")
    var shuffle = true

    @Option(help: "The seed of shuffling, dropout and --split.")
    var seed: UInt64 = 42

    @Option(help: "End after that many steps. (default: all epochs)")
    var maxSteps: Int?

    func validate() throws {
        guard strategy == .bitfit || bitfitKeywords.isEmpty else {
            throw ValidationError("--bitfit-keywords needs --strategy bitfit")
        }
        for keyword in bitfitKeywords { try Check.filled("--bitfit-keywords", keyword) }
        try Check.whole("--epochs", epochs, 1...1_000_000)
        try Check.whole("--batch-size", batchSize.value, 1...1_000_000)
        try Check.number("--lr", lr.value, "a number from 0, such as 3e-5") { $0 >= 0 }
        try Check.number("--weight-decay", weightDecay, "a number from 0") { $0 >= 0 }
        try Check.number("--warmup", warmup, "a share below 1 or a whole number of steps") {
            $0 >= 0 && ($0 < 1 || $0 == $0.rounded()) && $0 <= 1e9
        }
        try Check.number("--temperature", temperature, "a number above 0, such as 0.05") { $0 > 0 }
        try Check.whole("--max-steps", maxSteps, 1...Int.max)
    }

    /// Sets what these options say.
    func apply(to configuration: inout TrainingConfiguration) {
        configuration.epochs = epochs
        configuration.batchSize = batchSize.value
        configuration.learningRate = lr.value
        configuration.weightDecay = weightDecay
        configuration.decayRule = decayRule
        configuration.warmup = warmup
        configuration.temperature = temperature
        configuration.loss = loss
        configuration.addsSwapLoss = addSwapLoss
        switch strategy {
        case .full: configuration.strategy = .full
        case .bitfit:
            configuration.strategy =
                bitfitKeywords.isEmpty ? .bitFit() : .bitFit(keywords: bitfitKeywords)
        }
        configuration.dropLast = dropLast
        configuration.shuffle = shuffle
        configuration.seed = seed
        configuration.maxSteps = maxSteps
    }
}
