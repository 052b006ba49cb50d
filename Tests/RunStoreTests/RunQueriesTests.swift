import Files
import GRDB
@testable import RunStore
import Testing
import Tracking

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct RunQueriesTests {
    private let folder: TemporaryFolder
    private let database: RunDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try RunDatabase(path: folder.database)
        for (index, id) in ["2026-01_a_1", "2026-01_a_2", "2026-02_b", "2026-02_b_3"].enumerated() {
            let clock = HandClock()
            clock.advance(Double(index) * 100)
            try Samples.record(
                Samples.info(
                    id, learningRate: index == 1 ? 3e-5 : 0.0001,
                    weights: index == 0 ? RunQueriesTests.weights : []), in: database,
                clock: clock, spearman: (0.5, 0.5 + Double(index) / 10))
        }
        try record(
            "2026-01_a_1", gain: (0.1, 0.3),
            [
                (
                    1, 4,
                    [
                        (0, 1, 0.9, 0, 3, 0), (1, 2, 0.75, 1, 2, 0), (2, 0.25, 0.875, 2, 0, 12),
                        (3, 4, 0.25, 0, 1, 0),
                    ]
                ),
                (2, 14, [(0, 0.5, 0.9, 0, 1, 0), (1, 3, 0.75, 1, 2, 0), (2, 0.125, 1, 0, nil, 3)]),
            ])
        try record(
            "2026-01_a_2", gain: (-0.1, 0.3),
            [(1, 4, [(0, 1, 1, 0, nil, 0), (1, 0.5, 1, 0, nil, 0), (2, 0.25, 1, 0, nil, 0)])])
    }

    private static let weights = [
        WeightInfo(
            name: "layer.0.weight", shape: [2, 3], training: 0, learningRate: 0, weightDecay: 0),
        WeightInfo(
            name: "layer.1.weight", shape: [2, 3], training: 6, learningRate: 1, weightDecay: 0),
        WeightInfo(name: "layer.1.bias", shape: [3], training: 3, learningRate: 1, weightDecay: 0),
    ]

    /// Of each step: row, loss, similarity, closer negatives, the closest, cut tokens.
    private typealias Shown = [(Int, Double, Double, Int, Int?, Int)]

    private func record(
        _ run: String, gain: (low: Double, high: Double), _ steps: [(Int, Int, Shown)]
    ) throws {
        try database.write { db in
            let recorder = RunRecorder(run: run, time: Date(), db: db)
            try recorder.evaluation(
                EvaluationMetrics(
                    phase: .after, epoch: 2, step: 20, dataset: "dev", rows: 30, values: [],
                    gains: [
                        MetricGain(
                            name: "spearman", difference: 0.2, low: gain.low, high: gain.high)
                    ]))
            #expect(try recorder.link(Samples.rows()))
            while try recorder.storeTexts(Samples.rows(), bytes: 1) {}
            try recorder.insert(
                steps.map { epoch, step, rows in
                    StepEvidence(
                        step: step, epoch: epoch,
                        examples: rows.map {
                            ExampleEvidence(
                                dataset: 0, row: $0, loss: $1, similarity: $2, rank: $3 + 1,
                                closerNegatives: $3, closestNegative: $4, truncatedTokens: $5)
                        })
                })
        }
    }

    @Test func newestFirst() throws {
        #expect(
            try database.runs().map(\.id)
                == ["2026-02_b_3", "2026-02_b", "2026-01_a_2", "2026-01_a_1"])
        #expect(try database.runs(limit: 1).map(\.id) == ["2026-02_b_3"])
        #expect(try database.runs(limit: 0).isEmpty)
    }

    @Test func aRunIsFoundByIdentityBeginningOrFolder() throws {
        #expect(try database.run("2026-01_a_1").id == "2026-01_a_1")
        // A whole identity wins over being the beginning of another.
        #expect(try database.run("2026-02_b").id == "2026-02_b")
        #expect(try database.run("2026-02_b_").id == "2026-02_b_3")
        #expect(try database.run("/nowhere/Runs/2026-01_a_2").id == "2026-01_a_2")
    }

    @Test func aFolderThatExistsIsFoundByAnySpelling() throws {
        let place = folder.path + "/elsewhere"
        try FileBytes.makeFolder(place)
        var info = Samples.info("z")
        info.directory = place
        try Samples.record(info, in: database)
        for spelling in [place, place + "/", folder.path + "/./elsewhere"] {
            #expect(try database.run(spelling).id == "z")
        }
    }

    @Test func whatIsNotThere() throws {
        #expect(
            throws: RunStoreError.noSuchRun(
                reference: "2027", database: folder.database,
                latest: ["2026-02_b_3", "2026-02_b", "2026-01_a_2", "2026-01_a_1"])
        ) { try database.run("2027") }
        #expect(
            throws: RunStoreError.ambiguousRun(
                reference: "2026-01", candidates: ["2026-01_a_1", "2026-01_a_2"])
        ) { try database.metrics("2026-01") }
        for reference in ["", "%", "2026-01_a__", "*", "' OR 1=1 --"] {
            #expect(throws: RunStoreError.self) { try database.run(reference) }
        }
        let text = RunStoreError.ambiguousRun(reference: "x", candidates: ["x1", "x2"]).description
        #expect(text == "'x' could be any of x1, x2; give more of the name")
    }

    @Test func deletingLeavesTheOthers() throws {
        let removed = try database.delete("2026-01_a_1")
        #expect(removed.directory == "/nowhere/Runs/2026-01_a_1")
        #expect(try database.runs().count == 3)
        for table in ["parameters", "metrics", "evaluations", "checkpoints", "events"] {
            let runs = try plain(folder.database) { db in
                try String.fetchAll(db, sql: "SELECT DISTINCT run FROM \(table) ORDER BY run")
            }
            #expect(runs == ["2026-01_a_2", "2026-02_b", "2026-02_b_3"])
        }
        #expect(throws: RunStoreError.self) { try database.delete("2026-01_a_1") }
    }

    @Test func aRunThatTrainsIsNotDeletedByAccident() throws {
        let tracker = SQLiteTracker(database: database, runID: "live")
        try tracker.track(.started(Samples.info("live")))
        #expect(throws: RunStoreError.self) { try database.delete("live") }
        #expect(try database.run("live").state == .running)
        try database.delete("live", force: true)
        #expect(throws: RunStoreError.self) { try database.run("live") }
    }

    @Test func settingsThatDiffer() throws {
        #expect(
            try database.differences("2026-01_a_1", "2026-01_a_2") == [
                ParameterDifference(name: "learning_rate", first: "0.0001", second: "3e-05"),
                ParameterDifference(name: "run.learning_rate", first: "0.0001", second: "3e-05"),
            ])
        #expect(try database.differences("2026-01_a_1", "2026-01_a_1").isEmpty)
    }

    // MARK: The questions of the documentation

    /// The SQL blocks of the article, with names of runs put in.
    private func documentedQueries() throws -> [String] {
        let root = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let article = root.appending(path: "Sources/RunStore/RunStore.docc/RunStore.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        return text.components(separatedBy: "```sql\n").dropFirst().map { block in
            block.components(separatedBy: "```")[0]
                .replacing("RUN_A", with: "2026-01_a_1").replacing("RUN_B", with: "2026-01_a_2")
        }
    }

    @Test func theDocumentedQuestionsHaveTheseAnswers() throws {
        let queries = try documentedQueries()
        try #require(queries.count == 14)
        let answers = try plain(folder.database) { db in
            try queries.map { sql in
                try Row.fetchAll(db, sql: sql).map { row in
                    row.databaseValues.map {
                        $0.isNull ? "NULL" : String.fromDatabaseValue($0) ?? "\($0)"
                    }
                    .joined(separator: "|")
                }
            }
        }
        #expect(answers[0] == ["learning_rate|0.0001|3e-05", "run.learning_rate|0.0001|3e-05"])
        #expect(
            answers[1] == [
                "before|test|pearson|0.25|0.25", "before|test|rows|30.0|30.0",
                "before|test|spearman|0.5|0.5",
                "after|dev|rows|30.0|30.0", "after|test|pearson|0.25|0.3",
                "after|test|rows|30.0|30.0", "after|test|spearman|0.5|0.6",
            ])
        #expect(answers[2].count == 20)
        #expect(answers[2].first == "1|1.0|1.0")
        #expect(
            answers[3].map { $0.prefix { $0 != "|" } } == [
                "2026-02_b_3", "2026-02_b", "2026-01_a_2", "2026-01_a_1",
            ])
        #expect(answers[4].first == "2026-01_a_1|32.0|800.0|20")
        #expect(answers[5] == ["1|0.5|0.25", "2|0.25|0.25"])
        #expect(answers[6].count == 4)
        #expect(answers[6].allSatisfy { $0.hasSuffix("|warning|column 'id' is ignored") })
        #expect(answers[7] == ["bias|1|3|3", "weight|2|12|6"])
        #expect(answers[8] == ["2026-01_a_1|dev|spearman|0.2|0.1|0.3"])
        try checkPairsThatHurt(Array(answers[9...]))
    }

    private func checkPairsThatHurt(_ answers: [[String]]) throws {
        #expect(
            answers[0] == [
                "0|3|4.0|1|text 3|positive 3|NULL|NULL", "0|1|2.5|2|text 1|positive 1|NULL|NULL",
                "0|0|0.75|2|text 0|positive 0|NULL|NULL",
                "0|2|0.1875|2|text 2|positive 2|NULL|NULL",
            ])
        #expect(
            answers[1] == [
                "0|1|2|2|0.75|text 1|positive 1|positive 2",
                "0|2|0|1|0.875|text 2|positive 2|positive 0",
            ])
        #expect(answers[2] == ["0|2|12|text 2|positive 2|NULL"])
        #expect(answers[3] == ["0|1|2.0|3.0|text 1|positive 1"])
        #expect(
            answers[4] == [
                "1|2.5|0.5|text 1|positive 1", "0|0.75|1.0|text 0|positive 0",
                "2|0.1875|0.25|text 2|positive 2",
            ])
        // What `uniem runs show` asks says the same.
        let worst = try database.worstExamples("2026-01_a_1", limit: 2)
        #expect(
            worst == [
                ExampleSummary(
                    dataset: 0, row: 3, epochs: 1, meanLoss: 4, lastLoss: 4, similarity: 0.25,
                    content: ExampleTexts(texts: ["text 3", "positive 3"])),
                ExampleSummary(
                    dataset: 0, row: 1, epochs: 2, meanLoss: 2.5, lastLoss: 3, similarity: 0.75,
                    content: ExampleTexts(texts: ["text 1", "positive 1"])),
            ])
        let suspects = try database.falseNegatives("2026-01_a_1", limit: 9)
        #expect(suspects.map(\.row) == [1, 2] && suspects.map(\.negative) == [2, 0])
        #expect(suspects.map(\.epochs) == [2, 1] && suspects.map(\.similarity) == [0.75, 0.875])
        #expect(suspects[0].negativeContent.texts == ["text 2", "positive 2"])
        #expect(try database.worstExamples("2026-01_a_1", limit: 0).isEmpty)
        #expect(try database.falseNegatives("2026-02_b", limit: 5).isEmpty)
    }

    /// Evidence of a stream has no data beside it.
    @Test func rowsWithoutTexts() throws {
        try database.write { db in
            try RunRecorder(run: "2026-02_b", time: Date(), db: db).insert([
                StepEvidence(
                    step: 1, epoch: 1,
                    examples: [
                        ExampleEvidence(
                            dataset: 5, row: 7, loss: 1, similarity: 1, closerNegatives: 1,
                            closestNegative: 8)
                    ])
            ])
        }
        #expect(
            try database.worstExamples("2026-02_b", limit: 5).map(\.content)
                == [ExampleTexts(texts: [])])
        #expect(
            try database.falseNegatives("2026-02_b", limit: 5).map(\.negativeContent)
                == [ExampleTexts(texts: [])])
        #expect(RunTable.show(try database.details("2026-02_b")).contains("data set 5, row 7"))
    }

    @Test func theNewestActiveRun() throws {
        let error = try #require(throws: RunStoreError.self) { _ = try database.activeRun() }
        #expect(
            error.description == "\(folder.database): no run is being trained; the latest are "
                + "2026-02_b_3, 2026-02_b, 2026-01_a_2, 2026-01_a_1")
        for (index, id) in ["one", "two"].enumerated() {
            let clock = HandClock()
            clock.advance(Double(index))
            try SQLiteTracker(database: database, runID: id, now: { clock.now })
                .track(.started(Samples.info(id)))
        }
        #expect(try database.activeRun().id == "two")
        // A run of a process that is no more is none.
        try plain(folder.database) {
            try $0.execute(sql: "UPDATE runs SET pid = 0 WHERE id = 'two'")
        }
        #expect(try database.activeRun().id == "one")
    }

    @Test func lossCurves() throws {
        let runs = try database.runs(limit: 1)
        let whole = try database.lossCurves(of: runs, points: 100)
        #expect(whole.count == 1 && whole[0] == (1...20).map { 1 / Double($0) })
        let two = try database.lossCurves(of: runs, points: 2)[0]
        let halves = [whole[0][..<10], whole[0][10...]].map { $0.reduce(0, +) / 10 }
        #expect(zip(two, halves).allSatisfy { abs($0 - $1) < 1e-12 })
        // Steps may be missing, and losses no numbers.
        try plain(folder.database) { db in
            try db.execute(
                sql: """
                    DELETE FROM metrics WHERE run = '2026-02_b_3' AND step NOT IN (5, 7, 8);
                    UPDATE metrics SET loss = NULL WHERE step = 7;
                    UPDATE metrics SET loss = 9e999 WHERE step = 8;
                    """)
        }
        let rest = try database.lossCurves(of: runs, points: 100)[0]
        #expect(rest.count == 4 && rest[0] == 0.2 && rest[1...].allSatisfy(\.isNaN))
        try plain(folder.database) { try $0.execute(sql: "DELETE FROM metrics") }
        #expect(try database.lossCurves(of: runs, points: 1) == [[]])
    }

    @Test func aDatabaseForReadingIsNotWritten() throws {
        let reading = try RunDatabase(reading: folder.database)
        #expect(try reading.runs().count == 4)
        #expect(throws: FileError.self) { try reading.delete("2026-02_b_3") }
        #expect(try database.runs().count == 4)
        #expect(throws: FileError.self) { _ = try RunDatabase(reading: folder.path + "/none") }
    }
}

