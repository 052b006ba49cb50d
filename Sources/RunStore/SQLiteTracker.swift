internal import Dispatch
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
/// Steps, and what they showed of single rows, are collected and handed to a background queue once there are
/// ``Batching/steps`` of them or ``Batching/seconds`` have passed; where every step has rows, they are written in one
/// transaction with it. So training does not wait for the disk, unless it makes steps faster than they can be written
/// for long, and a killed process loses at most that much. Any other event is in the database when ``track(_:)``
/// returns, with all that came before it, except the texts of training data, which are written behind training's back.
/// A run that is already in the database is continued: what was recorded after `RunInfo.resumedFromStep` is replaced.
///
/// Where the database cannot be written (a full disk, a lock that is held too long) that is thrown once, and what was
/// not written is kept up to ``Limits/heldRows``; it is written as soon as that works again, at the latest by a later
/// ``flush()``.
public final class SQLiteTracker: RunTracker {
    /// When collected steps are written.
    public struct Batching: Sendable {
        /// Write when there are this many.
        public var steps: Int
        /// Write at the next step once this many seconds have passed.
        public var seconds: Double

        /// Describes when to write.
        public init(steps: Int = 1000, seconds: Double = 2) {
            precondition(steps >= 1, "SQLiteTracker.Batching: \(steps) steps")
            self.steps = steps
            self.seconds = seconds
        }
    }

    /// How much is kept.
    public struct Limits: Sendable {
        /// Bytes of the texts of one data set; of a larger one only name and size are recorded.
        public var textBytes: Int
        /// Rows of one data set; as ``textBytes``.
        public var textRows: Int
        /// Rows of evidence that a run may have (about 80 bytes each); later ones are left out.
        public var evidenceRows: Int
        /// Steps and rows of evidence that are held in memory while the database cannot be written; then the oldest
        /// evidence is given up, then the oldest steps.
        public var heldRows: Int

        /// Describes limits. Traps where one is negative.
        public init(
            textBytes: Int = 64_000_000, textRows: Int = 1_000_000,
            evidenceRows: Int = 20_000_000, heldRows: Int = 1_000_000
        ) {
            let all = [textBytes, textRows, evidenceRows, heldRows]
            precondition(all.allSatisfy { $0 >= 0 }, "SQLiteTracker.Limits: \(all)")
            (self.textBytes, self.textRows) = (textBytes, textRows)
            (self.evidenceRows, self.heldRows) = (evidenceRows, heldRows)
        }
    }

    private struct State {
        var isStarted = false
        /// What came before the start; it belongs to a run that is not in the database yet.
        var early: [RunEvent] = []
        var inbox = TrackerInbox()
        var lastHandOver: Date
        var lastStep = 0
        /// Whether rows of ``lastStep`` are still to come, as far as the steps before tell.
        var awaitsExamples = true
        /// Why writing fails at present.
        var problem: (any Error)?
        var isProblemTold = false
        /// Whether something was written that a power cut could undo.
        var isVolatile = false
        /// What the run has of what may grow without bounds.
        var evidence = EvidenceBudget(limit: 0)
    }

    /// The identity of the run that is recorded.
    public let runID: String
    private let batching: Batching
    private let limits: Limits
    private let now: @Sendable () -> Date
    private let writer: TrackerWriter
    private let state: Mutex<State>
    /// All writing happens here, in order.
    private let queue = DispatchQueue(label: "uniem.runs.tracker", qos: .utility)

    /// What could not be written is kept and written later.
    public var canRecover: Bool { true }

    /// Records the run `runID` in `database`; `now` tells the time.
    public init(
        database: RunDatabase, runID: String, batching: Batching = Batching(),
        limits: Limits = Limits(), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.runID = runID
        self.batching = batching
        self.limits = limits
        self.now = now
        writer = TrackerWriter(database: database, run: runID, limits: limits, now: now)
        state = Mutex(State(lastHandOver: now()))
    }

    /// Records `event`; before the run has started it is held back.
    ///
    /// Throws a `FileError` where the database cannot be written, be it for this event or earlier ones. Traps where a
    /// run of another identity starts, and for training data whose columns do not fit each other.
    public func track(_ event: RunEvent) throws {
        if case .started(let info) = event { return try start(info) }
        let isDue = state.withLock { state in
            guard state.isStarted else {
                state.early.append(event)
                return false
            }
            return collect(event, &state)
        }
        if isDue { handOver(event) }
        try throwUntoldProblem()
    }

