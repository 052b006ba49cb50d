import Files
import Foundation
import Synchronization
import Testing
import Tracking
import Uniem

@testable import UniemCLI

/// What a run of the program left.
struct Run {
    var status: Int32
    var output: String
    var error: String

    /// The lines of standard output, each a JSON value.
    var jsonLines: [JSON] {
        get throws {
            try output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        }
    }

    /// The lines of standard error that say what failed.
    var errorLines: [Substring] {
        error.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    }
}

/// Runs the program in this process; `input` is what is piped in.
func uniem(_ arguments: String..., input: String? = nil) throws -> Run {
    try uniem(arguments, input: input)
}

func uniem(_ arguments: [String], input: String? = nil) throws -> Run {
    let (output, error) = (Recorder(), Recorder())
    var context = Context(
        output: { output.add($0) },
        console: ConsoleTracker.Console(
            sink: { error.add($0) }, clock: { 0 }, isTerminal: false, style: .ascii))
    let folder = try TemporaryFolder()
    // No network in tests, and no cache of whoever runs them.
    context.hubEnvironment = HubEnvironment(variables: [
        "HF_HUB_OFFLINE": "1", "HF_HOME": folder.path + "/hub",
    ])
    if let input {
        let path = folder.path + "/input"
        try FileBytes.writeAtomically(input, to: path)
        context.inputPath = path
    }
    let status = Program.run(arguments, in: context)
    return Run(status: status, output: output.text, error: error.text)
}

/// Collects text from any thread.
final class Recorder: Sendable {
    private let content = Mutex("")

    func add(_ text: String) { content.withLock { $0 += text } }

    var text: String { content.withLock { $0 } }
}

/// A folder that goes away with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appending(path: "uniem-cli-\(UUID().uuidString)").path
        try FileBytes.makeFolder(path)
    }

    deinit { try? FileBytes.remove(path) }

    /// Writes `text` to the file `name` and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        try FileBytes.writeAtomically(text, to: path + "/" + name)
        return path + "/" + name
    }
}

/// What many tests read.
enum Sample {
    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static let scoredPairs = repository + "/Datasets/scored_pairs.test.jsonl"
    static let trainingPairs = repository + "/Datasets/scored_pairs.train.jsonl"
    static let pairs = repository + "/Datasets/pairs.test.jsonl"
    static let triplets = repository + "/Datasets/triplets.test.tsv"

    private static let home = Result { try TemporaryFolder() }

    /// A tiny fresh model, made once by `uniem init`.
    static let model = Result<String, any Error> {
        let path = try home.get().path + "/tiny"
        let run = try uniem(
            "init", path, "--corpus", pairs, "--vocab-size", "400", "--layers", "1", "--hidden",
            "16", "--heads", "2", "--intermediate", "32", "--max-positions", "64")
        try #require(run.status == 0, "\(run.error)")
        return path
    }

    /// Arguments of a short training of ``model`` that keeps its runs in `folder`.
    static func training(_ dataset: String, in folder: TemporaryFolder) throws -> [String] {
        [
            "finetune", try model.get(), "--dataset", dataset, "--epochs", "1", "--batch-size",
            "32", "--max-steps", "3", "--lr", "0.001", "--threads", "2", "--runs-dir",
            folder.path + "/Runs",
        ]
    }
}
