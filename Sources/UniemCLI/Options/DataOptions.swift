import ArgumentParser
import Uniem

/// Which rows are read.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The rows: JSON lines, JSON, CSV or TSV, also gzipped; a folder; or several, separated by commas.",
            discussion: "FILE#column=value reads the rows with that value in that column.",
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
