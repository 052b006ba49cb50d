import ArgumentParser
import Files
import RunStore

/// `uniem runs delete`: removes a run from the database.
struct RunsDeleteCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove a run from the database; its folder is left alone.",
        discussion: """
            Texts of training data go with the last run that was trained on them. The database file keeps its size \
            and fills the space again.
            """)

    @Argument(help: "The run: its name, the beginning of it, or its folder.")
    var run: String

    @Flag(help: "Also a run that counts as being trained, as one that died on another host.")
    var force = false

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let run = try options.home.database().delete(run, force: force)
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
