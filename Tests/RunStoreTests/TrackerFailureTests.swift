import Files
import GRDB
import Testing
import Tracking

@testable import RunStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Databases that cannot be written for a while, and processes that end.
@Suite struct TrackerFailureTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Nothing fits into the file any more, until ``makeRoom(_:)``.
    private func fill(_ database: RunDatabase) throws {
        try database.pool.writeWithoutTransaction { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
    }

    private func makeRoom(_ database: RunDatabase) throws {
        try database.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA max_page_count = 1000000")
        }
    }

    /// The failures of `body` for each of `steps`.
    private func failures(
        _ steps: ClosedRange<Int>, _ body: (Int) throws -> Void
    ) -> [String] {
        steps.compactMap { step in
            do {
                try body(step)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func aFullDiskIsToldOnceAndNothingIsLost() throws {
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 50))
        try tracker.track(.started(Samples.info("a")))
        try fill(database)
        let errors = failures(1...2000) { half in
            let step = (half + 1) / 2
            try tracker.track(
                half % 2 == 1
                    ? Samples.step(step)
                    : Samples.examples(step, (0..<10).map { (row: step * 10 + $0, loss: 1) }))
        }
        // It is thrown once, by this or the next flush.
        #expect(errors.count <= 1)
        let flush = try #require(throws: FileError.self) { try tracker.flush() }
        for error in errors + ["\(flush)"] {
            #expect(error == "\(folder.database): the disk is full; " + flush.remedy)
        }
        // What follows is kept without a word; an event is tried at once and is kept, too.
        #expect(failures(1001...1100) { try tracker.track(Samples.step($0)) }.isEmpty)
        #expect(
            failures(1...1) { _ in try tracker.track(.message(level: .info, text: "kept")) }.isEmpty
        )
        #expect(throws: FileError.self) { try tracker.flush() }
        let written = try database.metrics("a").count
        #expect(written < 1000)
        try makeRoom(database)
        try tracker.flush()
        #expect(try database.metrics("a").map(\.step) == Array(1...1100))
        #expect(try plain(folder.database) { try Int.fetchOne($0, sql: evidenceCount) } == 10_000)
        #expect(try database.events("a").map(\.text) == ["started: 20 steps", "kept"])
        // And it may fail again.
        try fill(database)
        for step in 1101...3000 { try? tracker.track(Samples.step(step)) }
        #expect(throws: FileError.self) { try tracker.finish() }
        try makeRoom(database)
        try tracker.finish()
        #expect(try database.metrics("a").count == 3000)
        #expect(try database.check("a").isEmpty)
    }

    private let evidenceCount = "SELECT COUNT(*) FROM evidence"

    @Test func whatIsHeldHasALimit() throws {
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 1),
            limits: SQLiteTracker.Limits(heldRows: 20))
        try tracker.track(.started(Samples.info("a")))
        try fill(database)
        try? tracker.track(.message(level: .info, text: "does not fit" + page))
        // Each two rows of evidence: the ten oldest go first, then the oldest steps.
        for step in 1...10 {
            try? tracker.track(Samples.step(step))
            try? tracker.track(Samples.examples(step, [(step, 1), (step + 100, 1)]))
        }
        for step in 11...25 { try? tracker.track(Samples.step(step)) }
        #expect(throws: FileError.self) { try tracker.flush() }
        try makeRoom(database)
        try tracker.finish()
        // One place is taken by the message.
        #expect(try database.metrics("a").map(\.step) == Array(7...25))
        #expect(try plain(folder.database) { try Int.fetchOne($0, sql: evidenceCount) } == 0)
        let event = try #require(try database.events("a").last)
        #expect(event.level == "warning")
        #expect(
            event.text.hasPrefix(
                "6 steps and what steps showed of 20 rows were not recorded: \(folder.database):"),
            "\(event.text)")
        #expect(try database.check("a") == ["steps 1 to 6 are missing"])
        try tracker.track(.message(level: .info, text: "said once"))
        #expect(try database.events("a").last?.text == "said once")
    }

    /// More than the free space of a page.
    private let page = String(repeating: "x", count: 8000)

    @Test func aLockHoldsUpNoStep() throws {
        let database = try RunDatabase(
            path: folder.database, createIfMissing: true, busySeconds: 0.05)
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 10))
        try tracker.track(.started(Samples.info("a")))
        let other = try DatabaseQueue(path: folder.database)
        var errors: [String] = []
        try other.inDatabase { db in
            try db.beginTransaction(.immediate)
            // A thread that waited for the lock would wait for itself.
            errors = failures(1...200) { half in
                let step = (half + 1) / 2
                try tracker.track(
                    half % 2 == 1 ? Samples.step(step) : Samples.examples(step, [(step, 1)]))
            }
            do {
                try tracker.track(.checkpoint(step: 100, path: "c", bytes: 1))
            } catch {
                errors.append("\(error)")
            }
            #expect(throws: FileError.self) { try tracker.flush() }
            try db.rollback()
        }
        #expect(errors.count == 1)
        #expect(errors.first?.contains("another process has locked the run database") == true)
        try tracker.flush()
        #expect(try database.metrics("a").count == 100)
        #expect(try database.checkpoints("a").map(\.step) == [100])
        #expect(try database.check("a").isEmpty)
    }

    @Test func theQueueHasALengthAtWhichTrainingWaits() throws {
        let database = try RunDatabase(path: folder.database)
        // A limit of nothing: every batch is waited for.
        let tracker = SQLiteTracker(
            database: database, runID: "a", batching: SQLiteTracker.Batching(steps: 3),
            limits: SQLiteTracker.Limits(heldRows: 0))
        try tracker.track(.started(Samples.info("a")))
        for step in 1...9 {
            try tracker.track(Samples.step(step))
            #expect(try database.metrics("a").count == step / 3 * 3)
        }
    }

    @Test func flushWritesAllAndNothingTwice() throws {
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        // Before the start there is nothing to write.
        try tracker.flush()
        try tracker.track(.started(Samples.info("a")))
        for step in 1...3 {
            try tracker.track(Samples.step(step))
            try tracker.track(Samples.examples(step, [(step, 1)]))
        }
        #expect(try database.metrics("a").isEmpty)
        try tracker.flush()
        #expect(try database.metrics("a").count == 3)
        let writes = try database.run("a").writes
        try tracker.flush()
        #expect(try database.run("a").writes == writes)
        try tracker.track(.message(level: .info, text: "x"))
        #expect(try database.run("a").writes == writes + 1)
        // Already there, but not yet proof against a power cut.
        try tracker.flush()
        #expect(try database.run("a").writes == writes + 2)
    }

    @Test func aCommitIsDurableWhileItIsFlushed() throws {
        let database = try RunDatabase(path: folder.database)
        func level() throws -> Int? {
            try database.pool.writeWithoutTransaction {
                try Int.fetchOne($0, sql: "PRAGMA synchronous")
            }
        }
        #expect(try level() == 1)
        var inside: Int?
        try database.writeDurably { inside = try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        #expect(inside == 2)
        #expect(try level() == 1)
        #expect(throws: FileError.self) {
            try database.writeDurably { try $0.execute(sql: "INSERT INTO nothing VALUES (1)") }
        }
        #expect(try level() == 1)
    }

    @Test(arguments: [0, 1, 2]) func aKilledProcessLosesAtMostABatch(attempt: Int) async throws {
        let path = folder.database
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, attempt = attempt as Int] in
            let tracker = SQLiteTracker(
                database: try RunDatabase(path: path), runID: "a",
                batching: SQLiteTracker.Batching(steps: 20, seconds: 1000))
            try tracker.track(.started(Samples.info("a")))
            try tracker.track(.data(Samples.rows(3000)))
            for step in 1...1000 {
                try tracker.track(Samples.step(step))
                try tracker.track(
                    Samples.examples(step, (0..<8).map { (row: (step * 8 + $0) % 3000, loss: 1) }))
                if step == 500 { try tracker.flush() }
                if step == 700 + 53 * attempt { _ = kill(getpid(), SIGKILL) }
            }
        }
        let database = try RunDatabase(path: path)
        #expect(try database.run("a").state == .crashed)
        let steps = try database.metrics("a").map(\.step)
        #expect(steps == Array(1...max(500, steps.count)))
        #expect(steps.count % 20 == 0 || steps.count == 500)
        #expect(try database.check("a").isEmpty)
        // It goes on as if nothing had been.
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a", resumedFromStep: 500)))
        try tracker.track(.data(Samples.rows(3000)))
        for step in 501...1000 { try tracker.track(Samples.step(step)) }
        try tracker.finish()
        #expect(try database.metrics("a").map(\.step) == Array(1...1000))
        #expect(try database.datasets("a").map(\.storedRows) == [3000])
        #expect(try database.check("a").isEmpty)
    }
}
