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

    /// Loads the splits of `specification` and says on standard error what was recognised.
    func loadSplits(
        _ specification: String, as part: String, in context: Context
    ) throws -> DatasetDictionary {
        let data = try context.logger.timed("\(part) loaded") {
            try context.withHub {
                try Pretrained.dataset(
                    specification, rename: rename.map { ($0.old, $0.new) }, hub: $0)
            }
        }
        for (name, split) in data.splits {
            let label = data.count > 1 ? "\(part), \(name)" : part
            for source in split.provenance.sources { context.say("\(label): \(source)") }
            sayLeftOut(split.provenance.skippedFiles, in: context)
        }
        sayLeftOut(data.skippedFiles, in: context)
        return data
    }

    /// Loads the rows of `specification`: the only split, or that called `split` of several.
    func load(
        _ specification: String, as part: String, split: String, in context: Context
    ) throws -> Dataset {
        let data = try loadSplits(specification, as: part, in: context)
        if data.count == 1, let only = data.splits.first { return only.dataset }
        let found = split == "validation" ? data.validation : data[split]
        guard let found else {
            throw FileError(
                path: specification, problem: "there is no split \(split)",
                remedy: "choose one of \(data.names.joined(separator: ", ")) with #split=NAME")
        }
        return found
    }

    /// Opens the rows of `specification` as a stream.
    func stream(_ specification: String, in context: Context) throws -> RecordStream {
        let stream = try context.withHub {
            try Pretrained.stream(
                specification, rename: rename.map { ($0.old, $0.new) }, hub: $0)
        }
        for line in stream.description.split(separator: "\n") {
            context.say("training data: \(line)")
        }
        sayLeftOut(stream.skippedFiles, in: context)
        return stream
    }

    private func sayLeftOut(_ files: [String], in context: Context) {
        guard !files.isEmpty else { return }
        context.say("note: left out, as no known format: \(files.joined(separator: ", "))")
    }
}

/// Rows that are not trained on.
struct HeldOutOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Rows whose loss is computed after each epoch. (default: the split dev or validation of --dataset, where it has splits)",
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
