import ArgumentParser
import RunStore
import Tracking

/// `uniem runs compare`: what differs between two runs.
struct RunsCompareCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Show the settings in which two runs differ, and their results side by side.")

    @Argument(help: "One run: its name, the beginning of it, or its folder.")
    var first: String

    @Argument(help: "The other.")
    var second: String

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let comparison = try options.home.readOnlyDatabase().comparison(first, second)
        if options.json {
            try context.print(comparison.json)
        } else {
            try context.output(RunTable.compare(comparison, style: context.console.style))
        }
    }
}
