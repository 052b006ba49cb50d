internal import Files
internal import GRDB

extension RunDatabase {
    /// The newest runs first; all of them without `limit`.
    public func runs(limit: Int? = nil) throws -> [RunRow] {
        try read { db in
            try Row.fetchAll(
                db, sql: RunDatabase.selectRuns + " ORDER BY started_at DESC, id DESC LIMIT ?",
                arguments: [limit ?? -1]
            ).map { try RunRow($0) }
        }
    }

    /// The run called `reference`: its identity, the unique beginning of one, or its folder.
    ///
    /// Throws a ``RunStoreError`` that lists what there is where none or several fit.
    public func run(_ reference: String) throws -> RunRow {
        try read { db in try row(db, of: reference) }
    }

    /// The newest run that is being trained, as far as is known.
    ///
    /// Throws ``RunStoreError/noRunIsActive(database:latest:)`` where there is none.
    public func activeRun() throws -> RunRow {
        try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: RunDatabase.selectRuns
                    + " WHERE status = 'running' ORDER BY started_at DESC, id DESC")
            while let row = try rows.next() {
                let run = try RunRow(row)
                if run.state == .running { return run }
            }
            throw RunStoreError.noRunIsActive(database: path, latest: try latestRuns(db))
        }
    }

    /// The steps of a run in order.
    public func metrics(_ reference: String) throws -> [MetricRow] {
        try read { db in try metrics(db, try row(db, of: reference).id) }
    }

    /// What was measured in a run, in order of steps.
    public func evaluations(_ reference: String) throws -> [EvaluationRow] {
        try read { db in try evaluations(db, try row(db, of: reference).id) }
    }

    /// The checkpoints of a run in order of steps.
    public func checkpoints(_ reference: String) throws -> [CheckpointRow] {
        try read { db in try checkpoints(db, try row(db, of: reference).id) }
    }

    /// What happened in a run, in order.
    public func events(_ reference: String) throws -> [EventRow] {
        try read { db in try events(db, try row(db, of: reference).id) }
    }

    /// The settings of a run, sorted by name.
    public func parameters(_ reference: String) throws -> [ParameterRow] {
        try read { db in try parameters(db, try row(db, of: reference).id) }
    }

    /// How much metrics of a run changed since before training, in order of steps.
    public func gains(_ reference: String) throws -> [GainRow] {
        try read { db in try gains(db, try row(db, of: reference).id) }
    }

    /// The parameters of a run's model, in the model's order.
    public func weights(_ reference: String) throws -> [WeightRow] {
        try read { db in try weights(db, try row(db, of: reference).id) }
    }

    /// All that is recorded of a run, at one moment, save for the evidence of single rows: of that the `examples`
    /// worst rows and false negatives.
    public func details(_ reference: String, examples: Int = 5) throws -> RunDetails {
        try read { db in
            let run = try row(db, of: reference)
            return RunDetails(
                run: run, parameters: try parameters(db, run.id), weights: try weights(db, run.id),
                metrics: try metrics(db, run.id), evaluations: try evaluations(db, run.id),
                gains: try gains(db, run.id), checkpoints: try checkpoints(db, run.id),
                events: try events(db, run.id), datasets: try datasets(db, run.id),
                worstExamples: try worstExamples(db, run.id, limit: examples),
                falseNegatives: try falseNegatives(db, run.id, limit: examples))
        }
    }

    /// The settings in which two runs differ, sorted by name.
    public func differences(_ first: String, _ second: String) throws -> [ParameterDifference] {
        try read { db in
            try differences(db, try row(db, of: first).id, try row(db, of: second).id)
        }
    }

    /// Removes a run from the database, with the texts that no other run was trained on, and returns what it was; its
    /// folder is left alone.
    ///
    /// Throws ``RunStoreError/runIsActive(id:pid:)`` where a living process of this host trains it, unless `force`.
    @discardableResult
    public func delete(_ reference: String, force: Bool = false) throws -> RunRow {
        try write { db in
            let run = try row(db, of: reference)
            guard force || run.state != .running else {
                throw RunStoreError.runIsActive(id: run.id, pid: run.pid)
            }
            try db.execute(sql: "DELETE FROM runs WHERE id = ?", arguments: [run.id])
            return run
        }
    }

    // MARK: Statements

    /// What was measured first by name where there are several data sets.
    private static func spearman(_ phase: String) -> String {
        """
        (SELECT value FROM evaluations
            WHERE run = runs.id AND phase = '\(phase)' AND name = 'spearman'
            ORDER BY dataset, step DESC LIMIT 1)
        """
    }

    static let phaseOrder =
        "CASE phase WHEN 'before' THEN 0 WHEN 'step' THEN 1 WHEN 'epoch' THEN 2 ELSE 3 END"

    private static let selectRuns = """
        SELECT *,
            (SELECT COALESCE(MAX(step), 0) FROM metrics WHERE run = runs.id) AS steps,
            (SELECT mean_loss FROM metrics WHERE run = runs.id ORDER BY step DESC LIMIT 1) AS last_loss,
            \(spearman("before")) AS spearman_before,
            \(spearman("after")) AS spearman_after
        FROM runs
        """

    func row(_ db: Database, of reference: String) throws -> RunRow {
        let selection = RunDatabase.selectRuns
        if let row = try Row.fetchOne(db, sql: selection + " WHERE id = ?", arguments: [reference])
        {
            return try RunRow(row)
        }
        if !reference.isEmpty,
            let row = try Row.fetchOne(
                db, sql: selection + " WHERE directory = ? ORDER BY started_at DESC LIMIT 1",
                arguments: [FileBytes.absolute(reference)])
        {
            return try RunRow(row)
        }
        let rows = try Row.fetchAll(
            db,
            sql: selection + " WHERE substr(id, 1, length(:name)) = :name ORDER BY id LIMIT 10",
            arguments: ["name": reference])
        if rows.count == 1, let row = rows.first, !reference.isEmpty { return try RunRow(row) }
        if rows.count > 1, !reference.isEmpty {
            throw RunStoreError.ambiguousRun(
                reference: reference, candidates: try rows.map { try $0.decode(forColumn: "id") })
        }
        throw RunStoreError.noSuchRun(
            reference: reference, database: path, latest: try latestRuns(db))
    }

    func latestRuns(_ db: Database) throws -> [String] {
        try String.fetchAll(
            db, sql: "SELECT id FROM runs ORDER BY started_at DESC, id DESC LIMIT 5")
    }

    func metrics(_ db: Database, _ id: String) throws -> [MetricRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM metrics WHERE run = ? ORDER BY step", arguments: [id]
        ).map { try MetricRow($0) }
    }

    func evaluations(_ db: Database, _ id: String) throws -> [EvaluationRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM evaluations WHERE run = ?
                ORDER BY step, \(RunDatabase.phaseOrder), dataset, name
                """, arguments: [id]
        ).map { try EvaluationRow($0) }
    }

    private func gains(_ db: Database, _ id: String) throws -> [GainRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM gains WHERE run = ?
                ORDER BY step, \(RunDatabase.phaseOrder), dataset, name
                """, arguments: [id]
        ).map { try GainRow($0) }
    }

    private func weights(_ db: Database, _ id: String) throws -> [WeightRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM weights WHERE run = ? ORDER BY rowid", arguments: [id]
        ).map { try WeightRow($0) }
    }

    private func checkpoints(_ db: Database, _ id: String) throws -> [CheckpointRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM checkpoints WHERE run = ? ORDER BY step", arguments: [id]
        ).map { try CheckpointRow($0) }
    }

    func events(_ db: Database, _ id: String) throws -> [EventRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM events WHERE run = ? ORDER BY id", arguments: [id]
        ).map { try EventRow($0) }
    }

    private func parameters(_ db: Database, _ id: String) throws -> [ParameterRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM parameters WHERE run = ? ORDER BY name", arguments: [id]
        ).map { try ParameterRow($0) }
    }

    func differences(_ db: Database, _ a: String, _ b: String) throws -> [ParameterDifference] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT name,
                    MAX(CASE WHEN run = :a THEN value END) AS a,
                    MAX(CASE WHEN run = :b THEN value END) AS b
                FROM parameters WHERE run IN (:a, :b)
                GROUP BY name HAVING a IS NOT b ORDER BY name
                """, arguments: ["a": a, "b": b]
        ).map {
            ParameterDifference(
                name: try $0.decode(forColumn: "name"), first: try $0.decode(forColumn: "a"),
                second: try $0.decode(forColumn: "b"))
        }
    }
}
