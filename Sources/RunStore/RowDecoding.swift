internal import Files
internal import GRDB

// Columns are decoded with `decode`, which throws where a value has a type that it should not have; subscripts of
// `Row` would stop the program for a database that was edited by hand.

extension RunRow {
    init(_ row: Row) throws {
        id = try row.decode(forColumn: "id")
        name = try row.decode(forColumn: "name")
        directory = try row.decode(forColumn: "directory")
        model = try row.decode(forColumn: "model")
        dataset = try row.decode(forColumn: "dataset")
        recordKind = try row.decode(forColumn: "record_kind")
        strategy = try row.decode(forColumn: "strategy")
        loss = try row.decode(forColumn: "loss")
        let status: String = try row.decode(forColumn: "status")
        state = RunState(rawValue: status) ?? .failed
        message = try row.decode(forColumn: "message")
        startedAt = try row.decode(forColumn: "started_at")
        finishedAt = try row.decode(forColumn: "finished_at")
        seconds = try row.decode(forColumn: "seconds")
        seed = try row.decode(forColumn: "seed")
        epochs = try row.decode(forColumn: "epochs")
        batchSize = try row.decode(forColumn: "batch_size")
        learningRate = try row.decode(forColumn: "learning_rate")
        totalSteps = try row.decode(forColumn: "total_steps")
        steps = try row.decode(forColumn: "steps")
        trainRows = try row.decode(forColumn: "train_rows")
        validationRows = try row.decode(forColumn: "validation_rows")
        testRows = try row.decode(forColumn: "test_rows")
        parameters = try row.decode(forColumn: "parameters")
        trainableParameters = try row.decode(forColumn: "trainable")
        threads = try row.decode(forColumn: "threads")
        device = try row.decode(forColumn: "device")
        savedModel = try row.decode(forColumn: "saved_model")
        configuration = try RunRow.json(row, "configuration", run: id)
        environment = try RunRow.json(row, "environment", run: id)
        host = try row.decode(forColumn: "host")
        pid = try row.decode(forColumn: "pid")
        lastLoss = try row.decode(forColumn: "last_loss")
        writes = try row.decode(forColumn: "writes")
        spearmanBefore = try row.decode(forColumn: "spearman_before")
        spearmanAfter = try row.decode(forColumn: "spearman_after")
        if state == .running {
            let start: String = try row.decode(forColumn: "process_start")
            if ProcessIdentity(host: host, pid: pid, start: start).isKnownDead { state = .crashed }
        }
    }

    private static func json(_ row: Row, _ column: String, run: String) throws -> JSON {
        let text: String = try row.decode(forColumn: column)
        do { return try JSON(parsing: Array(text.utf8)) } catch {
            throw RunStoreError.damagedColumn(run: run, column: column, problem: error.problem)
        }
    }
}

extension MetricRow {
    init(_ row: Row) throws {
        step = try row.decode(forColumn: "step")
        epoch = try row.decode(forColumn: "epoch")
        loss = try row.decode(forColumn: "loss")
        meanLoss = try row.decode(forColumn: "mean_loss")
        learningRate = try row.decode(forColumn: "learning_rate")
        gradientNorm = try row.decode(forColumn: "gradient_norm")
        rows = try row.decode(forColumn: "rows")
        tokens = try row.decode(forColumn: "tokens")
        truncatedTexts = try row.decode(forColumn: "truncated")
        seconds = try row.decode(forColumn: "seconds")
    }
}

extension EvaluationRow {
    init(_ row: Row) throws {
        step = try row.decode(forColumn: "step")
        phase = try row.decode(forColumn: "phase")
        dataset = try row.decode(forColumn: "dataset")
        name = try row.decode(forColumn: "name")
        epoch = try row.decode(forColumn: "epoch")
        value = try row.decode(forColumn: "value")
    }
}

extension CheckpointRow {
    init(_ row: Row) throws {
        step = try row.decode(forColumn: "step")
        path = try row.decode(forColumn: "path")
        bytes = try row.decode(forColumn: "bytes")
        writtenAt = try row.decode(forColumn: "written_at")
    }
}

extension EventRow {
    init(_ row: Row) throws {
        time = try row.decode(forColumn: "time")
        level = try row.decode(forColumn: "level")
        text = try row.decode(forColumn: "text")
    }
}

extension ParameterRow {
    init(_ row: Row) throws {
        name = try row.decode(forColumn: "name")
        value = try row.decode(forColumn: "value")
    }
}

extension GainRow {
    init(_ row: Row) throws {
        step = try row.decode(forColumn: "step")
        phase = try row.decode(forColumn: "phase")
        dataset = try row.decode(forColumn: "dataset")
        name = try row.decode(forColumn: "name")
        difference = try row.decode(forColumn: "difference")
        low = try row.decode(forColumn: "low")
        high = try row.decode(forColumn: "high")
        confidence = try row.decode(forColumn: "confidence")
    }
}

extension WeightRow {
    init(_ row: Row) throws {
        name = try row.decode(forColumn: "name")
        count = try row.decode(forColumn: "count")
        training = try row.decode(forColumn: "training")
        learningRate = try row.decode(forColumn: "learning_rate")
        weightDecay = try row.decode(forColumn: "weight_decay")
        let text: String = try row.decode(forColumn: "shape")
        guard let sizes = try? JSON(parsing: Array(text.utf8)).array else {
            throw RunStoreError.damagedColumn(
                run: try row.decode(forColumn: "run"), column: "shape",
                problem: "expected a list of sizes, found \(text)")
        }
        shape = sizes.compactMap(\.int)
    }
}

extension DatasetRow {
    init(_ row: Row) throws {
        dataset = try row.decode(forColumn: "dataset")
        name = try row.decode(forColumn: "name")
        fingerprint = try row.decode(forColumn: "fingerprint")
        recordKind = try row.decode(forColumn: "record_kind")
        rows = try row.decode(forColumn: "rows")
        storedRows = try row.decode(forColumn: "stored_rows")
    }
}

extension ExampleTexts {
    /// The texts of the columns `prefix` + `text1`, ...
    init(_ row: Row, prefix: String = "") throws {
        let texts: [String?] = try ["text1", "text2", "text3"].map {
            try row.decode(forColumn: prefix + $0)
        }
        self.texts = texts.compactMap { $0 }
        label = try row.decode(forColumn: prefix + "label")
    }
}
