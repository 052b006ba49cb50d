/// Why a question to a run database has no answer.
public enum RunStoreError: Error, Equatable, CustomStringConvertible {
    /// Nothing goes by this name; `latest` are the newest runs there are.
    case noSuchRun(reference: String, database: String, latest: [String])
    /// Several runs begin so.
    case ambiguousRun(reference: String, candidates: [String])
    /// The run is being trained by a living process.
    case runIsActive(id: String, pid: Int)
    /// No run is being trained; `latest` are the newest runs there are.
    case noRunIsActive(database: String, latest: [String])
    /// A run that was watched ended in another way than by finishing.
    case runDidNotFinish(id: String, state: RunState, message: String)
    /// The database or what it holds of a run is not sound.
    case unsound(run: String, problems: [String])
    /// A column holds what was not written by this program.
    case damagedColumn(run: String, column: String, problem: String)

    /// One line: what was asked for, what there is, what to do.
    public var description: String {
        switch self {
        case .noSuchRun(let reference, let database, let latest):
            latest.isEmpty
                ? "\(database): no run '\(reference)'; the database holds no runs yet"
                : "\(database): no run '\(reference)'; the latest are \(latest.joined(separator: ", "))"
        case .ambiguousRun(let reference, let candidates):
            "'\(reference)' could be any of \(candidates.joined(separator: ", ")); give more of the name"
        case .runIsActive(let id, let pid):
            "\(id) is being trained by process \(pid); stop that first"
        case .noRunIsActive(let database, let latest):
            latest.isEmpty
                ? "\(database): no run is being trained; the database holds no runs yet"
                : "\(database): no run is being trained; the latest are \(latest.joined(separator: ", "))"
        case .runDidNotFinish(let id, let state, let message):
            "\(id) \(state == .crashed ? "crashed: its process is gone" : state.rawValue)"
                + (message.isEmpty ? "" : ": \(message)")
        case .unsound(let run, let problems):
            "run \(run): \(problems.joined(separator: "; "))"
        case .damagedColumn(let run, let column, let problem):
            "run \(run): column \(column) of the run database is damaged: \(problem)"
        }
    }
}
