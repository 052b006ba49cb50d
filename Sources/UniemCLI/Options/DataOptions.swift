import ArgumentParser
import Uniem

/// Which rows are read.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The rows: JSON lines, JSON, CSV or TSV, also gzipped; a folder; or several, separated by commas; FILE#column=value reads the rows with that value.",
            valueName: "spec"))
    var dataset: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "New names for columns, when they are not recognised.", valueName: "old=new"))
    var rename: [Renaming] = []

    func validate() throws { try Check.filled("--dataset", dataset) }

    /// Loads the rows of `specification` and says on standard error what was recognised.
    func load(_ specification: String, as part: String, in context: Context) throws -> Dataset {
        let data = try context.logger.timed("\(part) loaded") {
            try Dataset.load(specification, rename: rename.map { ($0.old, $0.new) })
        }
        for source in data.provenance.sources { context.say("\(part): \(source)") }
        if !data.provenance.skippedFiles.isEmpty {
            let files = data.provenance.skippedFiles.joined(separator: ", ")
            context.say("note: left out, as no known format: \(files)")
        }
        return data
    }
}

/// Rows that are not trained on.
struct HeldOutOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Rows whose loss is computed after each epoch.", valueName: "spec"))
    var validation: String?

    @Option(
        help: ArgumentHelp("Rows that are evaluated before and after training.", valueName: "spec"))
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
