import ArgumentParser
import Uniem

/// When the model is measured, and which one is kept.
struct EvaluationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Evaluate on the validation data every n steps as well as after each epoch. (default: after epochs only)",
            valueName: "n"))
    var evalSteps: Int?

    @Option(
        help: ArgumentHelp(
            "The metric on the validation data that chooses the best model, or loss. (default: the main one of the data)",
            valueName: "name"))
    var metricForBestModel: String?

    @Option(
        help: ArgumentHelp(
            "End after n evaluations on the validation data without a better value. (default: never)",
            valueName: "n"))
    var earlyStoppingPatience: Int?

    @Flag(help: "Save the best model by the validation data, not the last one.")
    var loadBestModelAtEnd = false

    func validate() throws {
        try Check.whole("--eval-steps", evalSteps, 1...Int.max)
        try Check.filled("--metric-for-best-model", metricForBestModel)
        try Check.whole("--early-stopping-patience", earlyStoppingPatience, 1...Int.max)
        if metricForBestModel != nil, earlyStoppingPatience == nil, !loadBestModelAtEnd {
            throw ValidationError(
                "--metric-for-best-model needs --load-best-model-at-end or --early-stopping-patience"
            )
        }
    }

    /// Sets what these options say.
    func apply(to configuration: inout TrainingConfiguration) {
        configuration.evaluationSteps = evalSteps
        configuration.bestMetric = metricForBestModel
        configuration.earlyStoppingPatience = earlyStoppingPatience
        configuration.restoresBest = loadBestModelAtEnd
    }
}

/// What is written while a run goes on.
struct CheckpointOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write a checkpoint every n steps. (default: by epochs and minutes)", valueName: "n"))
    var checkpointSteps: Int?

    @Option(
        help: ArgumentHelp(
            "Write a checkpoint when the last one is so many minutes old; 0 for never.",
            valueName: "minutes"))
    var checkpointMinutes = 15.0

    @Flag(inversion: .prefixedNo, help: "Write a checkpoint after each epoch.")
    var checkpointEpochs = true

    @Option(
        help: ArgumentHelp("How many checkpoints are kept, beside the best one.", valueName: "n"))
    var keepCheckpoints = 2

    @Flag(
        inversion: .prefixedNo,
        help: "Record in the database what each step showed of each of its rows.")
    var examples = true

    @Flag(help: "Write an event file for TensorBoard into the run's folder.")
    var tensorboard = false

    func validate() throws {
        try Check.whole("--checkpoint-steps", checkpointSteps, 1...Int.max)
        try Check.number("--checkpoint-minutes", checkpointMinutes, "a number from 0") { $0 >= 0 }
        try Check.whole("--keep-checkpoints", keepCheckpoints, 1...1_000_000)
    }

    /// Sets what these options say.
    func apply(to configuration: inout TrainingConfiguration) {
        configuration.checkpointSteps = checkpointSteps
        configuration.checkpointMinutes = checkpointMinutes == 0 ? nil : checkpointMinutes
        configuration.checkpointsEpochs = checkpointEpochs
        configuration.keptCheckpoints = keepCheckpoints
        configuration.recordsExamples = examples
        configuration.tensorBoard = tensorboard
    }
}
