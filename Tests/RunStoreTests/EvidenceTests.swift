import Files
import GRDB
import Testing
import Tracking

@testable import RunStore

/// What trains, what it trains on, and what steps show of single rows.
@Suite struct EvidenceTests {
    private let folder: TemporaryFolder
    private let database: RunDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try RunDatabase(path: folder.database)
    }

    private func tracker(
        _ id: String = "a", resumedFromStep: Int = 0, weights: [WeightInfo] = [],
        limits: SQLiteTracker.Limits = .init()
    ) throws -> SQLiteTracker {
        let tracker = SQLiteTracker(database: database, runID: id, limits: limits)
        try tracker.track(
            .started(Samples.info(id, resumedFromStep: resumedFromStep, weights: weights)))
        return tracker
    }

    /// The rows of `sql` as text, columns joined by bars.
    private func ask(_ sql: String) throws -> [String] {
        try plain(folder.database) { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { String.fromDatabaseValue($0) ?? "\($0)" }
                    .joined(separator: "|")
            }
        }
    }

    @Test func rowsOfStepsAreRecorded() throws {
        let tracker = try tracker()
        try tracker.track(Samples.step(1))
        try tracker.track(
            .examples(
                step: 1, epoch: 1,
                [
                    ExampleEvidence(
                        dataset: 1, row: 7, loss: 2.5, similarity: 0.25, rank: 3,
                        closerNegatives: 2, closestNegative: 9, truncatedTokens: 4),
                    ExampleEvidence(dataset: 0, row: 3, loss: .nan, similarity: .nan),
                ]))
        try tracker.finish()
        #expect(
            try ask("SELECT * FROM evidence") == [
                "a|1|0|3|1|NULL|NULL|NULL|0|NULL|0", "a|1|1|7|1|2.5|0.25|3|2|9|4",
            ])
    }

    @Test func ofARowThatAnEpochShowsTwiceTheLastStays() throws {
        let tracker = try tracker()
        for step in 1...3 {
            try tracker.track(Samples.step(step))
            try tracker.track(
                Samples.examples(step, epoch: step == 3 ? 2 : 1, [(5, Double(step))]))
        }
        try tracker.track(Samples.step(4))
        // Within one step, too.
        try tracker.track(Samples.examples(4, epoch: 2, [(6, 1), (6, 2), (6, 3)]))
        try tracker.finish()
        #expect(
            try ask("SELECT epoch, row, step, loss FROM evidence")
                == ["1|5|2|2.0", "2|5|3|3.0", "2|6|4|3.0"])
    }

    @Test func aResumedRunReplacesWhatCameAfterItsCheckpoint() throws {
        do {
            let tracker = try tracker()
            try tracker.track(.data(Samples.rows()))
            for step in 1...4 {
                try tracker.track(Samples.step(step))
                try tracker.track(Samples.examples(step, [(step - 1, 1)]))
                try tracker.track(
                    .evaluation(
                        EvaluationMetrics(
                            phase: .step, epoch: 1, step: step, dataset: "test", rows: 3,
                            values: [("spearman", 0.5)],
                            gains: [
                                MetricGain(name: "spearman", difference: 0.1, low: -0.1, high: 0.3)
                            ])))
            }
            try tracker.finish()
        }
        let tracker = try tracker(resumedFromStep: 2)
        #expect(try ask("SELECT step FROM evidence") == ["1", "2"])
        #expect(try database.gains("a").map(\.step) == [1, 2])
        try tracker.track(.data(Samples.rows()))
        try tracker.track(Samples.step(3))
        try tracker.track(Samples.examples(3, [(2, 7)]))
        try tracker.finish()
        #expect(
            try ask("SELECT row, step, loss FROM evidence") == ["0|1|1.0", "1|2|1.0", "2|3|7.0"])
        #expect(try ask("SELECT * FROM run_datasets") == ["a|0|f1|pairs.jsonl"])
        #expect(try database.check("a").isEmpty)
    }

    @Test func gainsAndWeights() throws {
        let weights = [
            WeightInfo(
                name: "z.weight", shape: [4, 8], training: 0, learningRate: 0, weightDecay: 0),
            WeightInfo(
                name: "a.bias", shape: [8], training: 8, learningRate: 0.001, weightDecay: 0.01),
            WeightInfo(
                name: "scalar", shape: [], training: 1, learningRate: 1e-5, weightDecay: 0),
        ]
        let tracker = try tracker(weights: weights)
        let gain = MetricGain(name: "spearman", difference: 0.25, low: 0.125, high: .nan)
        try tracker.track(
            .evaluation(
                EvaluationMetrics(
                    phase: .after, epoch: 2, step: 20, dataset: "test", rows: 30,
                    values: [("spearman", 0.75)], gains: [gain])))
        try tracker.finish()
        #expect(
            try database.gains("a") == [
                GainRow(
                    step: 20, phase: "after", dataset: "test", name: "spearman", difference: 0.25,
                    low: 0.125, high: nil, confidence: 0.95)
            ])
        let rows = try database.weights("a")
        #expect(rows.map(\.name) == ["z.weight", "a.bias", "scalar"])
        #expect(rows.map(\.shape) == [[4, 8], [8], []] && rows.map(\.count) == [32, 8, 1])
        #expect(rows.map(\.training) == [0, 8, 1])
        #expect(rows.map(\.learningRate) == [0, 0.001, 1e-5])
        // A resumed run may train something else.
        _ = try self.tracker(resumedFromStep: 1, weights: [weights[1]])
        #expect(try database.weights("a").map(\.name) == ["a.bias"])
    }

    @Test func textsAreStoredOnceHoweverManyRunsUseThem() throws {
        let triplets = TrainingRows(
            dataset: 1, name: "triplets", fingerprint: "f2", recordKind: "triplet",
            columns: [["a"], ["b"], ["c\u{0301}"]])
        let scored = TrainingRows(
            dataset: 0, name: "scores", fingerprint: "f3", recordKind: "scored_pair",
            columns: [["s", ""], ["t", "u"]], labels: [0.5, .nan])
        for id in ["a", "b"] {
            let tracker = try tracker(id)
            try tracker.track(.data(id == "a" ? Samples.rows() : scored))
            try tracker.track(.data(triplets))
            try tracker.finish()
        }
        #expect(
            try ask("SELECT * FROM datasets ORDER BY fingerprint")
                == ["f1|pairs.jsonl|pair|4", "f2|triplets|triplet|1", "f3|scores|scored_pair|2"])
        #expect(
            try ask("SELECT * FROM examples WHERE fingerprint <> 'f1'")
                == ["f2|0|a|b|c\u{0301}|NULL", "f3|0|s|t|NULL|0.5", "f3|1||u|NULL|NULL"])
        #expect(
            try database.datasets("b") == [
                DatasetRow(
                    dataset: 0, name: "scores", fingerprint: "f3", recordKind: "scored_pair",
                    rows: 2, storedRows: 2),
                DatasetRow(
                    dataset: 1, name: "triplets", fingerprint: "f2", recordKind: "triplet",
                    rows: 1, storedRows: 1),
            ])
    }

    @Test func textsAreCompletedWhereAKilledProcessLeftOff() throws {
        // Several pieces of two megabytes.
        let long = String(repeating: "x", count: 9000)
        let rows = TrainingRows(
            dataset: 0, name: "long", fingerprint: "f", recordKind: "pair",
            columns: [(0..<600).map { "\($0) " + long }, (0..<600).map { "\($0)" }])
        do {
            let tracker = try tracker()
            try tracker.track(.data(rows))
            try tracker.finish()
        }
        let complete = try ask("SELECT COUNT(*), SUM(length(text1)), SUM(text2) FROM examples")
        #expect(complete.first?.hasPrefix("600|") == true)
        try plain(folder.database) { try $0.execute(sql: "DELETE FROM examples WHERE row >= 250") }
        #expect(try database.datasets("a").map(\.storedRows) == [250])
        let tracker = try tracker("b")
        try tracker.track(.data(rows))
        try tracker.finish()
        #expect(
            try ask("SELECT COUNT(*), SUM(length(text1)), SUM(text2) FROM examples") == complete)
    }

    @Test(arguments: [
        SQLiteTracker.Limits(textBytes: 79), SQLiteTracker.Limits(textRows: 4),
    ])
    func textsThatAreTooManyAreLeftOut(limits: SQLiteTracker.Limits) throws {
        let tracker = try tracker(limits: limits)
        // Five rows, 80 bytes.
        try tracker.track(.data(Samples.rows(5)))
        try tracker.track(.data(Samples.rows(4, fingerprint: "small", dataset: 1)))
        try tracker.track(Samples.step(1))
        try tracker.track(Samples.examples(1, [(2, 1)]))
        try tracker.finish()
        #expect(try database.datasets("a").map(\.storedRows) == [0, 4])
        let event = try #require(try database.events("a").last)
        #expect(event.level == "info")
        #expect(event.text.hasPrefix("the texts of pairs.jsonl are not recorded: 5 rows of 80 B"))
        #expect(try database.worstExamples("a", limit: 5).map(\.content.texts) == [[]])
    }

    @Test func evidenceHasALimit() throws {
        do {
            let tracker = try tracker(limits: .init(evidenceRows: 5))
            for step in 1...4 {
                try tracker.track(Samples.step(step))
                try tracker.track(Samples.examples(step, [(step * 2, 1), (step * 2 + 1, 1)]))
                try tracker.flush()
            }
            try tracker.finish()
        }
        #expect(try ask("SELECT row FROM evidence") == ["2", "3", "4", "5", "6"])
        #expect(try database.metrics("a").count == 4)
        let text =
            "what steps show of single rows is not recorded any more: the most are 5 rows"
        #expect(try database.events("a").filter { $0.text == text }.count == 1)
        // What a resumed run has counts.
        let tracker = try tracker(resumedFromStep: 2, limits: .init(evidenceRows: 5))
        try tracker.track(Samples.step(3))
        try tracker.track(Samples.examples(3, [(6, 1), (7, 1)]))
        try tracker.finish()
        #expect(try ask("SELECT row FROM evidence") == ["2", "3", "4", "5", "6"])
    }

    @Test func otherDataUnderTheSameFingerprintIsNotMixedIn() throws {
        do {
            let tracker = try tracker()
            try tracker.track(.data(Samples.rows()))
            try tracker.finish()
        }
        let tracker = try tracker("b")
        try tracker.track(.data(Samples.rows(9)))
        try tracker.track(Samples.step(1))
        try tracker.finish()
        #expect(try ask("SELECT COUNT(*) FROM examples") == ["4"])
        #expect(try database.datasets("b").isEmpty)
        #expect(try database.metrics("b").count == 1)
        let event = try #require(try database.events("b").last)
        #expect(event.level == "warning" && event.text.contains("other data of 4 rows"))
    }

    @Test func deletingARunDeletesItsDataUnlessAnotherUsesIt() throws {
        for id in ["a", "b"] {
            let tracker = try tracker(id)
            try tracker.track(.data(Samples.rows()))
            try tracker.track(.data(Samples.rows(2, fingerprint: "only-" + id, dataset: 1)))
            try tracker.track(Samples.step(1))
            try tracker.track(Samples.examples(1, [(0, 1)]))
            try tracker.track(.finished(status: .finished, seconds: 1, message: ""))
            try tracker.finish()
        }
        try database.delete("a")
        let tables = [
            "parameters", "metrics", "evaluations", "gains", "weights", "checkpoints", "events",
            "run_datasets", "evidence",
        ]
        for table in tables {
            #expect(try ask("SELECT DISTINCT run FROM \(table) WHERE run <> 'b'").isEmpty)
        }
        #expect(try ask("SELECT fingerprint FROM datasets ORDER BY 1") == ["f1", "only-b"])
        #expect(
            try ask("SELECT DISTINCT fingerprint FROM examples ORDER BY 1") == ["f1", "only-b"])
        // Also for those who delete with SQL, where foreign keys are on.
        try plain(folder.database) { try $0.execute(sql: "DELETE FROM runs") }
        for table in tables + ["datasets", "examples"] {
            #expect(try ask("SELECT * FROM \(table)").isEmpty)
        }
    }

    @Test func aStepWaitsForItsRows() throws {
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 1))
        try tracker.track(.started(Samples.info("a")))
        func written() throws -> [Int] {
            tracker.waitForQueue()
            return try database.metrics("a").map(\.step)
        }
        for step in 1...3 {
            try tracker.track(Samples.step(step))
            #expect(try written() == Array(1..<step))
            try tracker.track(Samples.examples(step, [(step, 1)]))
            #expect(try written() == Array(1...step))
        }
        // Where none come, none are waited for.
        try tracker.track(Samples.step(4))
        #expect(try written() == [1, 2, 3])
        for step in 5...7 {
            try tracker.track(Samples.step(step))
            #expect(try written() == Array(1...step))
        }
    }

    /// A reader never sees a step without its rows, or rows without their step.
    @Test func aStepAndItsRowsAreWrittenTogether() async throws {
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 1))
        try tracker.track(.started(Samples.info("a")))
        let path = folder.database
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for step in 1...300 {
                    try tracker.track(Samples.step(step))
                    try tracker.track(Samples.examples(step, [(step, 1), (step + 1000, 1)]))
                    if step % 7 == 0 {
                        try tracker.track(.message(level: .info, text: "between"))
                    }
                }
                try tracker.track(.finished(status: .finished, seconds: 1, message: ""))
                try tracker.finish()
            }
            group.addTask {
                let reader = try RunDatabase(reading: path)
                while try reader.run("a").state == .running {
                    let counts = try reader.read { db in
                        try [
                            "SELECT 2 * COUNT(*) FROM metrics", "SELECT COUNT(*) FROM evidence",
                        ].map { try Int.fetchOne(db, sql: $0) }
                    }
                    #expect(counts[0] == counts[1])
                }
            }
            try await group.waitForAll()
        }
        #expect(try database.metrics("a").count == 300)
    }

    @Test(arguments: [0, 4, -1]) func dataThatDoesNotFitItselfIsABug(columns: Int) async {
        await #expect(processExitsWith: .failure) { [columns = columns as Int] in
            let folder = try TemporaryFolder()
            let database = try RunDatabase(path: folder.database)
            let tracker = SQLiteTracker(database: database, runID: "a")
            try tracker.track(.started(Samples.info("a")))
            try tracker.track(
                .data(
                    TrainingRows(
                        dataset: 0, name: "d", fingerprint: "f", recordKind: "pair",
                        columns: columns < 0
                            ? [["a"], ["b", "c"]] : Array(repeating: ["a"], count: columns))))
        }
    }
}
