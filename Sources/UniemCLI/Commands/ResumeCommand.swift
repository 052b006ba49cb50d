import ArgumentParser
import RunStore
import Uniem

/// `uniem resume`: takes a run up again.
struct ResumeCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a run that was stopped or that died.",
        discussion: """
            The run goes on after its last complete checkpoint and ends with the very numbers that it would have had \
            without the break. Its folder is all that is needed; it may have been moved. What is torn or changed is \
            told, and refused where the result would be another. A finished run is left as it is.

            Example:
              uniem resume Runs/2026-11-23_184501_m3e-small_stsb_7f3a
            """)

    @Argument(help: "The run: its folder, its name, or the beginning of its name.")
    var run: String

    @Option(
        help: ArgumentHelp(
            "The folder of all runs, with their database. (default: the one that the run lies in or began in)",
            valueName: "dir"))
    var runsDir: String?

    @Flag(help: "Write each event as a JSON object on a line of standard output.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    func validate() throws {
        try Check.filled("RUN", run)
        try Check.filled("--runs-dir", runsDir)
    }

    func run(in context: Context) throws {
        let folder = try folder()
        var trackers: [any RunTracker] = [ConsoleTracker(context.console)]
        if json { trackers.append(JSONLinesTracker(sink: context.output)) }
        let watch = InterruptWatch(context)
        defer { watch.end() }
        let outcome = try context.logger.timed("run ended") {
            try FineTuner.resume(
                folder, runsDirectory: runsDir, trackers: trackers, stop: watch.stop)
        }
        if outcome.isOld { context.say("Run \(outcome.runID) is finished; nothing is left to do") }
        for line in TrainingSummary.lines(outcome) { context.say(line) }
        if outcome.status == .interrupted { throw watch.interruption }
    }

    /// The folder of the run: as given, or as the database knows it.
    private func folder() throws -> String {
        if FileBytes.isFolder(run) { return run }
        let home = runsDir ?? "Runs"
        guard FileBytes.exists(home + "/runs.sqlite") else {
            throw FileError(
                path: run, problem: "no such folder, and no database of runs in \(home)",
                remedy: "give the folder of the run, or the folder of all runs with --runs-dir")
        }
        return try RunDatabase(path: home + "/runs.sqlite", createIfMissing: false)
            .run(run).directory
    }
}
