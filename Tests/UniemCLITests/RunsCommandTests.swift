import Files
import RunStore
import Testing
import Tracking

@testable import UniemCLI

/// `uniem runs ...` over a database that trackers wrote.
@Suite("runs")
struct RunsCommandTests {
    private let folder: TemporaryFolder
    private let home: String

    init() throws {
        folder = try TemporaryFolder()
        home = folder.path + "/Runs"
        try record("one", .finished)
        try record("two", .interrupted)
    }

    private func info(_ id: String) -> RunInfo {
        RunInfo(
            id: id, name: id, directory: home + "/" + id, model: "tiny", dataset: "pairs.jsonl",
            recordKind: "pair", strategy: "full", loss: "softmax", trainRows: 4, batchSize: 2,
            learningRate: 0.001, seed: id.utf8.count, epochs: 1, stepsPerEpoch: 4, totalSteps: 4,
            parameters: 10, trainableParameters: 10, threads: 1,
            configuration: ["name": .string(id)])
    }

    private func record(_ id: String, _ status: RunStatus?) throws {
        let tracker = SQLiteTracker(
            database: try RunDatabase(path: home + "/runs.sqlite"), runID: id)
        try tracker.track(.started(info(id)))
        try tracker.track(
            .data(
                TrainingRows(
                    dataset: 0, name: "pairs.jsonl", fingerprint: "f", recordKind: "pair",
                    columns: [["a", "b", "c", "d"], ["1", "2", "3", "4, five"]])))
        for step in 1...4 {
            try tracker.track(
                .step(
                    StepMetrics(
                        step: step, epoch: 1, loss: 1 / Double(step), meanLoss: 1,
                        learningRate: 0.001, rows: 1, tokens: 10, seconds: 0.5)))
            try tracker.track(
                .examples(
                    step: step, epoch: 1,
                    [
                        ExampleEvidence(
                            dataset: 0, row: step - 1, loss: Double(step), similarity: 0.5, rank: 2,
                            closerNegatives: 1, closestNegative: 0)
                    ]))
        }
        if let status {
            try tracker.track(.finished(status: status, seconds: 2, message: ""))
        }
        try tracker.finish()
    }

    private func runs(_ arguments: String...) throws -> Run {
        try uniem(["runs"] + arguments + ["--runs-dir", home])
    }

    @Test("list, with and without curves")
    func list() throws {
        let plain = try runs("list", "--no-curve")
        #expect(plain.status == 0 && !plain.output.contains("CURVE"))
        let curves = try runs("list", "--curve")
        #expect(curves.output.contains("CURVE") && curves.output.contains("#-._"))
        #expect(curves.output.split(separator: "\n").count == 3)
        #expect(try runs("list", "--json").jsonLines.map { $0["id"]?.string } == ["two", "one"])
    }

