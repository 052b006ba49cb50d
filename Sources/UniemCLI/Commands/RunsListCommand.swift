import ArgumentParser
import RunStore

/// `uniem runs list`: all runs, the newest first.
struct RunsListCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all runs, the newest first.")

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let runs = try options.database().runs()
        if options.json {
            for run in runs { try context.print(run.json) }
        } else {
            try context.output(RunTable.list(runs))
        }
    }
}
