internal import Files
internal import Tracking

/// The settings and circumstances of a run as names and values, so that two runs compare line by line.
enum FlatParameters {
    /// The configuration under its own keys, the environment under `environment.`, what was found out from both
    /// (an automatic batch size, the number of rows) under `run.`.
    static func of(_ info: RunInfo) -> [(name: String, value: String)] {
        var out: [(name: String, value: String)] = []
        flatten(info.configuration, name: "", into: &out)
        flatten(info.environment, name: "environment", into: &out)
        let resolved: [(String, JSON)] = [
            ("model", .string(info.model)), ("dataset", .string(info.dataset)),
            ("record_kind", .string(info.recordKind)), ("strategy", .string(info.strategy)),
            ("loss", .string(info.loss)), ("train_rows", .int(info.trainRows)),
            ("validation_rows", .int(info.validationRows)), ("test_rows", .int(info.testRows)),
            ("batch_size", .int(info.batchSize)), ("learning_rate", .double(info.learningRate)),
            ("seed", .int(info.seed)), ("epochs", .int(info.epochs)),
            ("total_steps", .int(info.totalSteps)), ("parameters", .int(info.parameters)),
            ("trainable", .int(info.trainableParameters)), ("threads", .int(info.threads)),
            ("device", .string(info.device)),
        ]
        for (name, value) in resolved { flatten(value, name: "run." + name, into: &out) }
        return out
    }

    /// Objects open into `outer.inner`; arrays stay JSON text; strings stand without quotes.
    private static func flatten(
        _ value: JSON, name: String, into out: inout [(name: String, value: String)]
    ) {
        switch value {
        case .object(let members) where !members.isEmpty || name.isEmpty:
            for member in members {
                let inner = name.isEmpty ? member.key : "\(name).\(member.key)"
                flatten(member.value, name: inner, into: &out)
            }
        case .string(let text): out.append((name, text))
        default: out.append((name, value.text()))
        }
    }
}
