internal import Embedders
public import Files
internal import Layers

extension TrainingConfiguration {
    /// All settings under Hugging Face's and the command line's names; where the run lives is not among them.
    public var json: JSON {
        func optional(_ value: Int?, _ other: JSON = "auto") -> JSON {
            value.map(JSON.int) ?? other
        }
        return [
            "epochs": .int(epochs), "max_steps": optional(maxSteps, .null),
            "batch_size": optional(batchSize),
            "gradient_accumulation_steps": .int(gradientAccumulationSteps),
            "chunk_tokens": optional(chunkTokens, .null),
            "mixed_precision": .string(mixedPrecision.rawValue),
            "strategy": strategy.json, "merge_adapter": .bool(mergesAdapter),
            "learning_rate": learningRate.map(JSON.double) ?? "auto",
            "lr_scheduler_type": schedule.map { .string($0.rawValue) } ?? "auto",
            "warmup": warmup.map(JSON.double) ?? .null,
            "weight_decay": .double(weightDecay), "decay_rule": .string(decayRule.rawValue),
            "parameter_groups": .array(
                parameterGroups.map { group in
                    [
                        "pattern": .string(group.pattern),
                        "learning_rate": group.learningRate.map(JSON.double) ?? .null,
                        "weight_decay": group.weightDecay.map(JSON.double) ?? .null,
                    ]
                }),
            "max_grad_norm": maxGradientNorm.map(JSON.double) ?? .null,
            "loss": loss.map { .string($0.rawValue) } ?? "auto",
            "temperature": .double(temperature), "add_swap_loss": .bool(addsSwapLoss),
            "max_length": optional(maxLength), "prompt": .optional(prompt),
            "shuffle": .bool(shuffle), "shuffle_like": .string(shuffleOrder.rawValue),
            "shuffle_buffer": .int(shuffleBuffer), "drop_last": .bool(dropLast),
            "no_duplicates": .bool(avoidsDuplicates), "mix": .string(mixing.rawValue),
            "eval_steps": optional(evaluationSteps, .null),
            "metric_for_best_model": .optional(bestMetric),
            "early_stopping_patience": optional(earlyStoppingPatience, .null),
            "load_best_model_at_end": .bool(restoresBest),
            "checkpoint_steps": optional(checkpointSteps, .null),
            "checkpoint_minutes": checkpointMinutes.map(JSON.double) ?? .null,
            "checkpoint_epochs": .bool(checkpointsEpochs),
            "keep_checkpoints": .int(keptCheckpoints), "examples": .bool(recordsExamples),
            "tensorboard": .bool(tensorBoard), "seed": .number(String(seed)),
            "threads": optional(threads),
        ]
    }

