public import ArgumentParser
import Files
public import RunStore

extension RunExport.Table: ExpressibleByArgument {}

/// `uniem runs export`: what is recorded of a run, for other programs.
struct RunsExportCommand: Subcommand {
    /// How it is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case json
        case csv
    }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write what is recorded of a run as JSON or CSV.",
        discussion: """
            JSON has everything: an object with the run under "run" and each other table under its name, a row a line. \
            CSV has one table, as RFC 4180 says it. A file appears complete or not at all.

            Example:
              uniem runs export my-run --output my-run.json
              uniem runs export my-run --table evidence --output evidence.csv
            """)

    @Argument(help: "The run: its name, the beginning of it, or its folder.")
    var run: String

    @Option(
        help: "How to write it. (default: csv where --output or --table asks for it, else json)")
    var format: Format?

    @Option(help: "The table to write as CSV. (default: metrics)")
    var table: RunExport.Table?

    @Option(help: ArgumentHelp("The file to write. (default: standard output)", valueName: "file"))
    var output: String?

    @OptionGroup var home: RunsHome
    @OptionGroup var logging: LoggingOptions

    private var isCSV: Bool {
        if let format { return format == .csv }
        return table != nil || output?.lowercased().hasSuffix(".csv") == true
    }

    func validate() throws {
        try Check.filled("--output", output)
        if let table, !isCSV {
            throw ValidationError(
                "--table \(table.rawValue): only CSV is of one table, JSON of all")
        }
    }

    func run(in context: Context) throws {
        let database = try home.readOnlyDatabase()
        guard let output else { return try write(database, context.output) }
        // The run is looked for before the file is begun.
        let run = try database.run(run).id
        let file = try AtomicFile(path: output)
        try write(database) { try file.write(Array($0.utf8)) }
        try file.finish()
        context.say("\(run) is written to \(output)")
    }

    private func write(
        _ database: RunDatabase, _ sink: @escaping (String) throws -> Void
    ) throws {
        let export = try RunExport(database, run: run, sink: sink)
        try isCSV ? export.csv(table ?? .metrics) : export.json()
    }
}
