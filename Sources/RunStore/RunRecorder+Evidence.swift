internal import Files
internal import GRDB
internal import Tracking

/// What one step showed of the rows in its batch.
struct StepEvidence {
    var step: Int
    var epoch: Int
    var examples: [ExampleEvidence]
}

extension RunRecorder {
    /// Enters what steps showed; of a row that an epoch shows twice the last stays.
    func insert(_ evidence: [StepEvidence]) throws {
        if evidence.isEmpty { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO evidence (
                    run, epoch, dataset, row, step, loss, similarity, rank, closer_negatives,
                    closest_negative, truncated_tokens
                ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        // Neighbours in the table one after another. A row that comes twice keeps its order in time.
        let sorted = evidence.flatMap { step in
            step.examples.map { (epoch: step.epoch, step: step.step, example: $0) }
        }.sorted {
            ($0.epoch, $0.example.dataset, $0.example.row, $0.step)
                < ($1.epoch, $1.example.dataset, $1.example.row, $1.step)
        }
        for (epoch, step, example) in sorted {
            statement.setUncheckedArguments([
                run, epoch, example.dataset, example.row, step, example.loss, example.similarity,
                example.rank, example.closerNegatives, example.closestNegative,
                example.truncatedTokens,
            ])
            try statement.execute()
        }
    }

    /// Says that the run trains on `rows`, whose texts may be stored already or never.
    ///
    /// False, and a warning in the events, where other data is recorded under the same fingerprint.
    func link(_ rows: TrainingRows) throws -> Bool {
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO datasets (fingerprint, name, record_kind, rows)
                VALUES (?, ?, ?, ?)
                """,
            arguments: [rows.fingerprint, rows.name, rows.recordKind, rows.count])
        let known = try Int.fetchOne(
            db, sql: "SELECT rows FROM datasets WHERE fingerprint = ?",
            arguments: [rows.fingerprint])
        guard known == rows.count else {
            try event(
                .warning,
                "the texts of \(rows.name) are not recorded: the database has other data of"
                    + " \(known ?? 0) rows with their fingerprint \(rows.fingerprint)")
            return false
        }
        // Other data under this number goes first, and with it what no run uses any more.
        try db.execute(
            sql: "DELETE FROM run_datasets WHERE run = ? AND dataset = ? AND fingerprint <> ?",
            arguments: [run, rows.dataset, rows.fingerprint])
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO run_datasets (run, dataset, fingerprint, name)
                VALUES (?, ?, ?, ?)
                """,
            arguments: [run, rows.dataset, rows.fingerprint, rows.name])
        return true
    }

    /// Enters the texts of the next rows that are not there, about `bytes` of them; false where none were missing.
    ///
    /// Rows are entered from front to back, by whoever trains on them: those that are there are the first ones.
    func storeTexts(_ rows: TrainingRows, bytes: Int) throws -> Bool {
        let last = try Int.fetchOne(
            db, sql: "SELECT MAX(row) FROM examples WHERE fingerprint = ?",
            arguments: [rows.fingerprint])
        var row = (last ?? -1) + 1
        guard row < rows.count else { return false }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO examples (fingerprint, row, text1, text2, text3, label)
                VALUES (?, ?, ?, ?, ?, ?)
                """)
        func text(_ column: Int) -> String? {
            column < rows.columns.count ? rows.columns[column][row] : nil
        }
        var written = 0
        while row < rows.count, written < bytes {
            statement.setUncheckedArguments([
                rows.fingerprint, row, text(0), text(1), text(2), rows.labels?[row],
            ])
            try statement.execute()
            written += rows.columns.reduce(64) { $0 + $1[row].utf8.count }
            row += 1
        }
        return true
    }
}

extension TrainingRows {
    /// How many rows.
    var count: Int { columns.first?.count ?? 0 }

    /// The bytes of all texts.
    var bytes: Int {
        columns.reduce(0) { sum, column in column.reduce(sum) { $0 + $1.utf8.count } }
    }

    /// Traps where columns and labels do not fit each other.
    func check() {
        precondition(
            (1...3).contains(columns.count),
            "TrainingRows \(name): \(columns.count) columns, not 1...3")
        let counts = columns.map(\.count) + (labels.map { [$0.count] } ?? [])
        precondition(
            Set(counts).count == 1, "TrainingRows \(name): columns and labels of \(counts) rows")
    }
}
