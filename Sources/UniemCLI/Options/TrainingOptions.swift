import ArgumentParser
import Uniem

/// How training goes.
struct TrainingOptions: ParsableArguments {
    @Option(
        help:
            "The loss; one for each --dataset, or one for all. (default: cosent for scored pairs, else softmax)"
    )
    var loss: [LossName] = []

    @Flag(help: "Triplets: add the loss of the positives against the texts.")
    var addSwapLoss = false

    @Option(help: "Divides cosines in the loss.")
    var temperature = 0.05

    @Option(help: "How many times the rows are gone through.")
    var epochs = 3

    @Option(help: "End after that many steps. (default: all epochs)")
    var maxSteps: Int?

    @Option(help: "Rows in a batch; auto: up to 256, as many as memory holds.")
    var batchSize = Automatic<Int>.auto

    @Option(
        help: ArgumentHelp(
            "Batches whose gradients make one step. Rows are compared within a batch only.",
            valueName: "n"))
    var gradientAccumulationSteps = 1

    @Option(
        help: ArgumentHelp(
            "Keep the activations of about so many tokens at a time by running the encoder twice (GradCache): large batches in little memory. (default: never)",
            valueName: "n"))
    var chunkTokens: Int?

    @Option(help: "The highest learning rate; auto: 1e-4, 5e-5 or 8e-6, by the size of the model.")
    var lr = Automatic<Double>.auto

    @Option(
        help: ArgumentHelp(
            "How the rate goes: constant, linear or cosine. (default: cosine with --warmup, else constant)",
            valueName: "name"))
    var lrSchedulerType: ScheduleName?

    @Option(
        help: ArgumentHelp(
            "Warm-up of the rate: below 1 a share of all steps, else steps. (default: none)",
            valueName: "n"))
    var warmup: Double?

    @Option(help: "AdamW's weight decay; --decay-rule says what it leaves out.")
    var weightDecay = 0.001

    @Option(
        help: "What does not decay: biases and norms of every family, or what uniem leaves out.")
    var decayRule = DecayRule.norms

    @Option(
        help: ArgumentHelp(
            "Parameters in whose names the regular expression is found get a rate, or rate,decay, of their own; - leaves one as it is. May be repeated; the first that fits counts. (default: none)",
            valueName: "regex=lr[,decay]"))
    var parameterGroup: [GroupArgument] = []

    @Option(
        help: ArgumentHelp(
            "Scale gradients down whose norm is higher. (default: never)", valueName: "norm"))
    var maxGradNorm: Double?

    @Flag(inversion: .prefixedNo, help: "Shuffle the rows each epoch.")
    var shuffle = true

    @Option(
        help:
            "Whose order rows are shuffled in: our own, or that of PyTorch's DataLoader for the same seed."
    )
    var shuffleLike = TrainingConfiguration.ShuffleOrder.own

    @Flag(help: "Leave out an epoch's last batch where it is smaller.")
    var dropLast = false

    @Flag(help: "No text twice in a batch, where it would be a false negative.")
    var noDuplicates = false

    @Option(help: "The seed of shuffling, dropout, new weights and --split.")
    var seed: UInt64 = 42

    func validate() throws {
        try Check.whole("--epochs", epochs, 1...1_000_000)
        try Check.whole("--batch-size", batchSize.value, 1...1_000_000)
        try Check.whole(
            "--gradient-accumulation-steps", gradientAccumulationSteps, 1...100_000)
        try Check.whole("--chunk-tokens", chunkTokens, 1...1_000_000_000)
        try Check.number("--lr", lr.value, "a number from 0, such as 3e-5") { $0 >= 0 }
        try Check.number("--weight-decay", weightDecay, "a number from 0") { $0 >= 0 }
        try Check.number("--warmup", warmup, "a share below 1 or a whole number of steps") {
            $0 >= 0 && ($0 < 1 || $0 == $0.rounded()) && $0 <= 1e9
        }
        try Check.number("--max-grad-norm", maxGradNorm, "a number above 0, such as 1") { $0 > 0 }
        try Check.number("--temperature", temperature, "a number above 0, such as 0.05") { $0 > 0 }
        try Check.whole("--max-steps", maxSteps, 1...Int.max)
        if !shuffle, shuffleLike != .own {
            throw ValidationError("--shuffle-like \(shuffleLike.rawValue): leave out --no-shuffle")
        }
    }

    /// Sets what these options say.
    func apply(to configuration: inout TrainingConfiguration) {
        configuration.loss = loss.count == 1 ? loss[0] : nil
        configuration.addsSwapLoss = addSwapLoss
        configuration.temperature = temperature
        configuration.epochs = epochs
        configuration.maxSteps = maxSteps
        configuration.batchSize = batchSize.value
        configuration.gradientAccumulationSteps = gradientAccumulationSteps
        configuration.chunkTokens = chunkTokens
        configuration.learningRate = lr.value
        configuration.schedule = lrSchedulerType
        configuration.warmup = warmup
        configuration.weightDecay = weightDecay
        configuration.decayRule = decayRule
        configuration.parameterGroups = parameterGroup.map(\.group)
        configuration.maxGradientNorm = maxGradNorm
        configuration.shuffle = shuffle
        configuration.shuffleOrder = shuffleLike
        configuration.dropLast = dropLast
        configuration.avoidsDuplicates = noDuplicates
        configuration.seed = seed
    }
}
