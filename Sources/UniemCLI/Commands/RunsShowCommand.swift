import ArgumentParser
import Files
import RunStore
import Tracking

/// `uniem runs show`: all that is recorded of a run.
struct RunsShowCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show all that is recorded of a run.")

    @Argument(help: "The run: its name, the beginning of it, or its folder.")
    var run: String

    @Option(
        help: ArgumentHelp(
            "How many of the worst rows and of the suspected false negatives to show.",
            valueName: "count"))
    var examples = 5

    @Flag(
        help: """
            Also check that the database is sound and no step is missing or there twice; exit status 1 where \
            something is wrong.
            """)
    var check = false

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func validate() throws { try Check.whole("--examples", examples, 0...10_000) }

    func run(in context: Context) throws {
        let database = try options.home.readOnlyDatabase()
        let details = try database.details(run, examples: examples)
        let problems = check ? try database.check(details.run.id) : []
        if options.json {
            var json = details.json
            if check { json.set("problems", .array(problems.map(JSON.string))) }
            try context.print(json)
        } else {
            try context.output(RunTable.show(details, style: context.console.style))
            if check && problems.isEmpty { try context.print("\nChecked: all is well") }
        }
        if !problems.isEmpty {
            throw RunStoreError.unsound(run: details.run.id, problems: problems)
        }
    }
}
