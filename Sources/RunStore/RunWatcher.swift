internal import GRDB
internal import Tracking

/// Follows one run that this or another process trains, by asking the database again and again.
public struct RunWatcher {
    /// What changed since the last look.
    public struct Change: Sendable {
        /// Whether steps were made.
        public var hasSteps = false
        /// What was measured.
        public var evaluations: [EvaluationRow] = []
        /// What happened.
        public var events: [EventRow] = []
        /// Whether the run started, ended or crashed.
        public var hasNewState = false

        /// A change of nothing but, maybe, steps.
        public init(hasSteps: Bool = false) { self.hasSteps = hasSteps }

        /// Whether nothing changed.
        public var isEmpty: Bool {
            !hasSteps && evaluations.isEmpty && events.isEmpty && !hasNewState
        }
    }

    private static let recentSteps = 50

    private let database: RunDatabase
    /// The run as of the last look.
    public private(set) var run: RunRow
    /// Its last steps, up to fifty.
    public private(set) var recent: [MetricRow] = []
    /// The losses of all steps; NaN where one was no number.
    public private(set) var losses: [Double] = []
    /// The time that all steps took.
    public private(set) var stepSeconds = 0.0
    /// What was measured last: all numbers of one moment.
    public private(set) var lastEvaluations: [EvaluationRow] = []
    /// The last event.
    public private(set) var lastEvent: EventRow?
    private var seen = Seen()

    private struct Seen {
        var firstStep: Int?
        var lastStep = 0
        var evaluations: Set<String> = []
        var events = 0
    }

    /// Looks at the run called `reference` for the first time; at the newest run that is being trained where it is
    /// `nil`.
    ///
    /// Throws a ``RunStoreError`` where there is no such run.
    public init(_ database: RunDatabase, run reference: String?) throws {
        self.database = database
        run = try reference.map { try database.run($0) } ?? database.activeRun()
        _ = try look()
    }

    /// Looks again.
    public mutating func poll() throws -> Change {
        let (writes, state) = (run.writes, run.state)
        run = try database.run(run.id)
        guard run.writes != writes || run.state != state else { return Change() }
        var change = try look()
        change.hasNewState = run.state != state
        return change
    }

    private mutating func look() throws -> Change {
        var change = Change()
        let (id, last) = (run.id, seen.lastStep)
        try database.read { db in
            let ends = try Row.fetchOne(
                db, sql: "SELECT MIN(step) AS first, MAX(step) AS last FROM metrics WHERE run = ?",
                arguments: [id])
            let first: Int? = try ends?.decode(forColumn: "first")
            let newest: Int = try ends?.decode(forColumn: "last") ?? 0
            // A resumed run has made steps void; a moved one got earlier ones back.
            let isAnew = newest < last || (last > 0 && first != seen.firstStep)
            if isAnew { (recent, losses, stepSeconds, seen.lastStep) = ([], [], 0, 0) }
            seen.firstStep = first
            let rows = try Row.fetchCursor(
                db, sql: "SELECT * FROM metrics WHERE run = ? AND step > ? ORDER BY step",
                arguments: [id, seen.lastStep])
            while let row = try rows.next() {
                let metrics = try MetricRow(row)
                change.hasSteps = true
                seen.lastStep = metrics.step
                losses.append(metrics.loss ?? .nan)
                stepSeconds += metrics.seconds
                recent.append(metrics)
                if recent.count > 2 * RunWatcher.recentSteps {
                    recent.removeFirst(recent.count - RunWatcher.recentSteps)
                }
            }
            recent.removeFirst(max(0, recent.count - RunWatcher.recentSteps))
            let evaluations = try database.evaluations(db, id)
            change.evaluations = evaluations.filter { row in
                seen.evaluations.insert("\(row.step) \(row.phase) \(row.dataset) \(row.name)")
                    .inserted
            }
            lastEvaluations = evaluations.filter {
                ($0.step, $0.phase) == (evaluations.last?.step ?? 0, evaluations.last?.phase ?? "")
            }
            let events = try database.events(db, id)
            if events.count > seen.events { change.events = Array(events[seen.events...]) }
            seen.events = events.count
            lastEvent = events.last
        }
        return change
    }
}
