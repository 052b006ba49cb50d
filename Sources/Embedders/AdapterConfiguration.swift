internal import Encoders
internal import Files
internal import Layers

/// PEFT's `adapter_config.json` of a low-rank adapter.
struct AdapterConfiguration {
    /// Rank, alpha, dropout and scaling; the layers where they are named one by one.
    var settings: LoRA
    /// The hub name or folder of the model that the adapter belongs to.
    var base: String?
    /// Modules that are saved whole beside the adapters.
    var savedModules: [String]
    /// Whether ``settings`` name all layers: no expression, no exception, no choice of layers by number.
    var namesAllLayers: Bool
    private var ranks: [(pattern: NamePattern, rank: Int)] = []
    private var alphas: [(pattern: NamePattern, alpha: Double)] = []

    static let fileName = "adapter_config.json"

    /// Reads the file at `path`; throws a ``FileError`` for what is malformed, and for kinds of adapters that are not
    /// built.
    init(path: String) throws(FileError) {
        let json = try JSON(contentsOf: path)
        guard json.members != nil else {
            throw FileError(
                path: path, problem: "expected a JSON object, found \(json.kind)",
                remedy: "fetch the file again")
        }
        let reader = ConfigReader(json: json, path: path)
        try AdapterConfiguration.refuseOthers(reader, json)
        settings = LoRA(
            rank: try reader.int("r", 1...LoRA.maximumRank, default: 8),
            alpha: try reader.double("lora_alpha", -1e9...1e9, default: 8),
            dropout: try reader.double("lora_dropout", 0...0.999_999, default: 0),
            isRankStabilized: try reader.bool("use_rslora", default: false))
        let base = try reader.string("base_model_name_or_path", default: "")
        self.base = base.isEmpty ? nil : base
        savedModules = try AdapterConfiguration.names("modules_to_save", reader, json) ?? []
        let isRestricted = ["exclude_modules", "layers_to_transform", "layers_pattern"].contains {
            AdapterConfiguration.says(json[$0])
        }
        if let pattern = json["target_modules"]?.string {
            settings.targets = pattern == LoRA.everyLinearLayer ? [pattern] : nil
            settings.targetPattern = settings.targets == nil ? pattern : nil
        } else {
            settings.targets = try AdapterConfiguration.names("target_modules", reader, json)
        }
        namesAllLayers =
            settings.targets != nil && settings.targets != [LoRA.everyLinearLayer] && !isRestricted
        for (key, value) in try AdapterConfiguration.patterns("rank_pattern", reader, json) {
            guard let rank = value.int, (1...LoRA.maximumRank).contains(rank) else {
                throw reader.error(
                    "rank_pattern", "expected a rank for \(key.text), found \(value.text())")
            }
            ranks.append((key, rank))
        }
        for (key, value) in try AdapterConfiguration.patterns("alpha_pattern", reader, json) {
            guard let alpha = value.double, alpha.isFinite, abs(alpha) <= 1e9 else {
                throw reader.error(
                    "alpha_pattern", "expected a number for \(key.text), found \(value.text())")
            }
            alphas.append((key, alpha))
        }
    }

    /// The rank of the layer of that name; the first pattern that fits counts.
    func rank(of layer: String) -> Int {
        ranks.first { $0.pattern.fits(layer) }?.rank ?? settings.rank
    }

    /// The alpha of the layer of that name, where it has one of its own.
    func alpha(of layer: String) -> Double? { alphas.first { $0.pattern.fits(layer) }?.alpha }

    private static func refuseOthers(_ reader: ConfigReader, _ json: JSON) throws(FileError) {
        _ = try reader.choice("peft_type", ["LORA": true])
        _ = try reader.choice("bias", ["none": true], default: true)
        for key in [
            // Variants whose sum or forward pass is another one, and what changes the base model.
            "use_dora", "use_qalora", "use_bdlora", "lora_bias", "alora_invocation_tokens",
            "arrow_config", "kasa_config", "velora_config", "monteclora_config",
            "layer_replication", "target_parameters", "trainable_token_indices",
        ] {
            try reader.refuse(key) { !says($0) }
        }
        // Other ways to begin take something away from the base weights; PEFT can save such an adapter as a common one.
        try reader.refuse("init_lora_weights") {
            $0.bool != nil || ["gaussian", "eva", "orthogonal", "mica"].contains($0.string)
        }
    }

    /// Whether `value` switches something on: not missing, null, false or empty.
    private static func says(_ value: JSON?) -> Bool {
        switch value {
        case nil, .null: false
        case .bool(let isOn): isOn
        case .array(let values): !values.isEmpty
        case .object(let members): !members.isEmpty
        case .string(let text): !text.isEmpty
        case .number: true
        }
    }

    private static func names(
        _ key: String, _ reader: ConfigReader, _ json: JSON
    ) throws(FileError) -> [String]? {
        guard let value = json[key], !value.isNull else { return nil }
        guard let names = value.array?.map(\.string), !names.contains(nil) else {
            throw reader.error(key, "expected a list of names, found \(value.kind)")
        }
        return names.compactMap { $0 }
    }

    private static func patterns(
        _ key: String, _ reader: ConfigReader, _ json: JSON
    ) throws(FileError) -> [(key: NamePattern, value: JSON)] {
        guard let value = json[key], !value.isNull else { return [] }
        guard let members = value.members else {
            throw reader.error(key, "expected an object, found \(value.kind)")
        }
        var patterns: [(NamePattern, JSON)] = []
        for (text, value) in members {
            guard let pattern = NamePattern(text) else {
                throw reader.error(
                    key, "\(text) is an expression; only names and their ends are supported")
            }
            patterns.append((pattern, value))
        }
        return patterns
    }
}

/// A key of `rank_pattern` or `alpha_pattern`: the end of a name, or a whole one behind `^`.
///
/// PEFT takes keys for regular expressions. Of these only names are understood, in which a dot stands for any
/// character and an escaped dot for itself.
private struct NamePattern {
    /// As it stands in the file.
    let text: String
    private let isWhole: Bool
    /// One byte each; `nil` for any.
    private let bytes: [UInt8?]

    /// `nil` for what is more than a name.
    init?(_ text: String) {
        self.text = text
        isWhole = text.utf8.first == UInt8(ascii: "^")
        var bytes: [UInt8?] = []
        var isEscaped = false
        for byte in text.utf8.dropFirst(isWhole ? 1 : 0) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                if isEscaped { return nil }
                bytes.append(byte)
            case UInt8(ascii: "."):
                bytes.append(isEscaped ? byte : nil)
                isEscaped = false
            case UInt8(ascii: "\\") where !isEscaped: isEscaped = true
            default: return nil
            }
        }
        if isEscaped || bytes.isEmpty { return nil }
        self.bytes = bytes
    }

    func fits(_ name: String) -> Bool {
        let name = Array(name.utf8)
        let start = name.count - bytes.count
        guard start == 0 || start > 0 && !isWhole && name[start - 1] == UInt8(ascii: ".") else {
            return false
        }
        return zip(bytes, name[start...]).allSatisfy { $0 == nil || $0 == $1 }
    }
}
