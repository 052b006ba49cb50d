internal import Files
internal import GRDB

extension RunDatabase {
    /// What is wrong with the database and with what it holds of a run: one line for each problem, none where all is
    /// well.
    ///
    /// Asks SQLite to check the whole file, which takes a while for a large one; then whether every step from the
    /// first to the last is there once, whether everything else belongs to a step that is there, and whether all rows
    /// belong to a run.
    public func check(_ reference: String) throws -> [String] {
        try read { db in
            let id = try row(db, of: reference).id
            return try fileProblems(db) + stepProblems(db, id) + strayProblems(db, id)
        }
    }

    private func fileProblems(_ db: Database) throws -> [String] {
        let answers = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
        let orphans = try Row.fetchAll(
            db,
            sql: """
                SELECT "table" AS name, parent, COUNT(*) AS rows FROM pragma_foreign_key_check
                GROUP BY name, parent ORDER BY name
                """)
        return answers.filter { $0 != "ok" }.map { "the file is damaged: \($0)" }
            + (try orphans.map { row in
                let (rows, name): (Int, String) = (
                    try row.decode(forColumn: "rows"), try row.decode(forColumn: "name")
                )
                let parent: String = try row.decode(forColumn: "parent")
                return "\(rows) rows of \(name) belong to nothing in \(parent)"
            })
    }

    private func stepProblems(_ db: Database, _ id: String) throws -> [String] {
        let gaps = try Row.fetchAll(
            db,
            sql: """
                SELECT previous + 1 AS first, step - 1 AS last FROM (
                    SELECT step, LAG(step, 1, 0) OVER (ORDER BY step) AS previous
                    FROM metrics WHERE run = ?)
                WHERE step > previous + 1 ORDER BY step LIMIT 20
                """, arguments: [id])
        let doubles = try Int.fetchAll(
            db,
            sql: """
                SELECT step FROM metrics WHERE run = ?
                GROUP BY step HAVING COUNT(*) > 1 ORDER BY step LIMIT 20
                """, arguments: [id])
        return try gaps.map { row in
            let (first, last): (Int, Int) = (
                try row.decode(forColumn: "first"), try row.decode(forColumn: "last")
            )
            return first == last
                ? "step \(first) is missing" : "steps \(first) to \(last) are missing"
        } + doubles.map { "step \($0) is there more than once" }
    }

    /// Checkpoints, evaluations and evidence of steps that are not there.
    private func strayProblems(_ db: Database, _ id: String) throws -> [String] {
        try ["checkpoints", "evaluations", "gains", "evidence"].flatMap { table in
            try Int.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT step FROM \(table)
                    WHERE run = :run AND step > 0
                        AND step NOT IN (SELECT step FROM metrics WHERE run = :run)
                    ORDER BY step LIMIT 20
                    """, arguments: ["run": id]
            ).map { "\(table) has rows of step \($0), which is not there" }
        }
    }
}
