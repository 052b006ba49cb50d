import ArgumentParser
import Logging
import Uniem

/// How much a command says about itself.
struct LoggingOptions: ParsableArguments {
    @Flag(help: "Show versions, timings and the details of errors on standard error.")
    var verbose = false

    /// A logger for standard error; silent unless asked for.
    func logger(in context: Context) -> Logger {
        guard verbose else { return context.logger }
        let sink = context.console.sink
        var logger = Logger(label: "uniem") { _ in StandardErrorLog(sink: sink) }
        logger.logLevel = .debug
        logger.debug(
            "uniem \(uniemVersion)",
            metadata: ["blas": "\(blasDescription())", "processors": "\(availableProcessors())"])
        return logger
    }
}

extension Logger {
    /// Runs `body` and logs how long it took.
    func timed<Result>(_ what: String, _ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            debug("\(what)", metadata: ["seconds": "\(NumberText.fixed(seconds, decimals: 3))"])
        }
        return try body()
    }
}
