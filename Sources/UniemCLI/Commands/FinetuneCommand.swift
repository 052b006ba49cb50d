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
            The run gets a folder with all it needs to go on after any end (uniem resume), its checkpoints and the \
            model, and an entry in the database of runs (uniem runs list). Ctrl-C ends it after its step, with a \
            checkpoint and exit status 130.

            Example:
              uniem finetune m3e-small --dataset pairs.jsonl --split 0.1 --epochs 1
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup(title: "Data") var data: TrainingDataOptions

    @OptionGroup(title: "Data") var heldOut: HeldOutOptions

    @OptionGroup(title: "Data") var streaming: StreamOptions

    @OptionGroup(title: "Training") var training: TrainingOptions

    @OptionGroup(title: "What learns") var strategy: StrategyOptions

    @OptionGroup(title: "Evaluation") var evaluation: EvaluationOptions

    @OptionGroup(title: "Checkpoints and records") var checkpoints: CheckpointOptions

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
        if streaming.stream && data.dataset.count > 1 {
            throw ValidationError("--stream takes one --dataset")
        }
        if training.loss.count > 1, training.loss.count != data.dataset.count {
            throw ValidationError(
                "--loss: \(training.loss.count) for \(data.dataset.count) data sets; give one for each, or one for all"
            )
        }
        if let runID, runID.contains("/") || runID == "." || runID == ".." {
            throw ValidationError("--run-id \(runID): expected a name without slashes")
        }
    }

    /// The settings of the run.
    var trainingConfiguration: TrainingConfiguration {
        var configuration = TrainingConfiguration()
        training.apply(to: &configuration)
        strategy.apply(to: &configuration)
        evaluation.apply(to: &configuration)
        checkpoints.apply(to: &configuration)
        configuration.mixing = data.mix
        configuration.shuffleBuffer = streaming.shuffleBuffer
        configuration.maxLength = model.maxLength
        configuration.threads = model.threads
        configuration.mixedPrecision = model.mixedPrecision
        configuration.runsDirectory = runsDir
        configuration.outputDirectory = outputDir
        configuration.runID = runID
        return configuration
    }

    func run(in context: Context) throws {
        let folder = try model.folder(in: context)
        let loading = model.beginLoading(folder)
        let (sources, validationRows, testRows) = try loadData(in: context)
        let embedder = try model.load(folder, begun: loading, in: context)
        let type = model.modelType ?? ModelType.inferred(from: model.model)
        context.say(
            "model: \(model.model), type \(type.rawValue), pooling "
                + Pooling.name(of: embedder.poolings))
        var configuration = trainingConfiguration
        configuration.prompt = try model.givenPrompt(of: embedder)
        let tuner = try FineTuner(
            embedder: embedder, sources: sources, validation: validationRows, test: testRows,
            modelName: model.model, datasetName: data.dataset.joined(separator: ","))
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

    /// The data sets to train on, and the rows held out: named, split off, or splits of the data set.
    private func loadData(
        in context: Context
    ) throws -> (training: [TrainingSource], validation: Dataset?, test: Dataset?) {
        let reader = DataReader(rename: data.rename, context: context)
        let validation = try heldOut.validation.map {
            try reader.load($0, as: "validation data", split: "validation")
        }
        let test = try heldOut.test.map {
            try reader.load($0, as: "test data", split: "test")
        }
        if streaming.stream {
            let stream = try reader.stream(data.dataset[0])
            return ([TrainingSource(.stream(stream), name: data.dataset[0])], validation, test)
        }
        let parts = try data.dataset.map { name in
            try trainingPart(of: name, with: reader, in: context)
        }
        let sources = parts.enumerated().map { index, part in
            TrainingSource(
                .memory(part.rows), name: data.dataset[index],
                loss: training.loss.count > 1 ? training.loss[index] : nil)
        }
        // Of several data sets the first that has held-out rows gives them.
        return (
            sources, validation ?? parts.lazy.compactMap(\.validation).first,
            test ?? parts.lazy.compactMap(\.test).first
        )
    }

    /// The rows of the data set `name` to train on, and those that it holds out.
    private func trainingPart(
        of name: String, with reader: DataReader, in context: Context
    ) throws -> (rows: Dataset, validation: Dataset?, test: Dataset?) {
        let splits = try reader.loadSplits(name, as: "training data")
        let only = splits.count == 1 ? splits.splits.first?.dataset : nil
        let rows = try only ?? splits.split("train")
        guard let share = heldOut.split else {
            return only == nil ? (rows, splits.validation, splits.test) : (rows, nil, nil)
        }
        if only == nil, splits.test != nil {
            throw ValidationError("--split: the data set has a split test already")
        }
        let parts = try rows.trainTestSplit(testSize: .share(share), seed: training.seed)
        let (train, test) = (try parts.split("train"), try parts.split("test"))
        context.say("split: \(train.count) rows to train, \(test.count) to test")
        return (train, only == nil ? splits.validation : nil, test)
    }
}
