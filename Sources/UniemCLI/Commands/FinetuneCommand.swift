import ArgumentParser
import Uniem

/// `uniem finetune`: trains a model on a file of pairs, triplets or scored pairs.
struct FinetuneCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Train a model on pairs, triplets or scored pairs.",
        discussion: """
            The columns decide what the rows are: text and text_pos (pairs), also text_neg (triplets); or \
            sentence1, sentence2 and label (scored pairs). Other names are recognised too, or given with --rename. \
            The run gets a folder with run.json, its last checkpoint and the model, and an entry in the database of \
            runs (uniem runs list). Ctrl-C ends it after its step, with a checkpoint and exit status 130.

            Example:
              uniem finetune m3e-small --dataset pairs.jsonl --split 0.1 --epochs 1
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup(title: "Data") var data: DataOptions

    @OptionGroup(title: "Data") var heldOut: HeldOutOptions

    @OptionGroup(title: "Training") var training: TrainingOptions

    @Option(
        help: ArgumentHelp(
            "The folder of this run. (default: a new one in the folder of runs)", valueName: "dir"))
    var outputDir: String?

    @Option(help: ArgumentHelp("The folder of all runs, with their database.", valueName: "dir"))
    var runsDir = "Runs"

    @Option(
        help: ArgumentHelp(
            "The name of this run. (default: from time, model and data)", valueName: "id"))
    var runID: String?

    @Flag(help: "Write each event as a JSON object on a line of standard output.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    func validate() throws {
        for (option, value) in [
            ("--output-dir", outputDir), ("--runs-dir", runsDir), ("--run-id", runID),
        ] {
            try Check.filled(option, value)
        }
        if let runID, runID.contains("/") || runID == "." || runID == ".." {
            throw ValidationError("--run-id \(runID): expected a name without slashes")
        }
    }

    /// The settings of the run.
    var trainingConfiguration: TrainingConfiguration {
        var configuration = TrainingConfiguration()
        training.apply(to: &configuration)
        configuration.maxLength = model.maxLength
        configuration.threads = model.threads
        configuration.runsDirectory = runsDir
        configuration.outputDirectory = outputDir
        configuration.runID = runID
        return configuration
    }

    func run(in context: Context) throws {
        try model.checkFolder()
        var rows = try data.load(data.dataset, as: "training data", in: context)
        let validationRows = try heldOut.validation.map {
            try data.load($0, as: "validation data", in: context)
        }
        var testRows = try heldOut.test.map { try data.load($0, as: "test data", in: context) }
        if let split = heldOut.split {
            let parts = try rows.split(testShare: split, seed: training.seed)
            (rows, testRows) = (parts.train, parts.test)
            context.say("split: \(parts.train.count) rows to train, \(parts.test.count) to test")
        }
        let tuner = try FineTuner(
            embedder: model.load(in: context), dataset: rows, validation: validationRows,
            test: testRows, modelName: model.model, datasetName: data.dataset)
        var trackers: [any RunTracker] = [ConsoleTracker(context.console)]
        if json { trackers.append(JSONLinesTracker(sink: context.output)) }
        let watch = InterruptWatch(context)
        defer { watch.end() }
        let outcome = try context.logger.timed("run ended") {
            try tuner.run(trainingConfiguration, trackers: trackers, stop: watch.stop)
        }
        for line in TrainingSummary.lines(outcome) { context.say(line) }
        if outcome.status == .interrupted { throw watch.interruption }
    }
}
