import ArgumentParser
import RunStore

/// Where runs are recorded.
struct RunsHome: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of all runs, with their database.", valueName: "dir"))
    var runsDir = "Runs"

    func validate() throws { try Check.filled("--runs-dir", runsDir) }

    /// Opens the database for changes; throws where there is none.
    func database() throws -> RunDatabase {
        try RunDatabase(path: runsDir + "/runs.sqlite", createIfMissing: false)
    }

    /// Opens the database for questions; throws where there is none.
    func readOnlyDatabase() throws -> RunDatabase {
        try RunDatabase(reading: runsDir + "/runs.sqlite")
    }
}

/// Where runs are recorded, and how they are shown.
struct RunsOptions: ParsableArguments {
    @OptionGroup var home: RunsHome

    @Flag(help: "Write JSON objects, one a line.")
    var json = false
}
