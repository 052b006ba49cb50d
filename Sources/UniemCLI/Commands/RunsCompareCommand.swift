import ArgumentParser
import Files
import RunStore

/// `uniem runs compare`: what differs between two runs.
struct RunsCompareCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Show the settings in which two runs differ, and their results.")

    @Argument(help: "One run: its name, the beginning of it, or its folder.")
    var first: String

    @Argument(help: "The other.")
    var second: String

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let database = try options.database()
        let (a, b) = (try database.run(first), try database.run(second))
        let differences = try database.differences(a.id, b.id)
        if options.json {
            try context.print([
                "first": a.json, "second": b.json,
                "differences": .array(differences.map(\.json)),
            ])
        } else {
            try context.output(RunTable.compare(a, b, differences))
        }
    }
}
