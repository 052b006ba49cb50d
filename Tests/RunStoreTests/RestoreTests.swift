import Files
import GRDB
import Testing
import Tracking

@testable import RunStore

@Suite struct RestoreTests {
    private let folder: TemporaryFolder
    private let database: RunDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try RunDatabase(path: folder.database)
    }

    private func metrics(_ step: Int, loss: Double) -> StepMetrics {
        StepMetrics(
            step: step, epoch: 1, loss: loss, meanLoss: loss, learningRate: 0.1, rows: 1, tokens: 1,
            seconds: 1)
    }

    private func evaluation(_ step: Int, _ value: Double) -> EvaluationMetrics {
        EvaluationMetrics(
            phase: .step, epoch: 1, step: step, dataset: "test", rows: 3,
            values: [("spearman", value)],
            gains: [MetricGain(name: "spearman", difference: value, low: 0, high: 1)])
    }

    /// A run that was moved here: its folder knows ten steps, the database those from the eleventh on.
    @Test func whatIsMissingIsEnteredAndTheRestLeftAlone() throws {
        let tracker = SQLiteTracker(database: database, runID: "moved")
        try tracker.track(.started(Samples.info("moved", resumedFromStep: 10)))
        for step in 9...12 { try tracker.track(Samples.step(step, loss: 7)) }
        try tracker.track(.evaluation(evaluation(12, 0.5)))
        #expect(try database.check("moved") == ["steps 1 to 8 are missing"])
        let steps = (1...10).map { metrics($0, loss: 1) }
        let evaluations = [evaluation(5, 0.25), evaluation(12, 0.75)]
        let writes = try database.run("moved").writes
        #expect(
            try database.restore(steps: steps, evaluations: evaluations, run: "moved") == 8)
        #expect(
            try database.metrics("moved").map(\.loss)
                == Array(repeating: 1, count: 8) + Array(repeating: 7, count: 4))
        let values = try database.evaluations("moved").filter { $0.name == "spearman" }
        #expect(values.map(\.value) == [0.25, 0.5])
        #expect(try database.gains("moved").map(\.difference) == [0.25, 0.5])
        #expect(try database.run("moved").writes == writes + 1)
        #expect(try database.check("moved").isEmpty)
        #expect(try database.restore(steps: steps, evaluations: evaluations, run: "moved") == 0)
    }

    @Test func manyStepsAndNone() throws {
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a")))
        #expect(try database.restore(steps: [], evaluations: [], run: "a") == 0)
        let steps = (1...25_000).map { metrics($0, loss: $0 == 3 ? .nan : 1) }
        #expect(try database.restore(steps: steps, evaluations: [], run: "a") == 25_000)
        #expect(try database.metrics("a")[2].loss == nil)
        #expect(throws: RunStoreError.self) {
            try database.restore(steps: steps, evaluations: [], run: "unknown")
        }
    }

    @Test func whatIsWrongIsFound() throws {
        try Samples.record(Samples.info("a"), in: database)
        try Samples.record(Samples.info("b"), in: database)
        #expect(try database.check("a").isEmpty)
        try plain(folder.database) { db in
            try db.execute(
                sql: """
                    DELETE FROM metrics WHERE run = 'a' AND step IN (1, 4, 5, 6, 10, 20);
                    INSERT INTO evidence VALUES ('a', 1, 0, 3, 21, 1, 1, 1, 0, NULL, 0);
                    PRAGMA foreign_keys = OFF
                    """)
        }
        let problems = [
            "step 1 is missing", "steps 4 to 6 are missing", "step 10 is missing",
            "checkpoints has rows of step 10, which is not there",
            "checkpoints has rows of step 20, which is not there",
            "evaluations has rows of step 10, which is not there",
            "evaluations has rows of step 20, which is not there",
            "evidence has rows of step 21, which is not there",
        ]
        #expect(try database.check("a") == problems)
        #expect(try database.check("b").isEmpty)
        // As the sqlite3 program deletes, with foreign keys off.
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        try DatabaseQueue(path: folder.database, configuration: configuration).write {
            try $0.execute(sql: "DELETE FROM runs WHERE id = 'a'")
        }
        #expect(try database.check("b").contains("14 rows of metrics belong to nothing in runs"))
    }

    @Test func aDamagedFileIsFound() throws {
        let info = Samples.info("a")
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(info))
        for step in 1...2000 { try tracker.track(Samples.step(step)) }
        try tracker.track(.finished(status: .finished, seconds: 1, message: ""))
        try tracker.finish()
        try database.close()
        for suffix in ["-wal", "-shm"] { try FileBytes.remove(folder.database + suffix) }
        // The last page holds steps.
        var bytes = try FileBytes.read(folder.database)
        for index in (bytes.count - 3000)..<(bytes.count - 2000) { bytes[index] = 0 }
        try FileBytes.writeAtomically(bytes, to: folder.database)
        let damaged = try RunDatabase(reading: folder.database)
        do {
            #expect(try damaged.check("a").first?.hasPrefix("the file is damaged: ") == true)
        } catch let error as FileError {
            #expect(error.problem.hasPrefix("the run database is damaged: "))
        }
    }
}
