internal import GRDB
internal import Synchronization
public import Tracking

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Records a run in a ``RunDatabase``.
///
/// Steps are collected and written in one transaction once there are ``Batching/steps`` of them or
/// ``Batching/seconds`` have passed, and before any other event; so at most that much is lost when the process is
/// killed. A run that is already in the database is continued: what was recorded after
/// `RunInfo.resumedFromStep` is replaced.
public final class SQLiteTracker: RunTracker {
    /// When collected steps are written.
    public struct Batching: Sendable {
        /// Write when there are this many.
        public var steps: Int
        /// Write at the next step once this many seconds have passed.
        public var seconds: Double

        /// Describes when to write.
        public init(steps: Int = 100, seconds: Double = 2) {
            precondition(steps >= 1, "SQLiteTracker.Batching: \(steps) steps")
            self.steps = steps
            self.seconds = seconds
        }
    }

    private struct State {
        var isStarted = false
        /// What came before the start; it belongs to a run that is not in the database yet.
        var early: [RunEvent] = []
        var steps: [StepMetrics] = []
        var lastWrite: Date
        var lastStep = 0
    }

    /// The identity of the run that is recorded.
    public let runID: String
    private let database: RunDatabase
    private let batching: Batching
    private let now: @Sendable () -> Date
    private let state: Mutex<State>

    /// Records the run `runID` in `database`; `now` tells the time.
    public init(
        database: RunDatabase, runID: String, batching: Batching = Batching(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.database = database
        self.runID = runID
        self.batching = batching
        self.now = now
        state = Mutex(State(lastWrite: now()))
    }

    /// Records `event`; before the run has started it is held back.
    ///
    /// Throws a `FileError` where the database cannot be written. Traps where a run of another identity starts.
    public func track(_ event: RunEvent) throws {
        try state.withLock { state in
            if case .step(let metrics) = event, state.isStarted {
                state.steps.append(metrics)
                state.lastStep = metrics.step
                let waited = now().timeIntervalSince(state.lastWrite)
                if state.steps.count >= batching.steps || waited >= batching.seconds {
                    try flush(&state)
                }
                return
            }
            guard case .started(let info) = event else {
                guard state.isStarted else {
                    state.early.append(event)
                    return
                }
                let lastStep = state.lastStep
                try flush(&state) { db in try write(event, lastStep, db) }
                return
            }
            precondition(
                info.id == runID, "SQLiteTracker of run \(runID) was given the start of \(info.id)")
            let early = state.early
            state.lastStep = info.resumedFromStep
            try flush(&state) { db in
                try RunRecorder.settleCrashed(db, at: now(), except: runID)
                try RunRecorder.start(info, at: now(), db)
                for event in early { try write(event, info.resumedFromStep, db) }
            }
            state.early = []
            state.isStarted = true
        }
    }

    /// Writes the steps that are still held, and brings all that was written into the one file of the database.
    public func finish() throws {
        try state.withLock { state in
            try flush(&state)
            try database.checkpoint()
        }
    }

    private func flush(_ state: inout State) throws {
        if state.steps.isEmpty { return }
        try flush(&state) { _ in }
    }

    /// Writes the held steps and whatever `body` writes, in one transaction.
    private func flush(_ state: inout State, _ body: (Database) throws -> Void) throws {
        state.lastWrite = now()
        let steps = state.steps
        // They are given up even where writing fails: a tracker that failed gets no more events.
        state.steps = []
        try database.write { db in
            try RunRecorder.insert(steps, run: runID, db)
            try body(db)
        }
    }

    private func write(_ event: RunEvent, _ lastStep: Int, _ db: Database) throws {
        let writer = RunRecorder(run: runID, time: now(), db: db)
        switch event {
        case .started: break
        case .step(let metrics): try RunRecorder.insert([metrics], run: runID, db)
        case .epochFinished(let epoch, let meanLoss):
            try writer.evaluation(.epoch, epoch, lastStep, "train", "loss", meanLoss)
        case .validation(let epoch, let step, let loss):
            try writer.evaluation(.epoch, epoch, step, "validation", "loss", loss)
        case .evaluation(let metrics):
            let rows = [(name: "rows", value: Double(metrics.rows))]
            for (name, value) in rows + metrics.values {
                try writer.evaluation(
                    metrics.phase, metrics.epoch, metrics.step, metrics.dataset, name, value)
            }
        case .checkpoint(let step, let path, let bytes):
            try writer.checkpoint(step, path, bytes)
        case .modelSaved(let path): try writer.modelSaved(path)
        case .message(let level, let text): try writer.event(level, text)
        case .finished(let status, let seconds, let message):
            try writer.finished(status, seconds, message)
        }
    }
}
