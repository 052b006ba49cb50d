import ArgumentParser
import RunStore

/// `uniem runs show`: all that is recorded of a run.
struct RunsShowCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show all that is recorded of a run.")

    @Argument(help: "The run: its name, the beginning of it, or its folder.")
    var run: String

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let details = try options.database().details(run)
        if options.json {
            try context.print(details.json)
        } else {
            try context.output(RunTable.show(details))
        }
    }
}