    @Test("show: worst rows, suspected false negatives, a check")
    func show() throws {
        let run = try runs("show", "one", "--check", "--examples", "1")
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("4.0000  row 3, 1 epoch"))
        #expect(run.output.contains("text_pos  4, five"))
        #expect(!run.output.contains("3.0000  row 2"))
        #expect(run.output.contains("Suspected false negatives"))
        #expect(run.output.hasSuffix("\nChecked: all is well\n"))
        let json = try #require(try runs("show", "one", "--json", "--check").jsonLines.first)
        #expect(json["worst_examples"]?.array?.count == 4)
        #expect(json["problems"]?.array?.isEmpty == true)
        #expect(try runs("show", "one", "--examples", "-1").status == 2)
        // A run without its first steps.
        let tracker = SQLiteTracker(
            database: try RunDatabase(path: home + "/runs.sqlite"), runID: "torn")
        var info = info("torn")
        info.resumedFromStep = 2
        try tracker.track(.started(info))
        try tracker.track(
            .step(
                StepMetrics(
                    step: 3, epoch: 1, loss: 1, meanLoss: 1, learningRate: 1, rows: 1, tokens: 1,
                    seconds: 1)))
        try tracker.finish()
        let torn = try runs("show", "torn", "--check")
        #expect(
            torn.status == 1 && torn.errorLines == ["error: run torn: steps 1 to 2 are missing"])
    }

    @Test("compare: settings, results, curves")
    func compare() throws {
        let text = try runs("compare", "one", "two").output
        #expect(text.contains("name") && text.contains("interrupted"))
        #expect(text.contains("Loss, each between its own extremes\n  one  #-._\n  two  #-._\n"))
        let json = try #require(try runs("compare", "one", "two", "--json").jsonLines.first)
        #expect(json["loss_curves"]?["first"]?.array?.count == 4)
    }

    @Test("export as JSON and CSV, to standard output and to files")
    func export() throws {
        let json = try JSON(parsing: Array(try runs("export", "one").output.utf8))
        #expect(json["metrics"]?.array?.count == 4 && json["evidence"]?.array?.count == 4)
        #expect(
            try runs("export", "one", "--table", "examples").output
                == "run,dataset,row,text1,text2,text3,label\r\none,0,0,a,1,,\r\none,0,1,b,2,,\r\n"
                + "one,0,2,c,3,,\r\none,0,3,d,\"4, five\",,\r\n")
        #expect(try runs("export", "one", "--format", "csv").output.hasPrefix("run,step,epoch,"))
        let path = folder.path + "/evidence.CSV"
        let file = try runs("export", "one", "--output", path)
        #expect(file.status == 0 && file.output.isEmpty)
        #expect(file.error == "one is written to \(path)\n")
        #expect(try FileBytes.readText(path).hasPrefix("run,step,epoch,"))
        let whole = folder.path + "/one.json"
        #expect(try runs("export", "one", "--output", whole).status == 0)
        #expect(try JSON(contentsOf: whole)["run"]?["id"]?.string == "one")
        // What cannot be leaves nothing behind.
        #expect(try runs("export", "one", "--format", "json", "--table", "metrics").status == 2)
        #expect(try runs("export", "one", "--table", "songs").status == 2)
        #expect(try runs("export", "none", "--output", folder.path + "/none.json").status == 1)
        #expect(
            try runs("export", "one", "--output", folder.path + "/no/such/folder.csv").status == 1)
        #expect(
            try FileBytes.names(in: folder.path).sorted() == ["Runs", "evidence.CSV", "one.json"])
    }

    @Test("watch ends with the status of the run")
    func watch() throws {
        let finished = try runs("watch", "one")
        #expect(finished.status == 0, "\(finished.error)")
        #expect(finished.output.hasPrefix("one: finished, 4 of 4 steps, time 00:02"))
        #expect(
            finished.error == """
                one  finished  tiny  pairs.jsonl
                Epoch 1/1 - loss: 1.0000: 100% 4/4 [00:02<00:00,  2.00it/s], step loss 0.2500, \
                learning rate 0.001

                """)
        #expect(try runs("watch", "two").status == 130)
        try record("three", .failed)
        let failed = try runs("watch", "three", "--json")
        #expect(failed.status == 1 && failed.errorLines == ["error: three failed"])
        #expect(try failed.jsonLines.map { $0["status"]?.string } == ["failed"])
        let none = try runs("watch")
        #expect(none.status == 1 && none.error.contains("no run is being trained"))
        #expect(try runs("watch", "one", "--interval", "0").status == 2)
    }

    @Test("watch follows a run that is being trained, the newest without a name")
    func follow() async throws {
        let database = try RunDatabase(path: home + "/runs.sqlite")
        let tracker = SQLiteTracker(database: database, runID: "live")
        try tracker.track(.started(info("live")))
        let (output, error) = (Recorder(), Recorder())
        let context = Context(
            output: { output.add($0) },
            console: ConsoleTracker.Console(
                sink: { error.add($0) }, clock: { 0 }, isTerminal: false, style: .ascii))
        let arguments = ["runs", "watch", "--runs-dir", home, "--interval", "0.1", "--json"]
        async let watching = Task.detached { Program.run(arguments, in: context) }.value
        for step in 1...4 {
            // Each step is seen before the next is made.
            while try Run(status: 0, output: output.text, error: "").jsonLines.count < step {
                try await Task.sleep(for: .milliseconds(20))
            }
            try tracker.track(
                .step(
                    StepMetrics(
                        step: step, epoch: 1, loss: 0.5, meanLoss: 0.5, learningRate: 0.001,
                        rows: 1, tokens: 10, seconds: 0.1)))
            try tracker.flush()
        }
        try tracker.track(.finished(status: .finished, seconds: 1, message: ""))
        try tracker.finish()
        #expect(await watching == 0, "\(error.text)")
        let lines = try Run(status: 0, output: output.text, error: "").jsonLines
        #expect(lines.prefix(4).map { $0["step"]?.int } == [0, 1, 2, 3])
        #expect(lines.last?["status"]?.string == "finished" && lines.last?["step"]?.int == 4)
    }

    @Test("a screen is drawn over itself")
    func screen() throws {
        let drawn = Recorder()
        let console = ConsoleTracker.Console(
            sink: { drawn.add($0) }, clock: { 0 }, columns: { 40 }, isTerminal: true, style: .ascii)
        let watcher = try RunWatcher(RunDatabase(reading: home + "/runs.sqlite"), run: "one")
        var screen = RunsScreen(console)
        screen.draw(watcher)
        let first = drawn.text
        #expect(first.hasPrefix("\r\u{1B}[Kone  finished  tiny  pairs.jsonl\n"))
        #expect(first.hasSuffix("\n\u{1B}[J"))
        let lines = first.utf8.count { $0 == 0x0A }
        screen.draw(watcher)
        #expect(drawn.text == first + "\u{1B}[\(lines)A" + first)
        for line in first.split(separator: "\n") {
            #expect(line.replacing("\r\u{1B}[K", with: "").unicodeScalars.count < 40)
        }
    }

    @Test("delete, by force where a run counts as active")
    func delete() throws {
        try record("live", nil)
        let refused = try runs("delete", "live")
        #expect(refused.status == 1 && refused.error.contains("is being trained by process"))
        #expect(try runs("delete", "live", "--force").status == 0)
        for id in ["one", "two"] { #expect(try runs("delete", id).status == 0) }
        #expect(try runs("list").output == "no runs yet\n")
    }
}
