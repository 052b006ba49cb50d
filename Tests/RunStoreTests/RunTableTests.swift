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

    /// The sections that only some runs have.
    @Test func whatTrainsAndWhatHurts() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        func weight(_ name: String, _ count: Int, trains: Bool) -> WeightInfo {
            WeightInfo(
                name: name, shape: [count], training: trains ? count : 0, learningRate: 0.001,
                weightDecay: 0)
        }
        try tracker.track(
            .started(
                Samples.info(
                    "a",
                    weights: [
                        weight("embeddings.weight", 600, trains: false),
                        weight("layer.0.bias", 10, trains: false),
                        weight("layer.1.bias", 10, trains: true),
                        weight("layer.2.bias", 10, trains: true), weight("head", 20, trains: true),
                    ])))
        try tracker.track(
            .data(
                TrainingRows(
                    dataset: 0, name: "pairs.jsonl", fingerprint: "f1", recordKind: "pair",
                    columns: [
                        ["a\u{1B}[2Jb", "其他", "third"],
                        [String(repeating: "long ", count: 40), "p1", "p2"],
                    ])))
        try tracker.track(Samples.step(1))
        try tracker.track(Samples.examples(1, [(0, 2), (1, 1), (2, 0.5)]))
        try tracker.track(Samples.step(11))
        try tracker.track(
            .examples(
                step: 11, epoch: 2,
                [
                    ExampleEvidence(
                        dataset: 0, row: 0, loss: 3, similarity: 0.25, rank: 2, closerNegatives: 1,
                        closestNegative: 2)
                ]))
        try tracker.track(
            .evaluation(
                EvaluationMetrics(
                    phase: .after, epoch: 2, step: 11, dataset: "test", rows: 30,
                    values: [("spearman", 0.75)],
                    gains: [
                        MetricGain(name: "spearman", difference: 0.25, low: -0.125, high: 0.5)
                    ])))
        try tracker.finish()
        let details = try database.details("a", examples: 2)
        let text = RunTable.show(details, style: .ascii)
        let long = String(repeating: "long ", count: 40).prefix(99) + "…"
        let expected = """
            Loss  1.0000 #_ 0.0909

            Evaluations
              after  step 11  test  rows          30
              after  step 11  test  spearman  0.7500  +0.2500, 95 % interval -0.1250 to +0.5000

            What trains
              WEIGHTS            TENSORS  NUMBERS  TRAIN         SHARE    RATE  DECAY
              embeddings.weight        1      600      0         0.0 %  frozen      -
              layer.0.bias             1       10      0         0.0 %  frozen      -
              layer.1-2.bias           2       20     20        50.0 %   0.001    0.0
              head                     1       20     20        50.0 %   0.001    0.0
              all                      5      650     40  6.2 % of all

            Data
              0  pairs.jsonl  3  pair  texts stored  f1

            Worst rows, by mean loss
              2.5000  row 0, 2 epochs, last loss 3.0000, similarity 0.3750
                  text      a [2Jb
                  text_pos  \(long)
              1.0000  row 1, 1 epoch, last loss 1.0000, similarity 0.5000
                  text      其他
                  text_pos  p1

            Suspected false negatives
              row 0 and row 2, 1 epoch, own similarity 0.2500
                  text      a [2Jb
                  text_pos  \(long)
                  closer    p2

            Settings

            """
        #expect(text.contains(expected), "\(text)")
        let json = details.json
        #expect(json["weights"]?.array?.count == 5)
        #expect(json["gains"]?.array?.first?["low"]?.double == -0.125)
        #expect(json["datasets"]?.array?.first?["stored_rows"]?.int == 3)
        #expect(
            json["worst_examples"]?.array?.first?["texts"]?.array?.first?.string == "a\u{1B}[2Jb")
        let suspect = json["suspected_false_negatives"]?.array?.first
        #expect(suspect?["negative_texts"]?.array?.map(\.string) == ["third", "p2"])
    }

    @Test func groupsOfWeights() {
        func groups(_ names: [String]) -> [String] {
            WeightGroup.groups(
                of: names.map {
                    WeightRow(
                        name: $0, shape: [1], count: 1, training: 1, learningRate: 1, weightDecay: 0
                    )
                }
            ).map { "\($0.pattern) \($0.tensors)" }
        }
        #expect(
            groups([
                "b.0.l.0.w", "b.1.l.0.w", "b.0.l.1.w", "b.3.l.1.w", "b.10.x", "caf\u{E9}.1",
                "cafe\u{301}.2", "", "..", "99999999999999999999.w",
            ]) == [
                "b.0-1,3.l.0-1.w 4", "b.10.x 1", "caf\u{E9}.1 1", "cafe\u{301}.2 1", " 1", ".. 1",
                "99999999999999999999.w 1",
            ])
        #expect(groups([0, 2, 4, 6, 8].map { "l.\($0)" }) == ["l.* 5"])
    }

    @Test func theListWithCurves() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("first"), in: database)
        try SQLiteTracker(database: database, runID: "none").track(.started(Samples.info("none")))
        let runs = try database.runs()
        let curves = try database.lossCurves(of: runs, points: RunTable.listCurvePoints)
        let text = RunTable.list(runs, curves: curves)
        #expect(text.contains("LOSS  CURVE             SPEARMAN"))
        #expect(text.contains("0.1000  █▄▃▃▂▂▂▂▁▁▁▁▁▁▁▁  0.5000 -> 0.7500"))
        #expect(
            RunTable.list(runs, curves: curves, style: .ascii).contains(
                "0.1000  #~--....________  0.5000"))
        // A terminal that is too narrow.
        let width = text.split(separator: "\n").map(\.count).max() ?? 0
        #expect(RunTable.list(runs, curves: curves, columns: width) == text)
        #expect(RunTable.list(runs, curves: curves, columns: width - 1) == RunTable.list(runs))
    }

    @Test func textIsCutToAWidth() {
        #expect(TextColumns.clipped("abc", to: 3) == "abc")
        #expect(TextColumns.clipped("abcd", to: 3) == "ab…")
        #expect(TextColumns.clipped("模型模", to: 5) == "模型…")
        #expect(TextColumns.clipped("模型模", to: 6) == "模型模")
        #expect(TextColumns.clipped("e\u{301}e\u{301}e", to: 2) == "e\u{301}…")
        #expect(TextColumns.clipped("abc", to: 0) == "")
        #expect(TextColumns.clipped("a\nb", to: 9) == "a b")
    }

    @Test func twoRunsSideBySide() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("a"), in: database)
        let other = SQLiteTracker(database: database, runID: "b")
        try other.track(
            .started(Samples.info("b", learningRate: 3e-5, configuration: ["extra": true])))
        try other.track(Samples.evaluation(.before, step: 0, spearman: 0.5))
        for step in 1...10 { try other.track(Samples.step(step, loss: 11 - Double(step))) }
        try other.track(Samples.evaluation(.step, step: 5, spearman: 0.6))
        try other.track(Samples.evaluation(.after, step: 10, spearman: 0.8))
        try other.track(.finished(status: .failed, seconds: 65, message: "no more"))
        let comparison = try database.comparison("a", "b")
        #expect(
            RunTable.compare(comparison) == """
                                        a           b
                status                  finished    failed
                steps                   20          10
                loss                    0.1000      1.0000
                time                    00:10       01:05
                extra                   -           true
                learning_rate           0.0001      -
                optimizer.weight_decay  0.001       -
                rename                  ["a", "b"]  -
                run.learning_rate       0.0001      3e-05
                warmup                  null        -

                Results
                  WHEN     DATA        METRIC     FIRST  SECOND  DIFFERENCE
                  before   test        pearson   0.2500  0.2500     +0.0000
                  before   test        spearman  0.5000  0.5000     +0.0000
                  epoch 1  train       loss      0.5000       -           -
                  epoch 1  validation  loss      0.2500       -           -
                  epoch 2  train       loss      0.2500       -           -
                  epoch 2  validation  loss      0.2500       -           -
                  after    test        pearson   0.3750  0.4000     +0.0250
                  after    test        spearman  0.7500  0.8000     +0.0500

                Loss, each between its own extremes
                  a  █▄▃▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁
                  b  █▇▆▆▅▄▃▃▂▁

                """)
        #expect(comparison.metrics.count == 13)
        #expect(comparison.metrics.filter { $0.phase == "step" }.map(\.step) == [5, 5, 5])
        let json = comparison.json
        #expect(json["first"]?["id"]?.string == "a" && json["second"]?["id"]?.string == "b")
        #expect(json["differences"]?.array?.count == 6)
        #expect(json["metrics"]?.array?.count == 13)
        #expect(json["loss_curves"]?["second"]?.array?.count == 10)
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
