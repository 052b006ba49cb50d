internal import Synchronization

/// Something that follows a run: a progress bar, a stream of JSON lines, a database.
///
/// Events come in order from one thread at a time.
public protocol RunTracker: AnyObject, Sendable {
    /// Takes notice of an event. Throws where it cannot be recorded.
    func track(_ event: RunEvent) throws
    /// Brings everything to its destination; no event follows. May be called again.
    func finish() throws
}

/// Hands every event to several trackers, so that a broken one cannot stop training.
///
/// Up to and including ``RunEvent/started(_:)`` a failure is thrown: a run that cannot be recorded should not begin.
/// After that a tracker that fails is reported once and left out from then on.
public final class TrackerGroup: RunTracker {
    private struct State {
        var trackers: [any RunTracker]
        var isStarted = false
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
            state.trackers.removeAll { tracker in !keeps(tracker) { try tracker.track(event) } }
        }
    }

    /// Finishes every tracker that still works; failures are reported, not thrown.
    public func finish() {
        state.withLock { state in
            state.trackers.removeAll { tracker in !keeps(tracker) { try tracker.finish() } }
        }
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

    /// Whether `body` succeeded for `tracker`; a failure is reported.
    private func keeps(_ tracker: any RunTracker, _ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            report("warning: \(type(of: tracker)) failed and is left out from now on: \(error)")
            return false
        }
    }
}

/// Writes one JSON object a line for every event, for programs that follow a run.
public final class JSONLinesTracker: RunTracker {
    private let sink: @Sendable (String) throws -> Void

    /// Writes to `sink`, which gets a whole line with its ending each time; by default standard output.
    public init(
        sink: @escaping @Sendable (String) throws -> Void = { try StandardStream.output.write($0) }
    ) {
        self.sink = sink
    }

    /// Writes `event`; throws what the sink throws.
    public func track(_ event: RunEvent) throws { try sink(event.json.compactText + "\n") }

    /// Does nothing: every line was written at once.
    public func finish() {}
}
