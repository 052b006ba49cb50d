internal import GRDB
internal import Tracking

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Writes what a tracker was told into the database.
struct TrackerWriter: Sendable {
    let database: RunDatabase
    let run: String
    let limits: SQLiteTracker.Limits
    let now: @Sendable () -> Date

    private static let textBytesAtOnce = 2_000_000

    /// Enters the run, or takes it up again; `early` is what came before.
    func start(
        _ info: RunInfo, after early: [RunEvent], at time: Date
    ) throws -> EvidenceBudget {
        try database.write { db in
            try RunRecorder.settleCrashed(db, at: time, except: run)
            try RunRecorder.start(info, at: time, db)
            for event in early { try write(event, info.resumedFromStep, recorder(db, time)) }
            let rows = try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM evidence WHERE run = ?", arguments: [run])
            return EvidenceBudget(limit: limits.evidenceRows, count: rows ?? 0)
        }
    }

    /// Writes `entries` and `note`, a warning, in one transaction. `evidence` changes only where that succeeds.
    func write(
        _ entries: [TrackerInbox.Entry], _ evidence: inout EvidenceBudget, note: String?
    ) throws {
        var budget = evidence
        try database.write { db in
            var (steps, examples): ([StepMetrics], [StepEvidence]) = ([], [])
            func writeCollected() throws {
                try recorder(db, now()).insert(steps)
                try recorder(db, now()).insert(examples)
                (steps, examples) = ([], [])
            }
            for entry in entries {
                switch entry {
                case .step(let metrics): steps.append(metrics)
                case .evidence(let step): if let step = budget.take(step) { examples.append(step) }
                case .event(let event, let time, let lastStep):
                    try writeCollected()
                    try write(event, lastStep, recorder(db, time))
                }
            }
            try writeCollected()
            if let note { try recorder(db, now()).event(.warning, note) }
            if budget.isExceeded && !evidence.isExceeded {
                let text = "what steps show of single rows is not recorded any more: the most are"
                try recorder(db, now()).event(.info, "\(text) \(limits.evidenceRows) rows")
            }
            try recorder(db, now()).countWrite()
        }
        evidence = budget
    }

    /// Says what the run trains on and stores its texts, a piece a transaction.
    func write(_ rows: TrainingRows, at time: Date) throws {
        let bytes = rows.bytes
        let isSmall = bytes <= limits.textBytes && rows.count <= limits.textRows
        let isLinked = try database.write { db in
            guard try recorder(db, time).link(rows) else { return false }
            guard !isSmall else { return true }
            try recorder(db, time).event(
                .info,
                "the texts of \(rows.name) are not recorded: \(rows.count) rows of"
                    + " \(NumberText.bytes(bytes)) are more than \(limits.textRows) rows or"
                    + " \(NumberText.bytes(limits.textBytes))")
            return true
        }
        guard isSmall, isLinked else { return }
        var isMore = true
        while isMore {
            isMore = try database.write { db in
                try recorder(db, time).storeTexts(rows, bytes: TrackerWriter.textBytesAtOnce)
            }
        }
    }

    /// Makes all that was written proof against power cuts.
    func makeDurable() throws {
        // Something must be written for the log to be brought to disk.
        try database.writeDurably { try recorder($0, now()).countWrite() }
    }

    private func recorder(_ db: Database, _ time: Date) -> RunRecorder {
        RunRecorder(run: run, time: time, db: db)
    }

    private func write(_ event: RunEvent, _ lastStep: Int, _ recorder: RunRecorder) throws {
        switch event {
        case .started, .data: break
        case .step(let metrics): try recorder.insert([metrics])
        case .examples(let step, let epoch, let examples):
            try recorder.insert([StepEvidence(step: step, epoch: epoch, examples: examples)])
        case .epochFinished(let epoch, let meanLoss):
            try recorder.evaluation(.epoch, epoch, lastStep, "train", "loss", meanLoss)
        case .validation(let epoch, let step, let loss):
            try recorder.evaluation(.epoch, epoch, step, "validation", "loss", loss)
        case .evaluation(let metrics): try recorder.evaluation(metrics)
        case .checkpoint(let step, let path, let bytes):
            try recorder.checkpoint(step, path, bytes)
        case .modelSaved(let path): try recorder.modelSaved(path)
        case .message(let level, let text): try recorder.event(level, text)
        case .finished(let status, let seconds, let message):
            try recorder.finished(status, seconds, message)
        }
    }
}
