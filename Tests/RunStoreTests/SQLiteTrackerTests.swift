import Files
import GRDB
@testable import RunStore
import Testing
import Tracking

@Suite struct SQLiteTrackerTests {
    @Test func aRunIsRecorded() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let clock = HandClock()
        try Samples.record(Samples.info("a"), in: database, clock: clock)
        let details = try database.details("a")
        let run = details.run
        #expect(run.state == .finished)
        #expect(run.startedAt == "2026-11-23T17:45:01.250Z")
        #expect(run.finishedAt == "2026-11-23T17:45:11.250Z")
        #expect(run.seconds == 10)
        #expect((run.steps, run.totalSteps) == (20, 20))
        #expect(run.lastLoss == 0.1)
        #expect((run.spearmanBefore, run.spearmanAfter) == (0.5, 0.75))
        #expect(run.savedModel == "/nowhere/Runs/a/model")
        #expect(run.configuration["optimizer"]?["weight_decay"]?.double == 0.001)
        #expect(details.metrics.count == 20)
        #expect(
            details.metrics[3]
                == MetricRow(
                    step: 4, epoch: 1, loss: 0.25, meanLoss: 0.5, learningRate: 0.0001,
                    gradientNorm: 1.5, rows: 16, tokens: 400, truncatedTexts: 1, seconds: 0.5))
        #expect(details.metrics[2].gradientNorm == nil)
        #expect(
            details.evaluations.map {
                "\($0.step) \($0.phase) \($0.dataset) \($0.name) \($0.value ?? .nan)"
            }
                == [
                    "0 before test pearson 0.25", "0 before test rows 30.0",
                    "0 before test spearman 0.5", "10 epoch train loss 0.5",
                    "10 epoch validation loss 0.25", "20 epoch train loss 0.25",
                    "20 epoch validation loss 0.25", "20 after test pearson 0.375",
                    "20 after test rows 30.0", "20 after test spearman 0.75",
                ])
        #expect(details.checkpoints.map(\.step) == [10, 20])
        #expect(details.checkpoints[0].bytes == 1_234_567)
        #expect(
            details.events.map { "\($0.level) \($0.text)" } == [
                "info started: 20 steps", "warning column 'id' is ignored",
                "info model saved: /nowhere/Runs/a/model", "info finished",
            ])
        let settings = Dictionary(
            uniqueKeysWithValues: details.parameters.map { ($0.name, $0.value) })
        #expect(settings["optimizer.weight_decay"] == "0.001")
        #expect(settings["rename"] == "[\"a\", \"b\"]")
        #expect(settings["warmup"] == "null")
        #expect(settings["environment.cores"] == "2")
        #expect(settings["run.model"] == "moka-ai/m3e-small")
    }

    @Test func stepsAreWrittenInBatches() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let clock = HandClock()
        let tracker = SQLiteTracker(
            database: database, runID: "a",
            batching: SQLiteTracker.Batching(steps: 5, seconds: 2), now: { clock.now })
        func written() throws -> Int {
            tracker.waitForQueue()
            return try database.metrics("a").count
        }
        try tracker.track(.started(Samples.info("a")))
        for step in 1...4 { try tracker.track(Samples.step(step)) }
        #expect(try written() == 0)
        try tracker.track(Samples.step(5))
        #expect(try written() == 5)
        try tracker.track(Samples.step(6))
        clock.advance(2.5)
        #expect(try written() == 5)
        try tracker.track(Samples.step(7))
        #expect(try written() == 7)
        try tracker.track(Samples.step(8))
        try tracker.track(.message(level: .info, text: "x"))
        #expect(try written() == 8)
        try tracker.track(Samples.step(9))
        try tracker.finish()
        try tracker.finish()
        #expect(try written() == 9)
    }

    @Test func aResumedRunReplacesWhatCameAfterItsCheckpoint() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        do {
            let tracker = SQLiteTracker(database: database, runID: "a")
            try tracker.track(.started(Samples.info("a")))
            try tracker.track(Samples.evaluation(.before, step: 0, spearman: 0.5))
            for step in 1...15 { try tracker.track(Samples.step(step, loss: 1)) }
            try tracker.track(.checkpoint(step: 10, path: "c/10", bytes: 1))
            try tracker.track(.validation(epoch: 1, step: 10, loss: 1))
            try tracker.track(.checkpoint(step: 15, path: "c/15", bytes: 1))
            try tracker.track(.finished(status: .interrupted, seconds: 3, message: "asked to"))
        }
        #expect(try database.run("a").state == .interrupted)
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a", resumedFromStep: 10)))
        #expect(try database.metrics("a").map(\.step) == Array(1...10))
        #expect(try database.checkpoints("a").map(\.step) == [10])
        #expect(try database.run("a").state == .running)
        #expect(try database.run("a").finishedAt == nil)
        // A step that is recorded twice is the later one.
        for step in 10...12 { try tracker.track(Samples.step(step, loss: 2)) }
        try tracker.track(.finished(status: .failed, seconds: 4, message: "no space"))
        let details = try database.details("a")
        #expect(details.metrics.map(\.step) == Array(1...12))
        #expect(details.metrics.map(\.loss) == Array(repeating: 1, count: 9) + [2, 2, 2])
        #expect(details.evaluations.count == 4)
        #expect((details.run.seconds, details.run.message) == (7, "no space"))
        #expect(details.events.map(\.text).contains("resumed after step 10 of 20"))
    }

    @Test func lossesThatAreNoNumbers() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a")))
        try tracker.track(Samples.step(1, loss: .nan))
        try tracker.track(Samples.step(2, loss: .infinity))
        try tracker.track(.validation(epoch: 1, step: 2, loss: .nan))
        #expect(try database.metrics("a").map(\.loss) == [nil, .infinity])
        #expect(try database.evaluations("a").map(\.value) == [nil])
        _ = RunTable.show(try database.details("a"))
        #expect(try database.details("a").json.text().contains("\"loss\": null"))
    }

    @Test func namesAreKeptByteByByte() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        let keys: JSON = ["caf\u{E9}": 1, "cafe\u{301}": 2, "a\0b": 3, "q'; DROP TABLE runs": 4]
        try tracker.track(.started(Samples.info("a", configuration: keys)))
        let names = try database.parameters("a").map(\.name).filter { $0.hasPrefix("caf") }
        #expect(names.map { Array($0.utf8) }.count == 2)
        #expect(try database.runs().count == 1)
    }

    @Test func anotherRunsStartIsABug() async {
        await #expect(processExitsWith: .failure) {
            let folder = try TemporaryFolder()
            let database = try RunDatabase(path: folder.database)
            try SQLiteTracker(database: database, runID: "a").track(.started(Samples.info("b")))
        }
    }

    @Test func manyStepsAreWrittenInFewTransactions() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a")))
        for step in 1...5000 { try tracker.track(Samples.step(step)) }
        try tracker.finish()
        #expect(try database.metrics("a").count == 5000)
    }
}
