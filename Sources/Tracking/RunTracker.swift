internal import Synchronization

/// Something that follows a run: a progress bar, a stream of JSON lines, a database.
///
/// Events come in order from one thread at a time.
public protocol RunTracker: AnyObject, Sendable {
    /// Takes notice of an event. Throws where it cannot be recorded.
    func track(_ event: RunEvent) throws
    /// Brings what is held back to its destination: a checkpoint is about to be written, and what was tracked so far
    /// will not be tracked again after a crash.
    func flush() throws
    /// Brings everything to its destination; no event follows. May be called again.
    func finish() throws
    /// Whether a failure may pass, as of a full disk: then the tracker keeps what it could not record and gets further
    /// events.
    var canRecover: Bool { get }
}

extension RunTracker {
    /// Does nothing: for trackers that hold nothing back.
    public func flush() throws {}
    /// A tracker that failed once is left out.
    public var canRecover: Bool { false }
}

/// Hands every event to several trackers, so that a broken one cannot stop training.
///
/// Up to and including ``RunEvent/started(_:)`` a failure is thrown: a run that cannot be recorded should not begin.
/// After that a tracker that fails is reported once; unless it can recover it is left out from then on.
public final class TrackerGroup: RunTracker {
    private struct State {
        var trackers: [any RunTracker]
        var isStarted = false
        /// Those that were reported, and stay.
        var failed: Set<ObjectIdentifier> = []
    }

    private let state: Mutex<State>
    private let report: @Sendable (String) -> Void

    /// Groups `trackers`, served in this order; `report` gets one line for each that fails after the start (by
    /// default written to standard error). A tracker must not call back into its group.
    public init(
        _ trackers: [any RunTracker],
        report: @escaping @Sendable (String) -> Void = { StandardStream.error.writeLine($0) }
    ) {
        state = Mutex(State(trackers: trackers))
        self.report = report
    }

    /// The trackers that still work.
    public var activeTrackers: [any RunTracker] { state.withLock { $0.trackers } }

    /// Hands `event` to every tracker that still works.
    ///
    /// Throws the first failure up to the start of the run; the trackers that had started by then are told that the
    /// run failed.
    public func track(_ event: RunEvent) throws {
        var isStart = false
        if case .started = event { isStart = true }
        try state.withLock { state in
            guard state.isStarted else {
                try TrackerGroup.start(state.trackers, with: event, isStart: isStart)
                if isStart { state.isStarted = true }
                return
            }
            remove(&state) { try $0.track(event) }
        }
    }

    /// Flushes every tracker that still works; failures are reported, not thrown.
    public func flush() {
        state.withLock { state in remove(&state) { try $0.flush() } }
    }

    /// Finishes every tracker that still works; failures are reported, not thrown.
    public func finish() {
        state.withLock { state in remove(&state) { try $0.finish() } }
    }

    private static func start(
        _ trackers: [any RunTracker], with event: RunEvent, isStart: Bool
    ) throws {
        for (index, tracker) in trackers.enumerated() {
            do {
                try tracker.track(event)
            } catch {
                guard isStart else { throw error }
                // What the others have begun must not look like a run that goes on.
                let end = RunEvent.finished(status: .failed, seconds: 0, message: "\(error)")
                for started in trackers[..<index] {
                    try? started.track(end)
                    try? started.finish()
                }
                throw error
            }
        }
    }

    /// Runs `body` for each tracker; a first failure is reported, and who cannot recover is removed.
    private func remove(_ state: inout State, _ body: (any RunTracker) throws -> Void) {
        var kept: [any RunTracker] = []
        for tracker in state.trackers {
            do {
                try body(tracker)
            } catch {
                let isNew = state.failed.insert(ObjectIdentifier(tracker)).inserted
                let fate =
                    tracker.canRecover
                    ? "tries again with what follows"
                    : "is left out from now on"
                if isNew { report("warning: \(type(of: tracker)) failed and \(fate): \(error)") }
                guard tracker.canRecover else { continue }
            }
            kept.append(tracker)
        }
        state.trackers = kept
    }
}

/// Writes one JSON object a line for every event but those of single rows, for programs that follow a run.
public final class JSONLinesTracker: RunTracker {
    private let sink: @Sendable (String) throws -> Void

    /// Writes to `sink`, which gets a whole line with its ending each time; by default standard output.
    public init(
        sink: @escaping @Sendable (String) throws -> Void = { try StandardStream.output.write($0) }
    ) {
        self.sink = sink
    }

    /// Writes `event`, unless it is of single rows of the data; throws what the sink throws.
    public func track(_ event: RunEvent) throws {
        switch event {
        case .data, .examples: break
        default: try sink(event.json.compactText + "\n")
        }
    }

    /// Does nothing: every line was written at once.
    public func finish() {}
}
