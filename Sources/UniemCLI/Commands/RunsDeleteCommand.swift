import ArgumentParser
import Files
import RunStore

/// `uniem runs delete`: removes a run from the database.
struct RunsDeleteCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove a run from the database; its folder is left alone.")

    @Argument(help: "The run: its name, the beginning of it, or its folder.")
    var run: String

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let run = try options.database().delete(run)
        if options.json {
            try context.print(["deleted": .string(run.id), "directory": .string(run.directory)])
        } else {
            try context.print("\(run.id) is no longer in the database")
            if FileBytes.isFolder(run.directory) {
                context.say("Its folder is left: \(run.directory)")
            }
        }
    }
}
