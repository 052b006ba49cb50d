public import Files

extension RunRow {
    /// The run as an object; the keys are the names of the columns of `runs`.
    public var json: JSON {
        [
            "id": .string(id), "name": .string(name), "directory": .string(directory),
            "model": .string(model), "dataset": .string(dataset),
            "record_kind": .string(recordKind), "strategy": .string(strategy),
            "loss": .string(loss), "status": .string(state.rawValue), "message": .string(message),
            "started_at": .string(startedAt), "finished_at": .optional(finishedAt),
            "seconds": .double(seconds), "seed": .int(seed), "epochs": .int(epochs),
            "batch_size": .int(batchSize), "learning_rate": .double(learningRate),
            "total_steps": .int(totalSteps), "steps": .int(steps), "train_rows": .int(trainRows),
            "validation_rows": .int(validationRows), "test_rows": .int(testRows),
            "parameters": .int(parameters), "trainable": .int(trainableParameters),
            "threads": .int(threads), "device": .string(device),
            "saved_model": .optional(savedModel), "host": .string(host), "pid": .int(pid),
            "writes": .int(writes),
            "last_loss": number(lastLoss), "spearman_before": number(spearmanBefore),
            "spearman_after": number(spearmanAfter), "configuration": configuration,
            "environment": environment,
        ]
    }
}

extension RunDetails {
    /// Everything as an object: the run's own members, then `settings`, `weights`, `metrics`, `evaluations`, `gains`,
    /// `checkpoints`, `events`, `datasets`, `worst_examples` and `suspected_false_negatives`.
    public var json: JSON {
        var out = run.json
        out.set(
            "settings", .object(parameters.map { (key: $0.name, value: .string($0.value)) }))
        out.set("weights", .array(weights.map(\.json)))
        out.set("metrics", .array(metrics.map(\.json)))
        out.set("evaluations", .array(evaluations.map(\.json)))
        out.set("gains", .array(gains.map(\.json)))
        out.set("checkpoints", .array(checkpoints.map(\.json)))
        out.set("events", .array(events.map(\.json)))
        out.set("datasets", .array(datasets.map(\.json)))
        out.set("worst_examples", .array(worstExamples.map(\.json)))
        out.set("suspected_false_negatives", .array(falseNegatives.map(\.json)))
        return out
    }
}

extension MetricRow {
    /// The step as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "step": .int(step), "epoch": .int(epoch), "loss": number(loss),
            "mean_loss": number(meanLoss), "learning_rate": .double(learningRate),
            "gradient_norm": number(gradientNorm), "rows": .int(rows), "tokens": .int(tokens),
            "truncated": .int(truncatedTexts), "seconds": .double(seconds),
        ]
    }
}

extension EvaluationRow {
    /// The number as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "step": .int(step), "phase": .string(phase), "dataset": .string(dataset),
            "name": .string(name), "epoch": .int(epoch), "value": number(value),
        ]
    }
}

extension CheckpointRow {
    /// The checkpoint as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "step": .int(step), "path": .string(path), "bytes": .int(bytes),
            "written_at": .string(writtenAt),
        ]
    }
}

extension EventRow {
    /// The event as an object; the keys are the names of the columns.
    public var json: JSON {
        ["time": .string(time), "level": .string(level), "text": .string(text)]
    }
}

extension ParameterDifference {
    /// The difference as an object: `name`, `first`, `second`.
    public var json: JSON {
        ["name": .string(name), "first": .optional(first), "second": .optional(second)]
    }
}

extension GainRow {
    /// The gain as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "step": .int(step), "phase": .string(phase), "dataset": .string(dataset),
            "name": .string(name), "difference": number(difference), "low": number(low),
            "high": number(high), "confidence": .double(confidence),
        ]
    }
}

extension WeightRow {
    /// The parameter as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "name": .string(name), "shape": .array(shape.map(JSON.int)), "count": .int(count),
            "training": .int(training), "learning_rate": .double(learningRate),
            "weight_decay": .double(weightDecay),
        ]
    }
}

extension DatasetRow {
    /// The data set as an object; the keys are the names of the columns.
    public var json: JSON {
        [
            "dataset": .int(dataset), "name": .string(name), "fingerprint": .string(fingerprint),
            "record_kind": .string(recordKind), "rows": .int(rows),
            "stored_rows": .int(storedRows),
        ]
    }
}

extension ExampleTexts {
    fileprivate var members: [(key: String, value: JSON)] {
        [
            ("texts", .array(texts.map(JSON.string))),
            ("label", label.map(JSON.double) ?? .null),
        ]
    }
}

extension ExampleSummary {
    /// The row as an object.
    public var json: JSON {
        .object(
            [
                ("dataset", .int(dataset)), ("row", .int(row)), ("epochs", .int(epochs)),
                ("mean_loss", .double(meanLoss)), ("last_loss", number(lastLoss)),
                ("similarity", number(similarity)),
            ] + content.members)
    }
}

extension FalseNegative {
    /// The rows as an object; `negative_texts` are those of the other row.
    public var json: JSON {
        .object(
            [
                ("dataset", .int(dataset)), ("row", .int(row)), ("negative", .int(negative)),
                ("epochs", .int(epochs)), ("similarity", number(similarity)),
            ] + content.members + [
                ("negative_texts", .array(negativeContent.texts.map(JSON.string)))
            ])
    }
}

private func number(_ value: Double?) -> JSON { value.map(JSON.double) ?? .null }
