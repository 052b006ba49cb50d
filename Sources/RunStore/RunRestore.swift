internal import GRDB
public import Tracking

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension RunDatabase {
    /// Enters steps and evaluations of a run that the database does not have: the run was moved here from another
    /// machine, or the database could not be written for a while. What is there stays as it is.
    ///
    /// Returns how many steps were entered. Throws a ``RunStoreError`` where the run itself is unknown: it is entered
    /// by the tracker when it starts.
    @discardableResult
    public func restore(
        steps: [StepMetrics], evaluations: [EvaluationMetrics], run reference: String
    ) throws -> Int {
        let id = try run(reference).id
        var entered = 0
        // A piece a transaction, so that other processes get their turn.
        for start in stride(from: 0, to: steps.count, by: 10_000) {
            let piece = steps[start..<min(start + 10_000, steps.count)]
            entered += try write { db in
                let before = db.totalChangesCount
                try RunRecorder(run: id, time: Date(), db: db).insert(Array(piece), isMissing: true)
                return db.totalChangesCount - before
            }
        }
        try write { db in
            let recorder = RunRecorder(run: id, time: Date(), db: db)
            for evaluation in evaluations { try recorder.evaluation(evaluation, isMissing: true) }
            try recorder.countWrite()
        }
        return entered
    }

    /// Notes that a run is finished whose process was killed between its last file and its last word here. Nothing
    /// happens to one that is noted as finished, or not known.
    public func settleFinished(_ id: String) throws {
        try write { db in
            let status = try String.fetchOne(
                db, sql: "SELECT status FROM runs WHERE id = ?", arguments: [id])
            guard let status, status != RunStatus.finished.rawValue else { return }
            let recorder = RunRecorder(run: id, time: Date(), db: db)
            try recorder.finished(.finished, 0, "")
            try recorder.countWrite()
        }
    }
}
