import ArgumentParser
import RunStore
import Tracking

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `uniem runs watch`: follows a run while it is trained, by whichever process.
struct RunsWatchCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow a run while it is trained, until it ends.",
        discussion: """
            In a terminal progress, the course of the loss and the last numbers are drawn in place, elsewhere each \
            change is a line; both on standard error. With --json each change is an object on standard output. At the \
            end one line on standard output says how the run ended. Training is not disturbed: the database is only \
            read.

            Exit status: 0 the run finished, 1 it failed or its process is gone, 130 it was interrupted. Ctrl-C ends \
            watching, not the run.
            """)

    @Argument(
        help: """
            The run: its name, the beginning of it, or its folder. (default: the newest that is being trained)
            """)
    var run: String?

    @Option(help: ArgumentHelp("How often to look.", valueName: "seconds"))
    var interval = 0.5

    @OptionGroup var options: RunsOptions
    @OptionGroup var logging: LoggingOptions

    func validate() throws {
        try Check.number("--interval", interval, "seconds from 0.1 to 3600") {
            (0.1...3600).contains($0)
        }
    }

    func run(in context: Context) throws {
        var watcher = try RunWatcher(options.home.readOnlyDatabase(), run: run)
        var screen = RunsScreen(context.console)
        if !options.json && !context.console.isTerminal {
            context.say(RunTable.heading(watcher.run))
        }
        var change = RunWatcher.Change(hasSteps: !watcher.recent.isEmpty)
        try report(change, watcher, &screen, context)
        while watcher.run.state == .running {
            pause()
            change = try watcher.poll()
            if !change.isEmpty { try report(change, watcher, &screen, context) }
        }
        if !options.json { try context.print(RunTable.outcome(watcher.run)) }
        switch watcher.run.state {
        case .finished, .running: return
        case .interrupted: throw Interruption(status: 128 + SIGINT)
        case .failed, .crashed:
            throw RunStoreError.runDidNotFinish(
                id: watcher.run.id, state: watcher.run.state, message: watcher.run.message)
        }
    }

    private func report(
        _ change: RunWatcher.Change, _ watcher: RunWatcher, _ screen: inout RunsScreen,
        _ context: Context
    ) throws {
        if options.json {
            try context.print(RunTable.json(change, watcher))
        } else if context.console.isTerminal {
            screen.draw(watcher)
        } else {
            for line in RunTable.lines(change, watcher) { context.say(line) }
        }
    }

    private func pause() {
        let whole = interval.rounded(.down)
        var time = timespec(tv_sec: Int(whole), tv_nsec: Int((interval - whole) * 1e9))
        _ = unsafe nanosleep(&time, nil)
    }
}

/// A few lines of a terminal that are drawn over and over.
struct RunsScreen {
    private let console: ConsoleTracker.Console
    /// How many lines are drawn.
    private var height = 0

    init(_ console: ConsoleTracker.Console) { self.console = console }

    /// Draws how the run stands over what was drawn before. The cursor stands below, so that whatever ends the
    /// program leaves the terminal in order.
    mutating func draw(_ watcher: RunWatcher) {
        let columns = console.columns()
        // A line that fills the last column would wrap in some terminals.
        let lines = RunTable.progress(
            watcher, columns: (columns > 1 ? columns : 80) - 1, style: console.style)
        var text = height > 0 ? "\u{1B}[\(height)A" : ""
        for line in lines { text += "\r\u{1B}[K\(line)\n" }
        console.sink(text + "\u{1B}[J")
        height = lines.count
    }
}