@Suite struct RunIDTests {
    private let noon = Date(timeIntervalSince1970: 1_795_455_901.25)

    @Test func looksAsDocumented() throws {
        let folder = try TemporaryFolder()
        let id = RunID.make(
            model: "moka-ai/m3e-small", dataset: "data/stsb.jsonl.gz#split=train", date: noon,
            in: folder.path)
        let pattern = /2026-11-2[34]_\d{6}_m3e-small_stsb_[0-9a-f]{4}/
        #expect(id.wholeMatch(of: pattern) != nil, "\(id)")
    }

    @Test(arguments: [
        ("moka-ai/m3e-small", "a/b.csv", "m3e-small_b"), ("/models/bert/", "x.tsv,y.tsv", "bert_x"),
        ("../..", "./", "model_data"), ("a b\tc\n;rm -rf", "数据 集.jsonl", "a-b-c-rm-rf_数据-集"),
        ("Runs/2026-11-23_184501_m3e-small_stsb_7f3a/model", ".hidden.txt", "m3e-small_hidden"),
        ("x/model", "name#split=dev", "x_name"), ("-x-", "a__b", "x_a__b"),
        ("caf\u{E9}\u{1B}[31m", "", "caf\u{E9}-31m_data"),
        (
            String(repeating: "m", count: 300), String(repeating: "数", count: 300),
            String(repeating: "m", count: 60) + "_" + String(repeating: "数", count: 20)
        ),
    ])
    func namesAreCleaned(model: String, dataset: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let id = RunID.make(model: model, dataset: dataset, date: noon, in: folder.path)
        let parts = id.split(separator: "_", maxSplits: 2)
        #expect(parts[2].dropLast(5) == expected)
        try FileBytes.makeFolder(folder.path + "/" + id)
    }

    @Test func takenFoldersAreAvoided() throws {
        let folder = try TemporaryFolder()
        var seen: Set<String> = []
        for _ in 0..<300 {
            let id = RunID.make(model: "m", dataset: "d", date: noon, in: folder.path)
            #expect(seen.insert(id).inserted)
            try FileBytes.makeFolder(folder.path + "/" + id)
        }
    }
}
