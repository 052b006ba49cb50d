extension Schema {
    /// Evaluations within an epoch, gains, what trains, the rows of training data and what each showed.
    static let secondTables = """
        ALTER TABLE runs ADD COLUMN writes INTEGER NOT NULL DEFAULT 0;

        ALTER TABLE evaluations RENAME TO evaluations_1;

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

        INSERT INTO evaluations (run, step, phase, dataset, name, epoch, value)
            SELECT run, step, phase, dataset, name, epoch, value FROM evaluations_1;

        DROP TABLE evaluations_1;

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

        CREATE TABLE datasets (
            fingerprint TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            record_kind TEXT NOT NULL,
            rows INTEGER NOT NULL
        );

        CREATE TABLE examples (
            fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint) ON DELETE CASCADE,
            row INTEGER NOT NULL,
            text1 TEXT NOT NULL,
            text2 TEXT,
            text3 TEXT,
            label REAL,
            PRIMARY KEY (fingerprint, row)
        ) WITHOUT ROWID;

        CREATE TABLE run_datasets (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            dataset INTEGER NOT NULL,
            fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
            name TEXT NOT NULL,
            PRIMARY KEY (run, dataset)
        ) WITHOUT ROWID;

        CREATE INDEX run_datasets_fingerprint ON run_datasets (fingerprint);

        CREATE TRIGGER datasets_without_run AFTER DELETE ON run_datasets
        WHEN NOT EXISTS (SELECT 1 FROM run_datasets WHERE fingerprint = OLD.fingerprint)
        BEGIN
            DELETE FROM datasets WHERE fingerprint = OLD.fingerprint;
        END;

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
        """
}
