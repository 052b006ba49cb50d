/// Every column of every table, as users may rely on it.
enum GoldenSchema {
    /// As a new database of version 1 had it.
    static let first = """
        CREATE TABLE checkpoints (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            path TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            written_at TEXT NOT NULL,
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
        CREATE TABLE events (
            id INTEGER NOT NULL PRIMARY KEY,
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            time TEXT NOT NULL,
            level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
            text TEXT NOT NULL
        );
        CREATE INDEX events_run ON events (run, id);
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
        CREATE TABLE parameters (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run, name)
        ) WITHOUT ROWID;
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

        """

    /// As a database of version 2 has it, made new or brought up to date.
    static let second = """
        CREATE TABLE checkpoints (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            path TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            written_at TEXT NOT NULL,
            PRIMARY KEY (run, step)
        ) WITHOUT ROWID;
        CREATE TABLE datasets (
            fingerprint TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            record_kind TEXT NOT NULL,
            rows INTEGER NOT NULL
        );
        CREATE TRIGGER datasets_without_run AFTER DELETE ON run_datasets
        WHEN NOT EXISTS (SELECT 1 FROM run_datasets WHERE fingerprint = OLD.fingerprint)
        BEGIN
            DELETE FROM datasets WHERE fingerprint = OLD.fingerprint;
        END;
        CREATE TABLE evaluations (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('before', 'step', 'epoch', 'after')),
            dataset TEXT NOT NULL,
            name TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            value REAL,
            PRIMARY KEY (run, step, phase, dataset, name)
        ) WITHOUT ROWID;
        CREATE TABLE events (
            id INTEGER NOT NULL PRIMARY KEY,
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            time TEXT NOT NULL,
            level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
            text TEXT NOT NULL
        );
        CREATE INDEX events_run ON events (run, id);
        CREATE TABLE evidence (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            epoch INTEGER NOT NULL,
            dataset INTEGER NOT NULL,
            row INTEGER NOT NULL,
            step INTEGER NOT NULL,
            loss REAL,
            similarity REAL,
            rank INTEGER,
            closer_negatives INTEGER NOT NULL,
            closest_negative INTEGER,
            truncated_tokens INTEGER NOT NULL,
            PRIMARY KEY (run, epoch, dataset, row)
        ) WITHOUT ROWID;
        CREATE TABLE examples (
            fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint) ON DELETE CASCADE,
            row INTEGER NOT NULL,
            text1 TEXT NOT NULL,
            text2 TEXT,
            text3 TEXT,
            label REAL,
            PRIMARY KEY (fingerprint, row)
        ) WITHOUT ROWID;
        CREATE TABLE gains (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('before', 'step', 'epoch', 'after')),
            dataset TEXT NOT NULL,
            name TEXT NOT NULL,
            difference REAL,
            low REAL,
            high REAL,
            confidence REAL NOT NULL,
            PRIMARY KEY (run, step, phase, dataset, name)
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
        CREATE TABLE parameters (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run, name)
        ) WITHOUT ROWID;
        CREATE TABLE run_datasets (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            dataset INTEGER NOT NULL,
            fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
            name TEXT NOT NULL,
            PRIMARY KEY (run, dataset)
        ) WITHOUT ROWID;
        CREATE INDEX run_datasets_fingerprint ON run_datasets (fingerprint);
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
        , writes INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX runs_started_at ON runs (started_at);
        CREATE TABLE weights (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            shape TEXT NOT NULL,
            count INTEGER NOT NULL,
            training INTEGER NOT NULL,
            learning_rate REAL NOT NULL,
            weight_decay REAL NOT NULL,
            PRIMARY KEY (run, name)
        );

        """
}
