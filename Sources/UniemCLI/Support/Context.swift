import Files
import Logging
import Tracking
import Uniem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a command sees of the world outside its arguments and files.
struct Context: Sendable {
    /// Takes results; throws where they cannot be written.
    var output: @Sendable (String) throws -> Void
    /// Where progress and complaints go, and what that looks like.
    var console: ConsoleTracker.Console
    /// Where piped texts come from; `nil` where nothing is piped in.
    var inputPath: String?
    /// Whether Ctrl-C and SIGTERM are this program's to handle.
    var handlesSignals = false
    /// Takes what `--verbose` shows.
    var logger = Logger(label: "uniem") { _ in SwiftLogNoOpLogHandler() }

    /// Where the hub is: the environment of this process.
    var hubEnvironment = HubEnvironment.process

    /// Calls `body` with the hub, whose progress goes to the console.
    func withHub<Result>(_ body: (Hub) throws -> Result) rethrows -> Result {
        let report = FetchReport(console)
        defer { report.finish() }
        return try body(Hub(environment: hubEnvironment) { report.report($0) })
    }

    /// The streams of this process.
    static var process: Context {
        Context(
            output: { try StandardStream.output.write($0) }, console: .standardError,
            inputPath: isatty(0) == 1 ? nil : "/dev/stdin", handlesSignals: true)
    }

    /// Writes a line for people.
    func say(_ line: String) { console.sink(line + "\n") }

    /// Writes a line of results.
    func print(_ line: String) throws { try output(line + "\n") }

    /// Writes `json` as one line of results.
    func print(_ json: JSON) throws { try output(json.compactText + "\n") }
}