    /// Writes all that is held and makes it proof against power cuts; waits for that.
    ///
    /// Throws a `FileError` where it cannot be written; it is still held then.
    public func flush() throws {
        state.withLock { $0.inbox.handOverAll() }
        try queue.sync {
            do {
                try deliver()
            } catch {
                state.withLock { $0.isProblemTold = true }
                throw error
            }
            if state.withLock({ $0.isVolatile }) {
                try writer.makeDurable()
                state.withLock { $0.isVolatile = false }
            }
        }
    }

    /// Writes what is still held as ``flush()`` does, and brings all that was written into the one file of the
    /// database.
    public func finish() throws {
        try flush()
        try writer.database.checkpoint()
    }

    /// Waits until what was handed to the background is written or has failed.
    func waitForQueue() { queue.sync {} }

    // MARK: The caller's side

    private func start(_ info: RunInfo) throws {
        precondition(
            info.id == runID, "SQLiteTracker of run \(runID) was given the start of \(info.id)")
        let early = state.withLock { $0.early }
        let time = now()
        let evidence = try queue.sync { try writer.start(info, after: early, at: time) }
        state.withLock { state in
            state.early = []
            state.isStarted = true
            state.isVolatile = true
            state.lastStep = info.resumedFromStep
            state.awaitsExamples = true
            state.lastHandOver = time
            state.evidence = evidence
        }
    }

    /// Puts `event` into the inbox; whether it is time to write.
    private func collect(_ event: RunEvent, _ state: inout State) -> Bool {
        switch event {
        case .step(let metrics):
            // Where no rows came for the step before, none are waited for now.
            if state.inbox.isLastAStep { state.awaitsExamples = false }
            state.lastStep = metrics.step
            state.inbox.add(.step(metrics))
            return !state.awaitsExamples && isDue(state)
        case .examples(let step, let epoch, let examples):
            state.awaitsExamples = true
            state.inbox.add(
                .evidence(StepEvidence(step: step, epoch: epoch, examples: examples)))
            return isDue(state)
        case .data(let rows):
            rows.check()
            state.inbox.add(.event(event, time: now(), lastStep: state.lastStep))
            return true
        default:
            state.inbox.add(.event(event, time: now(), lastStep: state.lastStep))
            return true
        }
    }

    private func isDue(_ state: State) -> Bool {
        let waited = now().timeIntervalSince(state.lastHandOver)
        // A clock that was put back says nothing.
        return state.inbox.steps >= batching.steps || waited >= batching.seconds || waited < 0
    }

    private func handOver(_ event: RunEvent) {
        var mustWait = state.withLock { state in
            state.lastHandOver = now()
            state.inbox.handOverAll()
            if state.problem != nil { state.inbox.trim(to: limits.heldRows) }
            // Writing is slower than training: training waits rather than filling the memory.
            return state.problem == nil && state.inbox.waitingRows > limits.heldRows / 10
        }
        switch event {
        case .step, .examples, .data: break
        default: mustWait = true
        }
        // What goes wrong is in `problem`.
        if mustWait {
            queue.sync { try? deliver() }
        } else {
            queue.async { try? self.deliver() }
        }
    }

    private func throwUntoldProblem() throws {
        let untold = state.withLock { state -> (any Error)? in
            guard let problem = state.problem, !state.isProblemTold else { return nil }
            state.isProblemTold = true
            return problem
        }
        if let untold { throw untold }
    }

    // MARK: The queue's side

    /// Writes what was handed over, in order. What cannot be written stays first in line.
    private func deliver() throws {
        while let work = state.withLock({ $0.inbox.next() }) {
            do {
                try write(work)
            } catch {
                state.withLock { state in
                    state.inbox.takeBack(work)
                    state.inbox.trim(to: limits.heldRows)
                    state.problem = error
                }
                throw error
            }
            state.withLock { state in
                state.isVolatile = true
                state.problem = nil
                state.isProblemTold = false
            }
        }
    }

    private func write(_ work: TrackerInbox.Work) throws {
        switch work {
        case .data(let rows, let time): try writer.write(rows, at: time)
        case .entries(let entries):
            var evidence = state.withLock { $0.evidence }
            let (givenUp, problem) = state.withLock { ($0.inbox.givenUp, $0.problem) }
            var note: String?
            if !givenUp.isEmpty {
                note = "\(givenUp) were not recorded" + (problem.map { ": \($0)" } ?? "")
            }
            try writer.write(entries, &evidence, note: note)
            state.withLock { state in
                state.evidence = evidence
                state.inbox.givenUp.forget(givenUp)
            }
        }
    }
}
