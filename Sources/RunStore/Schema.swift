internal import GRDB

/// The tables, as named migrations. A migration that was ever released is never edited; changes are appended.
enum Schema {
    /// Marks the file as a run database (`PRAGMA application_id`): "unie".
    static let applicationID = 0x756E_6965

    enum State {
        case empty
        case current
        case older
        /// Made by a later version, with a migration that is unknown here.
        case newer(String)
        /// A database of something else.
        case foreign
    }

    static func state(of db: Database, _ migrator: DatabaseMigrator) throws -> State {
        let objects = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
        if objects == 0 { return .empty }
        let id = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let known = Set(migrator.migrations)
        if id != applicationID {
            // Another process may be between making its list of migrations and its first migration.
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            let isBeginning =
                try tables == ["grdb_migrations"]
                && migrator.appliedIdentifiers(db).isEmpty
            return isBeginning ? .empty : .foreign
        }
        let applied = try migrator.appliedIdentifiers(db)
        if let unknown = applied.subtracting(known).min() { return .newer(unknown) }
        return try migrator.hasCompletedMigrations(db) ? .current : .older
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 runs") { db in
            try db.execute(sql: firstTables)
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        }
        migrator.registerMigration("2 evidence", foreignKeyChecks: .immediate) { db in
            try db.execute(sql: secondTables)
        }
        return migrator
    }

    private static let firstTables = """
        CREATE TABLE runs (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            directory TEXT NOT NULL,
            model TEXT NOT NULL,
            dataset TEXT NOT NULL,
            record_kind TEXT NOT NULL,
            strategy TEXT NOT NULL,
            loss TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('running', 'finished', 'interrupted', 'failed', 'crashed')),
            message TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            seconds REAL NOT NULL,
            seed INTEGER NOT NULL,
            epochs INTEGER NOT NULL,
            batch_size INTEGER NOT NULL,
            learning_rate REAL NOT NULL,
            total_steps INTEGER NOT NULL,
            train_rows INTEGER NOT NULL,
            validation_rows INTEGER NOT NULL,
            test_rows INTEGER NOT NULL,
            parameters INTEGER NOT NULL,
            trainable INTEGER NOT NULL,
            threads INTEGER NOT NULL,
            device TEXT NOT NULL,
            saved_model TEXT,
            configuration TEXT NOT NULL,
            environment TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            process_start TEXT NOT NULL
        );

        CREATE INDEX runs_started_at ON runs (started_at);

        CREATE TABLE parameters (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run, name)
        ) WITHOUT ROWID;

        CREATE TABLE metrics (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            loss REAL,
            mean_loss REAL,
            learning_rate REAL NOT NULL,
            gradient_norm REAL,
            rows INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            truncated INTEGER NOT NULL,
            seconds REAL NOT NULL,
            PRIMARY KEY (run, step)
        ) WITHOUT ROWID;

        CREATE TABLE evaluations (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('before', 'epoch', 'after')),
            dataset TEXT NOT NULL,
            name TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            value REAL,
            PRIMARY KEY (run, step, phase, dataset, name)
        ) WITHOUT ROWID;

        CREATE TABLE checkpoints (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            path TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            written_at TEXT NOT NULL,
            PRIMARY KEY (run, step)
        ) WITHOUT ROWID;

        CREATE TABLE events (
            id INTEGER NOT NULL PRIMARY KEY,
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            time TEXT NOT NULL,
            level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
            text TEXT NOT NULL
        );

        CREATE INDEX events_run ON events (run, id);
        """
}
