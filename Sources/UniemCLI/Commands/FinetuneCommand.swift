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

    @OptionGroup(title: "Data") var streaming: StreamOptions

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
        if streaming.stream && heldOut.split != nil {
            throw ValidationError("--split needs all rows in memory; leave out --stream or --split")
        }
        if let runID, runID.contains("/") || runID == "." || runID == ".." {
            throw ValidationError("--run-id \(runID): expected a name without slashes")
        }
    }

    /// The settings of the run.
    var trainingConfiguration: TrainingConfiguration {
        var configuration = TrainingConfiguration()
        training.apply(to: &configuration)
        configuration.shuffleBuffer = streaming.shuffleBuffer
        configuration.maxLength = model.maxLength
        configuration.threads = model.threads
        configuration.runsDirectory = runsDir
        configuration.outputDirectory = outputDir
        configuration.runID = runID
        return configuration
    }

    func run(in context: Context) throws {
        let folder = try model.folder(in: context)
        let (rows, validationRows, testRows) = try loadData(in: context)
        let embedder = try model.load(folder, in: context)
        let type = model.modelType ?? ModelType.inferred(from: model.model)
        context.say(
            "model: \(model.model), type \(type.rawValue), pooling "
                + Pooling.name(of: embedder.poolings))
        var configuration = trainingConfiguration
        configuration.prompt = try model.prompt(of: embedder)
        let tuner = try FineTuner(
            embedder: embedder, data: rows, validation: validationRows, test: testRows,
            modelName: model.model, datasetName: data.dataset)
        var trackers: [any RunTracker] = [ConsoleTracker(context.console)]
        if json { trackers.append(JSONLinesTracker(sink: context.output)) }
        let watch = InterruptWatch(context)
        defer { watch.end() }
        let outcome = try context.logger.timed("run ended") {
            try tuner.run(configuration, trackers: trackers, stop: watch.stop)
        }
        for line in TrainingSummary.lines(outcome) { context.say(line) }
        if outcome.status == .interrupted { throw watch.interruption }
    }

    /// The rows to train on, and those held out: named, split off, or splits of the data set.
    private func loadData(
        in context: Context
    ) throws -> (training: TrainingData, validation: Dataset?, test: Dataset?) {
        let validation = try heldOut.validation.map {
            try data.load($0, as: "validation data", split: "validation", in: context)
        }
        let test = try heldOut.test.map {
            try data.load($0, as: "test data", split: "test", in: context)
        }
        if streaming.stream {
            return (.stream(try data.stream(data.dataset, in: context)), validation, test)
        }
        let splits = try data.loadSplits(data.dataset, as: "training data", in: context)
        if splits.count == 1, let only = splits.splits.first {
            guard let share = heldOut.split else {
                return (.memory(only.dataset), validation, test)
            }
            let parts = try only.dataset.trainTestSplit(
                testSize: .share(share), seed: training.seed)
            let (rows, testRows) = (try parts.split("train"), try parts.split("test"))
            context.say("split: \(rows.count) rows to train, \(testRows.count) to test")
            return (.memory(rows), validation, testRows)
        }
        if heldOut.split != nil, splits.test != nil {
            throw ValidationError("--split: the data set has a split test already")
        }
        var rows = try splits.split("train")
        var testRows = test ?? splits.test
        if let share = heldOut.split {
            let parts = try rows.trainTestSplit(testSize: .share(share), seed: training.seed)
            (rows, testRows) = (try parts.split("train"), try parts.split("test"))
            context.say(
                "split: \(rows.count) rows to train, \(testRows?.count ?? 0) to test")
        }
        return (.memory(rows), validation ?? splits.validation, testRows)
    }
}
