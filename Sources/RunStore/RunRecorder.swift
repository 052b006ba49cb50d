internal import Files
internal import GRDB
internal import Tracking

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The statements that write one run.
struct RunRecorder {
    var run: String
    var time: Date
    var db: Database

    /// Enters the run, or takes an existing one up again after `info.resumedFromStep` steps.
    static func start(_ info: RunInfo, at time: Date, _ db: Database) throws {
        let process = ProcessIdentity.current
        let isKnown =
            try Int.fetchOne(db, sql: "SELECT 1 FROM runs WHERE id = ?", arguments: [info.id])
            != nil
        try db.execute(
            sql: """
                INSERT INTO runs (
                    id, name, directory, model, dataset, record_kind, strategy, loss, status, message,
                    started_at, finished_at, seconds, seed, epochs, batch_size, learning_rate,
                    total_steps, train_rows, validation_rows, test_rows, parameters, trainable, threads,
                    device, saved_model, configuration, environment, host, pid, process_start
                ) VALUES (
                    :id, :name, :directory, :model, :dataset, :record_kind, :strategy, :loss, 'running', '',
                    :time, NULL, 0, :seed, :epochs, :batch_size, :learning_rate,
                    :total_steps, :train_rows, :validation_rows, :test_rows, :parameters, :trainable,
                    :threads, :device, NULL, :configuration, :environment, :host, :pid, :process_start
                ) ON CONFLICT (id) DO UPDATE SET
                    name = excluded.name, directory = excluded.directory, model = excluded.model,
                    dataset = excluded.dataset, record_kind = excluded.record_kind,
                    strategy = excluded.strategy, loss = excluded.loss, status = 'running',
                    message = '', finished_at = NULL, seed = excluded.seed,
                    epochs = excluded.epochs, batch_size = excluded.batch_size,
                    learning_rate = excluded.learning_rate, total_steps = excluded.total_steps,
                    train_rows = excluded.train_rows, validation_rows = excluded.validation_rows,
                    test_rows = excluded.test_rows, parameters = excluded.parameters,
                    trainable = excluded.trainable, threads = excluded.threads,
                    device = excluded.device, saved_model = NULL,
                    configuration = excluded.configuration, environment = excluded.environment,
                    host = excluded.host, pid = excluded.pid, process_start = excluded.process_start
                """,
            arguments: [
                "id": info.id, "name": info.name,
                "directory": FileBytes.absolute(info.directory), "model": info.model,
                "dataset": info.dataset, "record_kind": info.recordKind,
                "strategy": info.strategy, "loss": info.loss, "time": Timestamp.text(time),
                "seed": info.seed, "epochs": info.epochs, "batch_size": info.batchSize,
                "learning_rate": info.learningRate, "total_steps": info.totalSteps,
                "train_rows": info.trainRows, "validation_rows": info.validationRows,
                "test_rows": info.testRows, "parameters": info.parameters,
                "trainable": info.trainableParameters, "threads": info.threads,
                "device": info.device, "configuration": info.configuration.text(),
                "environment": info.environment.text(), "host": process.host,
                "pid": process.pid, "process_start": process.start,
            ])
        for table in ["metrics", "evaluations", "gains", "checkpoints", "evidence"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE run = ? AND step > ?",
                arguments: [info.id, info.resumedFromStep])
        }
        try db.execute(sql: "DELETE FROM parameters WHERE run = ?", arguments: [info.id])
        for (name, value) in FlatParameters.of(info) {
            try db.execute(
                sql: "INSERT OR REPLACE INTO parameters (run, name, value) VALUES (?, ?, ?)",
                arguments: [info.id, name, value])
        }
        try insert(info.weights, run: info.id, db)
        let text =
            isKnown
            ? "resumed after step \(info.resumedFromStep) of \(info.totalSteps)"
            : "started: \(info.totalSteps) steps"
        try RunRecorder(run: info.id, time: time, db: db).event(.info, text)
    }

    /// Marks the runs whose process died without a word.
    static func settleCrashed(_ db: Database, at time: Date, except run: String) throws {
        let rows = try Row.fetchAll(
            db,
            sql:
                "SELECT id, host, pid, process_start FROM runs WHERE status = 'running' AND id <> ?",
            arguments: [run])
        for row in rows {
            let process = ProcessIdentity(
                host: try row.decode(forColumn: "host"), pid: try row.decode(forColumn: "pid"),
                start: try row.decode(forColumn: "process_start"))
            guard process.isKnownDead else { continue }
            let id: String = try row.decode(forColumn: "id")
            try db.execute(
                sql: "UPDATE runs SET status = 'crashed', message = ? WHERE id = ?",
                arguments: ["the process \(process.pid) ended without a word", id])
            try RunRecorder(run: id, time: time, db: db)
                .event(.error, "found crashed: the process \(process.pid) is gone")
        }
    }

    private static func insert(_ weights: [WeightInfo], run: String, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM weights WHERE run = ?", arguments: [run])
        for weight in weights {
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO weights (
                        run, name, shape, count, training, learning_rate, weight_decay
                    ) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run, weight.name, JSON.array(weight.shape.map(JSON.int)).text(), weight.count,
                    weight.training, weight.learningRate, weight.weightDecay,
                ])
        }
    }

    /// Enters steps; `isMissing` leaves those that are there as they are.
    func insert(_ steps: [StepMetrics], isMissing: Bool = false) throws {
        if steps.isEmpty { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT \(isMissing ? "" : "OR REPLACE") INTO metrics (
                    run, step, epoch, loss, mean_loss, learning_rate, gradient_norm, rows, tokens,
                    truncated, seconds
                ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \(isMissing ? "ON CONFLICT DO NOTHING" : "")
                """)
        for step in steps {
            try statement.execute(arguments: [
                run, step.step, step.epoch, step.loss, step.meanLoss, step.learningRate,
                step.gradientNorm, step.rows, step.tokens, step.truncatedTexts, step.seconds,
            ])
        }
    }

    /// Enters an evaluation; `isMissing` leaves what is there as it is.
    func evaluation(_ metrics: EvaluationMetrics, isMissing: Bool = false) throws {
        let rows = [(name: "rows", value: Double(metrics.rows))]
        for (name, value) in rows + metrics.values {
            try evaluation(
                metrics.phase, metrics.epoch, metrics.step, metrics.dataset, name, value,
                isMissing: isMissing)
        }
        for gain in metrics.gains {
            try db.execute(
                sql: """
                    INSERT \(isMissing ? "" : "OR REPLACE") INTO gains (
                        run, step, phase, dataset, name, difference, low, high, confidence
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \(isMissing ? "ON CONFLICT DO NOTHING" : "")
                    """,
                arguments: [
                    run, metrics.step, metrics.phase.rawValue, metrics.dataset, gain.name,
                    gain.difference, gain.low, gain.high, gain.confidence,
                ])
        }
    }

    func evaluation(
        _ phase: EvaluationMetrics.Phase, _ epoch: Int, _ step: Int, _ dataset: String,
        _ name: String, _ value: Double, isMissing: Bool = false
    ) throws {
        try db.execute(
            sql: """
                INSERT \(isMissing ? "" : "OR REPLACE") INTO evaluations (
                    run, step, phase, dataset, name, epoch, value
                ) VALUES (?, ?, ?, ?, ?, ?, ?) \(isMissing ? "ON CONFLICT DO NOTHING" : "")
                """,
            arguments: [run, step, phase.rawValue, dataset, name, epoch, value])
    }

    /// Counts a transaction that recorded something.
    func countWrite() throws {
        try db.execute(sql: "UPDATE runs SET writes = writes + 1 WHERE id = ?", arguments: [run])
    }

    func checkpoint(_ step: Int, _ path: String, _ bytes: Int) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO checkpoints (run, step, path, bytes, written_at)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [run, step, path, bytes, Timestamp.text(time)])
    }

    func modelSaved(_ path: String) throws {
        try db.execute(
            sql: "UPDATE runs SET saved_model = ? WHERE id = ?",
            arguments: [FileBytes.absolute(path), run])
        try event(.info, "model saved: \(path)")
    }

    func event(_ level: MessageLevel, _ text: String) throws {
        try db.execute(
            sql: "INSERT INTO events (run, time, level, text) VALUES (?, ?, ?, ?)",
            arguments: [run, Timestamp.text(time), level.rawValue, text])
    }

    func finished(_ status: RunStatus, _ seconds: Double, _ message: String) throws {
        try db.execute(
            sql: """
                UPDATE runs SET status = ?, message = ?, finished_at = ?, seconds = seconds + ?
                WHERE id = ?
                """,
            arguments: [
                status.rawValue, message, Timestamp.text(time), seconds.isFinite ? seconds : 0, run,
            ])
        let level: MessageLevel = status == .failed ? .error : .info
        try event(level, message.isEmpty ? status.rawValue : "\(status.rawValue): \(message)")
    }
}
