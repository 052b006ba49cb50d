import ArgumentParser
import RunStore
import Tracking

/// `uniem runs list`: all runs, the newest first.
struct RunsListCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all runs, the newest first.")

    @Flag(
        inversion: .prefixedNo,
        help: "Show the course of each loss. (default: in a terminal that is wide enough)")
    var curve: Bool?

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let database = try options.home.readOnlyDatabase()
        let runs = try database.runs()
        if options.json {
            for run in runs { try context.print(run.json) }
            return
        }
        let hasCurves = curve ?? StandardStream.output.isTerminal
        let curves =
            hasCurves
            ? try database.lossCurves(of: runs, points: RunTable.listCurvePoints) : nil
        try context.output(
            RunTable.list(
                runs, curves: curves, style: context.console.style,
                columns: curve == nil ? StandardStream.output.columns : 0))
    }
}
