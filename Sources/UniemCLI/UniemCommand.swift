import ArgumentParser
import Uniem

/// The root of all commands.
struct UniemCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uniem",
        abstract: "Trains and uses text-embedding models.",
        discussion: """
            A first model, from nothing but a file of sentence pairs:

              uniem init tiny --corpus pairs.jsonl --vocab-size 2000
              uniem finetune tiny --dataset pairs.jsonl --split 0.1 --output-dir run
              uniem encode run/model "a sentence"

            A MODEL is a folder in Hugging Face's layout: config.json, weights, tokenizer files. Progress goes to \
            standard error, results to standard output. Exit status: 0 done, 1 failed, 2 bad usage, 130 or 143 \
            stopped by Ctrl-C or SIGTERM after a checkpoint was written.
            """,
        version: "uniem \(uniemVersion)",
        subcommands: [
            FinetuneCommand.self, ResumeCommand.self, EncodeCommand.self, EvaluateCommand.self,
            InitCommand.self, InspectCommand.self, RunsCommand.self,
        ])
}

/// A command that does something: it builds a configuration, calls the library, and prints.
protocol Subcommand: ParsableCommand {
    /// How much it says about itself.
    var logging: LoggingOptions { get }

    /// Does it. Results go to the context's output, everything else to its error stream.
    func run(in context: Context) throws
}
