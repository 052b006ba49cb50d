import ArgumentParser
import Files
import RunStore
import Tracking
import Uniem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The program: arguments in, an exit status out.
///
/// Status 0: done. 1: failed, one line on standard error. 2: bad usage. 130 and 143: stopped by Ctrl-C and by
/// SIGTERM, after a checkpoint was written.
@main
enum Program {
    static func main() {
        // Some parents start programs with it ignored; a reader that goes away ends this one as it ends others.
        _ = signal(SIGPIPE, SIG_DFL)
        exit(run(Array(CommandLine.arguments.dropFirst()), in: .process))
    }

    /// Runs the command that `arguments` name and returns the exit status.
    static func run(_ arguments: [String], in context: Context) -> Int32 {
        var verbose = false
        do {
            var command = try UniemCommand.parseAsRoot(arguments)
            guard let command = command as? any Subcommand else {
                // The built-in help, and groups of commands, which show theirs.
                try command.run()
                return ExitStatus.done
            }
            verbose = command.logging.verbose
            var context = context
            context.logger = command.logging.logger(in: context)
            try command.run(in: context)
            return ExitStatus.done
        } catch {
            return report(error, verbose: verbose, in: context)
        }
    }

    /// Says what went wrong, and which exit status that is: the one place where errors become messages.
    private static func report(_ error: any Error, verbose: Bool, in context: Context) -> Int32 {
        let line: String
        switch error {
        case let interruption as Interruption: return interruption.status
        case is FileError, is TrainingError, is RunStoreError, is HubError: line = "\(error)"
        default:
            let text = UniemCommand.fullMessage(for: error)
            let code = UniemCommand.exitCode(for: error)
            if code == .success {
                do {
                    try context.output(text.hasSuffix("\n") ? text : text + "\n")
                    return ExitStatus.done
                } catch {
                    return report(error, verbose: verbose, in: context)
                }
            }
            if code == .validationFailure {
                context.say(text.replacingPrefix("Error: ", with: "error: "))
                return ExitStatus.usage
            }
            line = "\(error)"
        }
        context.say("error: " + line.split(whereSeparator: \.isNewline).joined(separator: " "))
        if verbose {
            var details = ""
            dump(error, to: &details)
            context.say("details: \(type(of: error))\n" + details)
        }
        return ExitStatus.failed
    }
}

/// What the exit status says.
enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 2
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
