internal import Files

/// The settings of a run by name, for TensorBoard's table and its tab of hyper-parameters.
enum RunSettings {
    /// What the run is and what was settled when it started (an automatic batch size, the number of rows).
    static func resolved(_ info: RunInfo) -> [(name: String, value: JSON)] {
        [
            ("model", .string(info.model)), ("dataset", .string(info.dataset)),
            ("record_kind", .string(info.recordKind)), ("strategy", .string(info.strategy)),
            ("loss", .string(info.loss)), ("batch_size", .int(info.batchSize)),
            ("learning_rate", .double(info.learningRate)), ("epochs", .int(info.epochs)),
            ("seed", .int(info.seed)),
            // A stream that was not counted has no known end.
            ("total_steps", info.totalSteps == .max ? .null : .int(info.totalSteps)),
            ("train_rows", .int(info.trainRows)), ("validation_rows", .int(info.validationRows)),
            ("test_rows", .int(info.testRows)), ("parameters", .int(info.parameters)),
            ("trainable", .int(info.trainableParameters)), ("threads", .int(info.threads)),
            ("device", .string(info.device)),
        ]
    }

    /// The members of an object by name; what is within objects is named `outer.inner`.
    static func flat(_ value: JSON, name: String = "") -> [(name: String, value: JSON)] {
        guard case .object(let members) = value, !members.isEmpty || name.isEmpty else {
            return [(name, value)]
        }
        return members.flatMap { member in
            flat(member.value, name: name.isEmpty ? member.key : "\(name).\(member.key)")
        }
    }

    /// What tells runs apart: the settled values, and whatever else the configuration sets.
    static func hyperParameters(_ info: RunInfo) -> [(name: String, value: JSON)] {
        let resolved = resolved(info)
        let known = resolved.map { Array($0.name.utf8) }
        let others = flat(info.configuration).filter { !known.contains(Array($0.name.utf8)) }
        return (resolved + others).filter { !$0.value.isNull }
    }

    /// The configuration as it was given, then what was settled, under `run.`.
    static func configurationTable(_ info: RunInfo) -> String {
        let run: [(name: String, value: JSON)] =
            [
                ("id", .string(info.id)), ("name", .string(info.name)),
                ("directory", .string(info.directory)),
            ] + resolved(info)
        return table(
            "setting", flat(info.configuration) + run.map { ("run." + $0.name, $0.value) })
    }

    /// Versions, processor, host and system.
    static func environmentTable(_ info: RunInfo) -> String {
        table("environment", flat(info.environment))
    }

    private static func table(
        _ heading: String, _ rows: [(name: String, value: JSON)]
    ) -> String {
        MarkdownText.table(
            (heading, "value"), rows.map { ($0.name, $0.value.string ?? $0.value.text()) })
    }
}
