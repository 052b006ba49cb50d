internal import GRDB

extension RunDatabase {
    /// The data that a run trained on.
    public func datasets(_ reference: String) throws -> [DatasetRow] {
        try read { db in try datasets(db, try row(db, of: reference).id) }
    }

    /// The `limit` rows with the highest mean loss over the epochs of a run.
    public func worstExamples(_ reference: String, limit: Int) throws -> [ExampleSummary] {
        try read { db in try worstExamples(db, try row(db, of: reference).id, limit: limit) }
    }

    /// The `limit` rows that are closest to another row's text: those that met it most often first, then those that
    /// are closest to their own positive, too.
    public func falseNegatives(_ reference: String, limit: Int) throws -> [FalseNegative] {
        try read { db in try falseNegatives(db, try row(db, of: reference).id, limit: limit) }
    }

    func datasets(_ db: Database, _ id: String) throws -> [DatasetRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT dataset, run_datasets.name AS name, fingerprint, record_kind, rows,
                    (SELECT COALESCE(MAX(row) + 1, 0) FROM examples
                        WHERE fingerprint = run_datasets.fingerprint) AS stored_rows
                FROM run_datasets JOIN datasets USING (fingerprint)
                WHERE run = ? ORDER BY dataset
                """, arguments: [id]
        ).map { try DatasetRow($0) }
    }

    func worstExamples(_ db: Database, _ id: String, limit: Int) throws -> [ExampleSummary] {
        try Row.fetchAll(
            db,
            sql: """
                WITH worst AS (
                    SELECT dataset, row, COUNT(*) AS epochs, AVG(loss) AS mean_loss,
                        AVG(similarity) AS similarity
                    FROM evidence WHERE run = :run AND loss IS NOT NULL
                    GROUP BY dataset, row ORDER BY mean_loss DESC, dataset, row LIMIT :limit)
                SELECT worst.*, text1, text2, text3, label,
                    (SELECT loss FROM evidence
                        WHERE run = :run AND dataset = worst.dataset AND row = worst.row
                        ORDER BY epoch DESC LIMIT 1) AS last_loss
                FROM worst
                LEFT JOIN run_datasets ON run = :run AND run_datasets.dataset = worst.dataset
                LEFT JOIN examples
                    ON examples.fingerprint = run_datasets.fingerprint AND examples.row = worst.row
                ORDER BY mean_loss DESC, worst.dataset, worst.row
                """, arguments: ["run": id, "limit": limit]
        ).map { row in
            ExampleSummary(
                dataset: try row.decode(forColumn: "dataset"),
                row: try row.decode(forColumn: "row"),
                epochs: try row.decode(forColumn: "epochs"),
                meanLoss: try row.decode(forColumn: "mean_loss"),
                lastLoss: try row.decode(forColumn: "last_loss"),
                similarity: try row.decode(forColumn: "similarity"),
                content: try ExampleTexts(row))
        }
    }

    func falseNegatives(_ db: Database, _ id: String, limit: Int) throws -> [FalseNegative] {
        try Row.fetchAll(
            db,
            sql: """
                WITH suspects AS (
                    SELECT dataset, row, closest_negative AS negative, COUNT(*) AS epochs,
                        AVG(similarity) AS similarity
                    FROM evidence
                    WHERE run = :run AND closer_negatives > 0 AND closest_negative IS NOT NULL
                    GROUP BY dataset, row, closest_negative
                    ORDER BY epochs DESC, similarity DESC, dataset, row LIMIT :limit)
                SELECT suspects.*,
                    own.text1 AS text1, own.text2 AS text2, own.text3 AS text3, own.label AS label,
                    other.text1 AS other_text1, other.text2 AS other_text2,
                    other.text3 AS other_text3, other.label AS other_label
                FROM suspects
                LEFT JOIN run_datasets ON run = :run AND run_datasets.dataset = suspects.dataset
                LEFT JOIN examples AS own
                    ON own.fingerprint = run_datasets.fingerprint AND own.row = suspects.row
                LEFT JOIN examples AS other
                    ON other.fingerprint = run_datasets.fingerprint
                    AND other.row = suspects.negative
                ORDER BY epochs DESC, similarity DESC, suspects.dataset, suspects.row
                """, arguments: ["run": id, "limit": limit]
        ).map { row in
            FalseNegative(
                dataset: try row.decode(forColumn: "dataset"),
                row: try row.decode(forColumn: "row"),
                negative: try row.decode(forColumn: "negative"),
                epochs: try row.decode(forColumn: "epochs"),
                similarity: try row.decode(forColumn: "similarity"),
                content: try ExampleTexts(row),
                negativeContent: try ExampleTexts(row, prefix: "other_"))
        }
    }
}
