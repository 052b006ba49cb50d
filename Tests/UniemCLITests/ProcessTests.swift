import Files
import Foundation
import Testing

@testable import UniemCLI

/// The built program in a process of its own, its streams in files.
private final class Child {
    private let process = Process()
    private let folder: TemporaryFolder

    /// The program beside the test bundle.
    static let path: String = {
        let tests = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let candidates = [
            tests.deletingLastPathComponent(),
            tests.deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent(),
        ]
        return candidates.map { $0.appending(path: "uniem").path }
            .first { FileBytes.exists($0) } ?? "uniem"
    }()

    init(_ arguments: [String], in folder: TemporaryFolder) throws {
        self.folder = folder
        process.executableURL = URL(filePath: Child.path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Child.handle(folder.path + "/stdout")
        process.standardError = try Child.handle(folder.path + "/stderr")
        try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    private static func handle(_ path: String) throws -> FileHandle {
        try FileBytes.writeAtomically("", to: path)
        return try #require(FileHandle(forWritingAtPath: path))
    }

    var output: String { (try? FileBytes.readText(folder.path + "/stdout")) ?? "" }
    var error: String { (try? FileBytes.readText(folder.path + "/stderr")) ?? "" }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Sends `signal` again and again after a pause, without giving up the thread: other tests must not come between.
    func sendUntilItEnds(_ signal: Int32, after seconds: Double) {
        Thread.sleep(forTimeInterval: seconds)
        for _ in 0..<3000 where process.isRunning {
            send(signal)
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Waits until `isTrue`, or the process has ended, or a minute is over.
    func wait(until isTrue: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isTrue(), process.isRunning, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The exit status; the number of a signal that killed it, negative.
    func status() async throws -> Int32 {
        try await wait { false }
        try #require(!process.isRunning, "still running: \(error)")
        return process.terminationReason == .exit
            ? process.terminationStatus : -process.terminationStatus
    }
}

@Suite("The built program", .serialized)
struct ProcessTests {
    @Test(
        "a signal ends the run after its step: checkpoint, record, and a status of its own",
        arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
    func interrupted(_ signal: Int32, _ expected: Int32) async throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/Runs"
        let child = try Child(
            [
                "finetune", try Sample.model.get(), "--dataset", Sample.scoredPairs, "--epochs",
                "100000", "--batch-size", "32", "--runs-dir", home, "--run-id", "r", "--json",
            ], in: folder)
        try await child.wait { child.output.contains("\"event\":\"step\"") }
        child.send(signal)
        #expect(try await child.status() == expected, "\(child.error)")
        #expect(child.error.contains("Stopping after this step"))
        #expect(child.error.contains("was stopped on request"))
        let events = try child.output.split(separator: "\n").map {
            try JSON(parsing: Array($0.utf8))
        }
        #expect(events.last?["event"]?.string == "finished")
        #expect(events.last?["status"]?.string == "interrupted")
        let checkpoint = try #require(events.last { $0["event"]?.string == "checkpoint" })
        let path = try #require(checkpoint["path"]?.string)
        #expect(child.error.contains("Its checkpoint lies in \(path)"))
        #expect(FileBytes.exists(path + "/manifest.json"))
        #expect(!FileBytes.exists(home + "/r/model"))
        let runs = try uniem("runs", "list", "--runs-dir", home, "--json").jsonLines
        #expect(runs.map { $0["status"]?.string } == ["interrupted"])
    }

    /// `Scripts/test-crashes` does this some hundred times, at moments that hurt more.
    @Test(
        "killed without a chance to say a word, it goes on to the same bytes", arguments: [1, 4, 7])
    func killed(_ line: Int) async throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/Runs"
        func arguments(_ id: String) throws -> [String] {
            [
                "finetune", try Sample.model.get(), "--dataset", Sample.scoredPairs, "--epochs",
                "2", "--batch-size", "16", "--checkpoint-steps", "2", "--runs-dir", home,
                "--run-id", id, "--json",
            ]
        }
        #expect(try await Child(try arguments("whole"), in: folder).status() == 0)
        let child = try Child(try arguments("killed"), in: folder)
        try await child.wait {
            child.output.split(separator: "\n").count { $0.contains("\"event\":\"step\"") } >= line
        }
        child.send(SIGKILL)
        _ = try await child.status()
        if FileBytes.exists(home + "/killed/run.json") {
            let resumed = try uniem("resume", home + "/killed")
            #expect(resumed.status == 0, "\(resumed.error)")
        }
        let models = ["whole", "killed"].map { "\(home)/\($0)/model/model.safetensors" }
        #expect(try FileBytes.read(models[0]) == FileBytes.read(models[1]))
        let runs = try uniem("runs", "list", "--runs-dir", home, "--json").jsonLines
        #expect(runs.map { $0["status"]?.string } == ["finished", "finished"])
    }

    @Test("a second Ctrl-C ends it at once")
    func twice() async throws {
        let folder = try TemporaryFolder()
        let model = folder.path + "/deep"
        let made = try uniem(
            "init", model, "--corpus", Sample.pairs, "--vocab-size", "400", "--hidden", "256",
            "--layers", "8")
        #expect(made.status == 0)
        // A step of so many rows takes this model seconds.
        let child = try Child(
            [
                "finetune", model, "--dataset", Sample.trainingPairs, "--batch-size", "1600",
                "--epochs", "1000", "--threads", "1", "--runs-dir", folder.path + "/Runs",
                "--run-id", "r",
            ], in: folder)
        try await child.wait { child.error.contains("Start training") }
        // Once the first step, which takes seconds, is under way.
        child.sendUntilItEnds(SIGINT, after: 0.5)
        #expect(try await child.status() == 130)
        #expect(child.error.contains("Stopping after this step"))
        // The step was not waited for.
        #expect(!FileBytes.exists(folder.path + "/Runs/r/checkpoints"))
    }

    @Test(
        "help, version and bad usage have their exit status",
        arguments: [(["--version"], 0), (["--help"], 0), (["nonsense"], 2)] as [([String], Int32)])
    func statuses(_ arguments: [String], _ expected: Int32) async throws {
        let child = try Child(arguments, in: try TemporaryFolder())
        #expect(try await child.status() == expected)
    }

    @Test("a reader that goes away ends encode silently, but not a training")
    func closedPipe() async throws {
        let folder = try TemporaryFolder()
        let model = try Sample.model.get()
        let texts = try folder.file(
            "t.txt", (0..<3000).map { "text \($0)\n" }.joined())
        func shell(_ command: String) async throws -> (status: Int32, error: String) {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", command]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
            return (
                process.terminationStatus, try FileBytes.readText(folder.path + "/stderr")
            )
        }
        let errors = "2>\(folder.path)/stderr"
        let encode = try await shell(
            "'\(Child.path)' encode '\(model)' --input '\(texts)' \(errors) | head -n 1")
        #expect(encode.status == 0 && encode.error.isEmpty, "\(encode.error)")
        let home = folder.path + "/Runs"
        let training = try await shell(
            "'\(Child.path)' finetune '\(model)' --dataset '\(Sample.pairs)' --epochs 2 "
                + "--batch-size 8 --runs-dir '\(home)' --run-id r --json \(errors) | head -n 2")
        #expect(training.status == 0)
        #expect(
            training.error.contains("JSONLinesTracker failed and is left out"), "\(training.error)")
        #expect(FileBytes.exists(home + "/r/model/config.json"))
    }
}
