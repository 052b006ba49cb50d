import Files
import Testing
import Tracking

@testable import RunStore

@Suite struct RunTableTests {
    /// Local times depend on where the test runs.
    private func masked(_ text: String) -> String {
        text.replacing(/2026-11-2[34] \d\d:\d\d/, with: "<local time---->")
    }

    @Test func theList() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        #expect(RunTable.list(try database.runs()) == "no runs yet\n")
        let clock = HandClock()
        try Samples.record(Samples.info("first"), in: database, clock: clock)
        let tracker = SQLiteTracker(
            database: database, runID: "second-run", now: { clock.now })
        try tracker.track(.started(Samples.info("second-run", model: "组织/模型")))
        for step in 1...5 { try tracker.track(Samples.step(step)) }
        try tracker.finish()
        #expect(
            masked(RunTable.list(try database.runs())) == """
                RUN         STARTED           STATUS       MODEL      DATA          LOSS  SPEARMAN           TIME
                second-run  <local time---->  running 25%  模型       stsb.jsonl  0.4000  -                     -
                first       <local time---->  finished     m3e-small  stsb.jsonl  0.1000  0.5000 -> 0.7500  00:10

                """)
    }

    @Test func aRunInFull() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("first"), in: database)
        var details = try database.details("first")
        details.run.host = "box"
        details.parameters = Array(details.parameters.prefix(2))
        #expect(
            masked(RunTable.show(details)) == """
                Run            first
                Status         finished
                Folder         /nowhere/Runs/first
                Model          moka-ai/m3e-small
                Data           data/stsb.jsonl
                Rows           160 train, 20 validation, 30 test
                Records        scored_pair
                Strategy       full
                Loss function  cosent
                Parameters     1000, 900 of them trained
                Epochs         2
                Batch size     16
                Learning rate  0.0001
                Seed           42
                Steps          20 of 20
                Device         cpu, 2 threads, host box
                Started        <local time---->
                Ended          <local time---->
                Time           00:10
                Saved model    /nowhere/Runs/first/model
                Speed          32.0 rows/s, 800 tokens/s

                Loss  1.0000 █▄▃▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁ 0.0500

                Evaluations
                  before   step 0   test        pearson   0.2500
                  before   step 0   test        rows          30
                  before   step 0   test        spearman  0.5000
                  epoch 1  step 10  train       loss      0.5000
                  epoch 1  step 10  validation  loss      0.2500
                  epoch 2  step 20  train       loss      0.2500
                  epoch 2  step 20  validation  loss      0.2500
                  after    step 20  test        pearson   0.3750
                  after    step 20  test        rows          30
                  after    step 20  test        spearman  0.7500

                Checkpoints
                  10  1.2 MB  <local time---->  checkpoints/1
                  20  1.2 MB  <local time---->  checkpoints/2

                Settings
                  environment.cores  2
                  environment.swift  6.3

                Events
                  <local time---->  info     started: 20 steps
                  <local time---->  warning  column 'id' is ignored
                  <local time---->  info     model saved: /nowhere/Runs/first/model
                  <local time---->  info     finished

                """)
    }

    @Test func twoRunsSideBySide() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("a"), in: database)
        try Samples.record(
            Samples.info("b", learningRate: 3e-5, configuration: ["extra": true]), in: database,
            spearman: (0.5, 0.8))
        let differences = try database.differences("a", "b")
        #expect(
            RunTable.compare(try database.run("a"), try database.run("b"), differences) == """
                                        a                 b
                status                  finished          finished
                steps                   20                20
                loss                    0.1000            0.1000
                spearman                0.5000 -> 0.7500  0.5000 -> 0.8000
                extra                   -                 true
                learning_rate           0.0001            -
                optimizer.weight_decay  0.001             -
                rename                  ["a", "b"]        -
                run.learning_rate       0.0001            3e-05
                warmup                  null              -

                """)
    }

    @Test func jsonForms() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("a"), in: database)
        let json = try JSON(parsing: Array(try database.details("a").json.text().utf8))
        #expect(json["status"]?.string == "finished")
        #expect(json["spearman_after"]?.double == 0.75)
        #expect(json["metrics"]?.array?.count == 20)
        #expect(json["metrics"]?.array?.first?["gradient_norm"]?.isNull == true)
        #expect(json["settings"]?["run.batch_size"]?.string == "16")
        #expect(json["events"]?.array?.count == 4)
        #expect(
            ParameterDifference(name: "x", first: nil, second: "1").json.text()
                == "{\"name\": \"x\", \"first\": null, \"second\": \"1\"}")
    }

    @Test func textFromOutsideCannotSteerTheTerminal() {
        #expect(TextColumns.aligned([["a\u{1B}[31m\nb", "é"]], right: []) == "a [31m b  é\n")
        #expect(TextColumns.width("模型e\u{301}") == 5)
    }

    @Test(
        arguments: [
            ([1, 2, 3, 4, 5, 6, 7, 8], 60, "▁▂▃▄▅▆▇█"), ([5, 5, 5], 60, "▁▁▁"), ([], 60, ""),
            ([0, .nan, 7], 60, "▁ █"), ([0, 2, 4, 10], 2, "▁█"), ([.nan, .nan], 60, "  "),
            ([-.greatestFiniteMagnitude, .greatestFiniteMagnitude], 60, "▁█"),
            ([.infinity, 1, 2], 60, " ▁█"),
        ] as [([Double], Int, String)])
    func sparkline(values: [Double], width: Int, text: String) {
        #expect(Sparkline.text(values, width: width) == text)
    }
}
