import ArgumentParser
import RunStore

/// Where runs are recorded, and how they are shown.
struct RunsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of all runs, with their database.", valueName: "dir"))
    var runsDir = "Runs"

    @Flag(help: "Write JSON objects, one a line.")
    var json = false

    func validate() throws { try Check.filled("--runs-dir", runsDir) }

    /// Opens the database; throws where there is none.
    func database() throws -> RunDatabase {
        try RunDatabase(path: runsDir + "/runs.sqlite", createIfMissing: false)
    }
}