    /// The settings that ``json`` wrote, in the file at `path`.
    ///
    /// Throws a `FileError` for a setting that is missing, unknown or not what it should be: a run that goes on with
    /// other settings would be another run.
    public init(_ json: JSON, path: String) throws(FileError) {
        self.init()
        var reader = SettingsReader(json, path: path)
        epochs = try reader.int("epochs")
        maxSteps = try reader.optionalInt("max_steps")
        batchSize = try reader.optionalInt("batch_size")
        gradientAccumulationSteps = try reader.int("gradient_accumulation_steps")
        chunkTokens = try reader.optionalInt("chunk_tokens")
        // Runs of earlier versions do not say.
        if json["mixed_precision"] != nil { mixedPrecision = try reader.name("mixed_precision") }
        strategy = try Strategy(reader.object("strategy"), path: path)
        mergesAdapter = try reader.bool("merge_adapter")
        learningRate = try reader.optionalDouble("learning_rate")
        schedule = try reader.optionalName("lr_scheduler_type")
        warmup = try reader.optionalDouble("warmup")
        weightDecay = try reader.double("weight_decay")
        decayRule = try reader.name("decay_rule")
        for group in try reader.array("parameter_groups") {
            var reader = SettingsReader(group, path: path)
            parameterGroups.append(
                ParameterGroup(
                    pattern: try reader.text("pattern"),
                    learningRate: try reader.optionalDouble("learning_rate"),
                    weightDecay: try reader.optionalDouble("weight_decay")))
            try reader.finish()
        }
        maxGradientNorm = try reader.optionalDouble("max_grad_norm")
        loss = try reader.optionalName("loss")
        temperature = try reader.double("temperature")
        addsSwapLoss = try reader.bool("add_swap_loss")
        maxLength = try reader.optionalInt("max_length")
        prompt = try reader.optionalText("prompt")
        shuffle = try reader.bool("shuffle")
        shuffleOrder = try reader.name("shuffle_like")
        shuffleBuffer = try reader.int("shuffle_buffer")
        dropLast = try reader.bool("drop_last")
        avoidsDuplicates = try reader.bool("no_duplicates")
        mixing = try reader.name("mix")
        evaluationSteps = try reader.optionalInt("eval_steps")
        bestMetric = try reader.optionalText("metric_for_best_model")
        earlyStoppingPatience = try reader.optionalInt("early_stopping_patience")
        restoresBest = try reader.bool("load_best_model_at_end")
        checkpointSteps = try reader.optionalInt("checkpoint_steps")
        checkpointMinutes = try reader.optionalDouble("checkpoint_minutes")
        checkpointsEpochs = try reader.bool("checkpoint_epochs")
        keptCheckpoints = try reader.int("keep_checkpoints")
        recordsExamples = try reader.bool("examples")
        tensorBoard = try reader.bool("tensorboard")
        seed = try reader.unsigned("seed")
        threads = try reader.optionalInt("threads")
        try reader.finish()
    }
}

extension Strategy {
    /// The strategy with its settings.
    var json: JSON {
        var json: JSON = ["name": .string(name)]
        switch self {
        case .full: break
        case .bitFit(let keywords): json.set("keywords", .array(keywords.map(JSON.string)))
        case .prefix(let prefix):
            json.set("additional_special_tokens", .array(prefix.tokens.map(JSON.string)))
            json.set("prefix", .string(prefix.text))
            json.set(
                "only_train_additional_special_tokens", .bool(prefix.trainsOnlyTokens))
            json.set("on_all_texts", .bool(prefix.isOnAllTexts))
        case .lora(let lora):
            json.set("r", .int(lora.rank))
            json.set("lora_alpha", .double(lora.alpha))
            json.set("lora_dropout", .double(lora.dropout))
            json.set(
                "target_modules", lora.targets.map { .array($0.map(JSON.string)) } ?? .null)
            json.set("target_pattern", .optional(lora.targetPattern))
            json.set("use_rslora", .bool(lora.isRankStabilized))
        case .lastLayers(let count): json.set("layers", .int(count))
        case .only(let pattern): json.set("pattern", .string(pattern))
        }
        return json
    }

    /// The strategy that ``json`` wrote, in the file at `path`.
    init(_ json: JSON, path: String) throws(FileError) {
        var reader = SettingsReader(json, path: path)
        let name = try reader.text("name")
        switch name {
        case "full": self = .full
        case "bitfit": self = .bitFit(keywords: try reader.texts("keywords"))
        case "prefix":
            self = .prefix(
                PrefixTraining(
                    tokens: try reader.texts("additional_special_tokens"),
                    prefix: try reader.text("prefix"),
                    trainsOnlyTokens: try reader.bool("only_train_additional_special_tokens"),
                    isOnAllTexts: try reader.bool("on_all_texts")))
        case "lora":
            var lora = LoRA()
            lora.rank = try reader.int("r")
            lora.alpha = try reader.double("lora_alpha")
            lora.dropout = try reader.double("lora_dropout")
            lora.targets = try reader.optionalTexts("target_modules")
            lora.targetPattern = try reader.optionalText("target_pattern")
            lora.isRankStabilized = try reader.bool("use_rslora")
            self = .lora(lora)
        case "last": self = .lastLayers(try reader.int("layers"))
        case "only": self = .only(pattern: try reader.text("pattern"))
        default:
            throw FileError(
                path: path, problem: "unknown strategy \(name)",
                remedy: "the run was made by a later version; update uniem")
        }
        try reader.finish()
    }
}

