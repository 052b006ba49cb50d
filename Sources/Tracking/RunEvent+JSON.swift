public import Files

extension RunEvent {
    /// The event as an object whose first member, `event`, says which it is: `started`, `step`, `epoch`,
    /// `validation`, `evaluation`, `data`, `examples`, `checkpoint`, `model_saved`, `message` or `finished`.
    ///
    /// A number that is not finite becomes `null`.
    public var json: JSON {
        switch self {
        case .started(let info): .object([(key: "event", value: "started")] + info.members)
        case .step(let metrics): .object([(key: "event", value: "step")] + metrics.members)
        case .epochFinished(let epoch, let meanLoss):
            ["event": "epoch", "epoch": .int(epoch), "mean_loss": .double(meanLoss)]
        case .validation(let epoch, let step, let loss):
            [
                "event": "validation", "epoch": .int(epoch), "step": .int(step),
                "loss": .double(loss),
            ]
        case .evaluation(let metrics):
            .object([(key: "event", value: "evaluation")] + metrics.members)
        case .data(let rows):
            [
                "event": "data", "dataset": .int(rows.dataset), "name": .string(rows.name),
                "fingerprint": .string(rows.fingerprint), "record_kind": .string(rows.recordKind),
                "rows": .int(rows.columns.first?.count ?? 0),
            ]
        case .examples(let step, let epoch, let examples):
            [
                "event": "examples", "step": .int(step), "epoch": .int(epoch),
                "examples": .array(examples.map(\.json)),
            ]
        case .checkpoint(let step, let path, let bytes):
            [
                "event": "checkpoint", "step": .int(step), "path": .string(path),
                "bytes": .int(bytes),
            ]
        case .modelSaved(let path): ["event": "model_saved", "path": .string(path)]
        case .message(let level, let text):
            ["event": "message", "level": .string(level.rawValue), "text": .string(text)]
        case .finished(let status, let seconds, let message):
            [
                "event": "finished", "status": .string(status.rawValue),
                "seconds": .double(seconds), "message": .string(message),
            ]
        }
    }
}

extension RunInfo {
    fileprivate var members: [(key: String, value: JSON)] {
        [
            ("id", .string(id)), ("name", .string(name)), ("directory", .string(directory)),
            ("model", .string(model)), ("dataset", .string(dataset)),
            ("record_kind", .string(recordKind)), ("strategy", .string(strategy)),
            ("loss", .string(loss)), ("train_rows", .int(trainRows)),
            ("validation_rows", .int(validationRows)), ("test_rows", .int(testRows)),
            ("batch_size", .int(batchSize)), ("lr", .double(learningRate)), ("seed", .int(seed)),
            ("epochs", .int(epochs)), ("steps_per_epoch", .int(stepsPerEpoch)),
            ("total_steps", .int(totalSteps)), ("resumed_from_step", .int(resumedFromStep)),
            ("parameters", .int(parameters)), ("trainable", .int(trainableParameters)),
            ("threads", .int(threads)), ("device", .string(device)),
            ("configuration", configuration), ("environment", environment),
        ]
    }
}

extension ExampleEvidence {
    fileprivate var json: JSON {
        [
            "dataset": .int(dataset), "row": .int(row), "loss": .double(loss),
            "similarity": .double(similarity), "rank": rank.map(JSON.int) ?? .null,
            "closer_negatives": .int(closerNegatives),
            "closest_negative": closestNegative.map(JSON.int) ?? .null,
            "truncated_tokens": .int(truncatedTokens),
        ]
    }
}

extension MetricGain {
    fileprivate var json: JSON {
        [
            "name": .string(name), "difference": .double(difference), "low": .double(low),
            "high": .double(high), "confidence": .double(confidence),
        ]
    }
}

extension StepMetrics {
    fileprivate var members: [(key: String, value: JSON)] {
        [
            ("step", .int(step)), ("epoch", .int(epoch)), ("loss", .double(loss)),
            ("mean_loss", .double(meanLoss)), ("lr", .double(learningRate)),
            ("grad_norm", gradientNorm.map(JSON.double) ?? .null), ("rows", .int(rows)),
            ("tokens", .int(tokens)), ("truncated", .int(truncatedTexts)),
            ("seconds", .double(seconds)),
        ]
    }
}

extension EvaluationMetrics {
    fileprivate var members: [(key: String, value: JSON)] {
        [
            ("phase", .string(phase.rawValue)), ("epoch", .int(epoch)), ("step", .int(step)),
            ("dataset", .string(dataset)), ("rows", .int(rows)),
        ] + values.map { (key: $0.name, value: .double($0.value)) }
            + (gains.isEmpty ? [] : [(key: "gains", value: .array(gains.map(\.json)))])
    }
}

extension JSON {
    /// The value on one line without any space between its parts, as in `{"event":"step","step":1}`.
    public var compactText: String {
        var out = ""
        writeCompact(to: &out)
        return out
    }

    private func writeCompact(to out: inout String) {
        switch self {
        case .array(let values):
            out += "["
            for (index, value) in values.enumerated() {
                if index > 0 { out += "," }
                value.writeCompact(to: &out)
            }
            out += "]"
        case .object(let members):
            out += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { out += "," }
                out += JSON.string(member.key).text()
                out += ":"
                member.value.writeCompact(to: &out)
            }
            out += "}"
        default: out += text()
        }
    }
}
