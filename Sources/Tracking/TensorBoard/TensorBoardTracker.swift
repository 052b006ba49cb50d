internal import Files
internal import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes a run as TensorBoard shows it: an event file in a folder that `tensorboard --logdir` is given.
///
/// - Scalars of each step: `train/loss`, `train/mean_loss`, `train/learning_rate`, `train/grad_norm` (where it was
///   computed), `train/tokens`, `train/tokens_per_second` (where the step took time), `train/truncated_texts` and
///   `train/epoch`; then `train/epoch_loss`, `validation/loss`, and each metric of an evaluation as `DATASET/METRIC`,
///   its gain as `DATASET/METRIC_gain` between `_gain_low` and `_gain_high`. They are rounded to float32, as all of
///   TensorBoard's; NaN and infinities are kept.
/// - Texts: `configuration` and `environment` as tables, and `messages`, where checkpoints and the end of the run are
///   named too.
/// - Hyper-parameters: the settings of the run, for the tab that compares runs. No experiment is declared, since
///   TensorBoard takes the one of any run for all; without one it finds the columns in all runs.
///
/// A run that goes on starts a new file in the same folder, and what earlier files hold after
/// ``RunInfo/resumedFromStep`` is void: TensorBoard drops it. Events of single rows are left out.
///
/// Steps and messages are held back until ``Batching`` says so or another event comes; at most that much is lost when
/// the process is killed. The file is brought to disk by ``finish()``.
public final class TensorBoardTracker: RunTracker {
    /// When steps and messages that are held back are written.
    public struct Batching: Sendable {
        /// Write when there are this many.
        public var events: Int
        /// Write at the next one once this many seconds have passed.
        public var seconds: Double

        /// Describes when to write. Traps unless `events` is at least 1 and `seconds` at least 0.
        public init(events: Int = 100, seconds: Double = 2) {
            precondition(events >= 1, "TensorBoardTracker.Batching: \(events) events")
            precondition(seconds >= 0, "TensorBoardTracker.Batching: \(seconds) seconds")
            self.events = events
            self.seconds = seconds
        }
    }

    /// Who writes; part of the name of an event file.
    public struct Origin: Sendable {
        /// The name of the machine.
        public var host: String
        /// The number of the process.
        public var pid: Int

        /// Describes who writes.
        public init(host: String, pid: Int) {
            self.host = host
            self.pid = pid
        }

        /// This process.
        public static var current: Origin {
            var bytes = [CChar](repeating: 0, count: 256)
            let isKnown = unsafe gethostname(&bytes, bytes.count - 1) == 0
            let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return Origin(
                host: isKnown ? String(decoding: name, as: UTF8.self) : "", pid: Int(getpid()))
        }
    }

    private struct State {
        var session: Session?
        /// What came before the start; there is no file for it yet.
        var early: [RunEvent] = []
        var failure: FileError?
    }

    /// The folder of the event files.
    public let folder: String
    private let batching: Batching
    private let origin: Origin
    private let now: @Sendable () -> Double
    private let state = Mutex(State())

    /// Writes to `folder`, which is made where there is none once the run starts; `now` tells the seconds since 1970.
    public init(
        folder: String, batching: Batching = Batching(), origin: Origin = .current,
        now: @escaping @Sendable () -> Double = { TensorBoardTracker.secondsSince1970 }
    ) {
        self.folder = folder
        self.batching = batching
        self.origin = origin
        self.now = now
    }

    /// The file that is being written; `nil` before the start and after the end.
    public var path: String? { state.withLock { $0.session?.path } }

    /// Writes `event`, or holds it back; before the run has started all are.
    ///
    /// Throws a `FileError` where the folder or the file cannot be written. A file that could not be written once is
    /// given up: every later event throws the same error.
    public func track(_ event: RunEvent) throws {
        try state.withLock { state throws(FileError) in
            if case .started(let info) = event { return try start(info, &state) }
            if let failure = state.failure { throw failure }
            guard state.session != nil else {
                state.early.append(event)
                return
            }
            try TensorBoardTracker.attempt(&state) { session throws(FileError) in
                let now = now()
                session.add(event, now: now)
                if session.isDue(event, batching, now: now) { try session.write(now: now) }
            }
        }
    }

    /// Writes what is held back.
    public func flush() throws {
        try state.withLock { state throws(FileError) in
            try TensorBoardTracker.attempt(&state) { session throws(FileError) in
                try session.write(now: now())
            }
        }
    }

    /// Writes what is held back, brings the file to disk and closes it.
    public func finish() throws {
        try state.withLock { state throws(FileError) in try end(&state) }
    }

    /// The system's clock.
    public static var secondsSince1970: Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Begins a file; where there is one of another run, or one that failed, it is left.
    private func start(_ info: RunInfo, _ state: inout State) throws(FileError) {
        try end(&state)
        state.failure = nil
        let now = now()
        var session = try Session(
            info, early: state.early, folder: folder, origin: origin, now: now)
        try session.write(now: now)
        state.session = session
        state.early = []
    }

    private func end(_ state: inout State) throws(FileError) {
        try TensorBoardTracker.attempt(&state) { session throws(FileError) in
            try session.close(now: now())
        }
        state.session = nil
    }

    /// Lets `body` change the session, if there is one; one that fails is given up.
    private static func attempt(
        _ state: inout State, _ body: (inout Session) throws(FileError) -> Void
    ) throws(FileError) {
        guard var session = state.session.take() else { return }
        do throws(FileError) {
            try body(&session)
            state.session = session
        } catch {
            state.failure = error
            throw error
        }
    }
}