/// Reads the settings of an object, each once; what is left unread at the end is unknown.
struct SettingsReader {
    private let json: JSON
    private let path: String
    private var read = Set<String>()

    init(_ json: JSON, path: String) { (self.json, self.path) = (json, path) }

    private mutating func value<T>(
        _ key: String, _ expected: String, _ convert: (JSON) -> T?
    ) throws(FileError) -> T {
        read.insert(key)
        guard let value = json[key] else {
            throw FileError(
                path: path, problem: "no setting \(key)",
                remedy: "the run was made by another version; use that one")
        }
        guard let result = convert(value) else {
            throw FileError(
                path: path, problem: "\(key): expected \(expected), found \(value.text())",
                remedy: "undo the change that was made to the file")
        }
        return result
    }

    /// `nil` for null and `"auto"`.
    private mutating func optional<T>(
        _ key: String, _ expected: String, _ convert: (JSON) -> T?
    ) throws(FileError) -> T? {
        try value(key, expected + ", null or \"auto\"") { json -> T?? in
            if json.isNull || json.string == "auto" { return .some(nil) }
            return convert(json).map { .some($0) }
        }
    }

    mutating func int(_ key: String) throws(FileError) -> Int {
        try value(key, "a whole number", \.int)
    }
    mutating func optionalInt(_ key: String) throws(FileError) -> Int? {
        try optional(key, "a whole number", \.int)
    }
    mutating func double(_ key: String) throws(FileError) -> Double {
        try value(key, "a number", \.double)
    }
    mutating func optionalDouble(_ key: String) throws(FileError) -> Double? {
        try optional(key, "a number", \.double)
    }
    mutating func bool(_ key: String) throws(FileError) -> Bool {
        try value(key, "true or false", \.bool)
    }
    mutating func text(_ key: String) throws(FileError) -> String {
        try value(key, "a text", \.string)
    }
    mutating func optionalText(_ key: String) throws(FileError) -> String? {
        // Not `optional`: "auto" is a text like others here.
        try value(key, "a text or null") { json -> String?? in
            json.isNull ? .some(nil) : json.string.map { .some($0) }
        }
    }
    mutating func unsigned(_ key: String) throws(FileError) -> UInt64 {
        try value(key, "a whole number from 0") { json in
            if case .number(let text) = json { UInt64(text) } else { nil }
        }
    }
    mutating func array(_ key: String) throws(FileError) -> [JSON] {
        try value(key, "a list", \.array)
    }
    mutating func object(_ key: String) throws(FileError) -> JSON {
        try value(key, "an object") { $0.members == nil ? nil : $0 }
    }
    mutating func texts(_ key: String) throws(FileError) -> [String] {
        try value(key, "a list of texts", SettingsReader.texts)
    }
    mutating func optionalTexts(_ key: String) throws(FileError) -> [String]? {
        try optional(key, "a list of texts", SettingsReader.texts)
    }
    mutating func name<Name: RawRepresentable & CaseIterable>(
        _ key: String
    ) throws(FileError) -> Name where Name.RawValue == String {
        try value(key, Name.allCases.map(\.rawValue).joined(separator: " or ")) {
            $0.string.flatMap(Name.init(rawValue:))
        }
    }
    mutating func optionalName<Name: RawRepresentable & CaseIterable>(
        _ key: String
    ) throws(FileError) -> Name? where Name.RawValue == String {
        try optional(key, Name.allCases.map(\.rawValue).joined(separator: " or ")) {
            $0.string.flatMap(Name.init(rawValue:))
        }
    }

    private static func texts(_ json: JSON) -> [String]? {
        guard let values = json.array else { return nil }
        let texts = values.compactMap(\.string)
        return texts.count == values.count ? texts : nil
    }

    /// Throws a `FileError` for a setting that was not read.
    func finish() throws(FileError) {
        for (key, _) in json.members ?? [] where !read.contains(key) {
            throw FileError(
                path: path, problem: "unknown setting \(key)",
                remedy: "the run was made by a later version; update uniem")
        }
    }
}
