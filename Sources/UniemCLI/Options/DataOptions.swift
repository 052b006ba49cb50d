import ArgumentParser
import Uniem

/// Which rows are read.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The rows: JSON lines, JSON, CSV, TSV (these also gzipped) or Parquet; a folder; or several, separated by commas; FILE#column=value reads the rows with that value. Or a name on the Hugging Face hub: OWNER/NAME, OWNER/NAME:CONFIGURATION, with #split=NAME for one split.",
            valueName: "spec"))
    var dataset: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "New names for columns, when they are not recognised.", valueName: "old=new"))
    var rename: [Renaming] = []

    func validate() throws { try Check.filled("--dataset", dataset) }

    /// Loads the rows of `specification`: the only split, or that called `split` of several.
    func load(
        _ specification: String, as part: String, split: String, in context: Context
    ) throws -> Dataset {
        try DataReader(rename: rename, context: context)
            .load(specification, as: part, split: split)
    }
}

/// Which rows are trained on.
struct TrainingDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The rows: JSON lines, JSON, CSV, TSV (these also gzipped) or Parquet; a folder; or several, separated by commas; FILE#column=value reads the rows with that value. Or a name on the Hugging Face hub: OWNER/NAME, OWNER/NAME:CONFIGURATION, with #split=NAME for one split. Given several times: several data sets, each batch of one of them.",
            valueName: "spec"))
    var dataset: [String]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "New names for columns, when they are not recognised.", valueName: "old=new"))
    var rename: [Renaming] = []

    @Option(
        help:
            "How several data sets take turns: each batch of each once an epoch, in mixed order; or turn by turn until one has no more."
    )
    var mix = MixturePlan.Rule.proportional

    func validate() throws {
        if dataset.isEmpty { throw ValidationError("Missing expected argument '--dataset <spec>'") }
        for specification in dataset { try Check.filled("--dataset", specification) }
        if dataset.count == 1, mix != .proportional {
            throw ValidationError("--mix needs several --dataset")
        }
    }
}

/// Rows that are not trained on.
struct HeldOutOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Rows that are evaluated before, during and after training. (default: the split dev or validation of --dataset, where it has splits)",
            valueName: "spec"))
    var validation: String?

    @Option(
        help: ArgumentHelp(
            "Rows that are evaluated before and after training. (default: the split test of --dataset, where it has splits)",
            valueName: "spec"))
    var test: String?

    @Option(
        help: ArgumentHelp(
            "Instead of --test: the share of the rows that is set aside as test part, such as 0.1.",
            valueName: "share"))
    var split: Double?

    func validate() throws {
        try Check.filled("--validation", validation)
        try Check.filled("--test", test)
        if test != nil && split != nil {
            throw ValidationError("--split makes a test part; leave out --test or --split")
        }
        try Check.number("--split", split, "a share above 0 and below 1, such as 0.1") {
            $0 > 0 && $0 < 1
        }
    }
}

/// Data that are larger than memory.
struct StreamOptions: ParsableArguments {
    @Flag(
        help: "Read the rows anew in each epoch instead of keeping them in memory.")
    var stream = false

    @Option(help: "With --stream: how many rows are shuffled at a time.")
    var shuffleBuffer = 10_000

    func validate() throws {
        try Check.whole("--shuffle-buffer", shuffleBuffer, 1...100_000_000)
    }
}
