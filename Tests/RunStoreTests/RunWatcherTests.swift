import Files
import GRDB
import Testing
import Tracking

@testable import RunStore

@Suite struct RunWatcherTests {
    private let folder: TemporaryFolder
    private let database: RunDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try RunDatabase(path: folder.database)
    }

    private func start(_ id: String = "a", resumedFromStep: Int = 0) throws -> SQLiteTracker {
        let tracker = SQLiteTracker(database: database, runID: id)
        try tracker.track(.started(Samples.info(id, resumedFromStep: resumedFromStep)))
        return tracker
    }

    private func masked(_ lines: [String]) -> [String] {
        lines.map { $0.replacing(/^\d{4}-\d\d-\d\d \d\d:\d\d/, with: "<time>") }
    }

    @Test func aRunIsFollowedToItsEnd() throws {
        #expect(throws: RunStoreError.self) { _ = try RunWatcher(database, run: nil) }
        let tracker = try start()
        try tracker.track(Samples.evaluation(.before, step: 0, spearman: 0.5))
        for step in 1...5 { try tracker.track(Samples.step(step)) }
        try tracker.flush()
        // Read-only, as the program does it.
        var watcher = try RunWatcher(RunDatabase(reading: folder.database), run: nil)
        #expect(watcher.run.id == "a" && watcher.losses.count == 5)
        #expect(watcher.stepSeconds == 2.5 && watcher.remainingSeconds == 7.5)
        #expect(watcher.lastEvaluations.map(\.name) == ["pearson", "rows", "spearman"])
        #expect(try watcher.poll().isEmpty)
        for step in 6...10 { try tracker.track(Samples.step(step)) }
        try tracker.track(.epochFinished(epoch: 1, meanLoss: 0.25))
        // It comes later and sorts before.
        try tracker.track(Samples.evaluation(.epoch, step: 10, spearman: 0.625))
        try tracker.track(.message(level: .warning, text: "hot"))
        var change = try watcher.poll()
        #expect(change.hasSteps && !change.hasNewState)
        #expect(
            RunTable.lines(change, watcher) == [
                "Epoch 1/2 - loss: 0.2000:  50% 10/20 [00:05<00:05,  2.00it/s], step loss 0.1000, "
                    + "learning rate 0.0001",
                "epoch 1, step 10, test: pearson 0.3125, rows 30, spearman 0.6250",
                "epoch 1, step 10, train: loss 0.2500", "warning: hot",
            ])
        #expect(
            masked(RunTable.progress(watcher, columns: 79, style: .ascii)) == [
                "a  running  m3e-small  stsb.jsonl",
                "Epoch 1/2 - loss: 0.2000:  50%|########        | 10/20 "
                    + "[00:05<00:05,  2.00it/s]",
                "loss  1.0000 #~-...____ 0.1000",
                "step 10, loss 0.1000, learning rate 0.0001, gradient norm 1.5000, 32.0 rows/s,…",
                "epoch 1, step 10, test: pearson 0.3125, rows 30, spearman 0.6250",
                "epoch 1, step 10, train: loss 0.2500", "<time>  warning  hot",
            ])
        #expect(try watcher.poll().isEmpty)
        for step in 11...20 { try tracker.track(Samples.step(step)) }
        try tracker.track(Samples.evaluation(.after, step: 20, spearman: 0.75))
        try tracker.track(.finished(status: .finished, seconds: 10, message: ""))
        try tracker.finish()
        change = try watcher.poll()
        #expect(change.hasNewState && change.hasSteps && watcher.run.state == .finished)
        #expect(watcher.recent.count == 20 && watcher.remainingSeconds == 0)
        let json = RunTable.json(change, watcher)
        #expect(json["status"]?.string == "finished" && json["step"]?.int == 20)
        #expect(json["rows_per_second"]?.double == 32 && json["epoch"]?.int == 2)
        #expect(json["evaluations"]?.array?.count == 3 && json["events"]?.array?.count == 1)
        #expect(
            RunTable.outcome(watcher.run)
                == "a: finished, 20 of 20 steps, time 00:10, loss 0.1000, spearman 0.5000 -> 0.7500"
        )
        #expect(try watcher.poll().isEmpty)
    }

    @Test func aRunThatIsResumedWhileItIsWatched() throws {
        do {
            let tracker = try start()
            for step in 1...120 { try tracker.track(Samples.step(step)) }
            try tracker.finish()
        }
        var watcher = try RunWatcher(database, run: "a")
        #expect(watcher.losses.count == 120 && watcher.recent.count == 50)
        let tracker = try start(resumedFromStep: 10)
        for step in 11...15 { try tracker.track(Samples.step(step, loss: 3)) }
        try tracker.flush()
        let change = try watcher.poll()
        #expect(change.hasSteps && change.events.map(\.text) == ["resumed after step 10 of 20"])
        #expect(watcher.losses.count == 15 && watcher.losses[10...] == [3, 3, 3, 3, 3])
        #expect(watcher.stepSeconds == 7.5)
    }

    @Test func stepsThatAreRestoredCount() throws {
        let tracker = try start(resumedFromStep: 2)
        try tracker.track(Samples.step(3, loss: 3))
        try tracker.flush()
        var watcher = try RunWatcher(database, run: "a")
        #expect(watcher.losses == [3])
        let steps = (1...2).map {
            StepMetrics(
                step: $0, epoch: 1, loss: Double($0), meanLoss: 1, learningRate: 1, rows: 1,
                tokens: 1, seconds: 1)
        }
        try database.restore(steps: steps, evaluations: [], run: "a")
        #expect(try watcher.poll().hasSteps)
        #expect(watcher.losses == [1, 2, 3])
    }

    @Test func endsThatAreNotGood() throws {
        let tracker = try start()
        var watcher = try RunWatcher(database, run: "a")
        #expect(watcher.losses.isEmpty && watcher.remainingSeconds == nil)
        #expect(
            masked(RunTable.progress(watcher, columns: 60, style: .ascii)).last
                == "<time>  info  started: 20 steps")
        #expect(RunTable.lines(RunWatcher.Change(), watcher).isEmpty)
        // Its process dies: nothing is written, and yet it is seen.
        try plain(folder.database) { try $0.execute(sql: "UPDATE runs SET pid = 0") }
        let change = try watcher.poll()
        #expect(change.hasNewState && watcher.run.state == .crashed)
        let crash = RunStoreError.runDidNotFinish(id: "a", state: .crashed, message: "")
        #expect(crash.description == "a crashed: its process is gone")
        try tracker.track(.finished(status: .failed, seconds: 1, message: "no\nspace"))
        #expect(try watcher.poll().hasNewState)
        #expect(RunTable.outcome(watcher.run) == "a: failed, 0 of 20 steps, time 00:01, no space")
        try database.delete("a")
        #expect(throws: RunStoreError.self) { try watcher.poll() }
    }
}
