import ArgumentParser
import Uniem

/// Which parameters learn.
struct StrategyOptions: ParsableArguments {
    /// The strategies by name.
    enum Name: String, CaseIterable, ExpressibleByArgument {
        case full
        case bitfit
        case prefix
        case lora
    }

    @Option(
        help:
            "Which parameters learn: all, biases, new special tokens before each text, or low-rank adapters."
    )
    var strategy = Name.full

    @Option(
        help: ArgumentHelp(
            "Only the last n layers learn, and what comes after them. (default: all)",
            valueName: "n"))
    var trainLast: Int?

    @Option(
        help: ArgumentHelp(
            "Only parameters learn in whose names the regular expression is found. (default: all)",
            valueName: "regex"))
    var trainOnly: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "With bitfit: parameters whose names contain one of these learn. (default: bias)",
            valueName: "keyword"))
    var bitfitKeywords: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "With prefix: the new special tokens, such as [Q1] [Q2]. (default: none)",
            valueName: "token"))
    var prefixTokens: [String] = []

    @Option(
        help: ArgumentHelp(
            "With prefix: what is put before texts; it holds the tokens. (default: the tokens)",
            valueName: "text"))
    var prefix: String?

    @Flag(help: "With prefix: everything learns, not the rows of the new tokens alone.")
    var prefixTrainsAll = false

    @Flag(
        help:
            "With prefix: put it before every text, not before the first of each row (the query) alone."
    )
    var prefixOnAllTexts = false

    @Option(help: ArgumentHelp("With lora: the rank of the adapters.", valueName: "r"))
    var loraRank = 8

    @Option(
        help: ArgumentHelp(
            "With lora: adapters count alpha / rank times.", valueName: "alpha"))
    var loraAlpha = 16.0

    @Option(help: ArgumentHelp("With lora: dropout before the adapters.", valueName: "rate"))
    var loraDropout = 0.0

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "With lora: the linear layers that get adapters, by the ends of their names; all-linear for all. (default: query and value)",
            valueName: "name"))
    var loraTargets: [String] = []

    @Flag(help: "With lora: save the model with its adapters merged in as well.")
    var mergeAdapter = false

    func validate() throws {
        let others = [trainLast != nil, trainOnly != nil, strategy != .full].filter { $0 }
        if others.count > 1 {
            throw ValidationError("give one of --strategy, --train-last and --train-only")
        }
        try Check.whole("--train-last", trainLast, 1...10_000)
        try Check.filled("--train-only", trainOnly)
        try Check.whole("--lora-rank", loraRank, 1...65_536)
        try Check.number("--lora-alpha", loraAlpha, "a number above 0") { $0 > 0 }
        try Check.number("--lora-dropout", loraDropout, "a number from 0 to below 1") {
            $0 >= 0 && $0 < 1
        }
        for (option, values) in [
            ("--bitfit-keywords", bitfitKeywords), ("--prefix-tokens", prefixTokens),
            ("--lora-targets", loraTargets),
        ] {
            for value in values { try Check.filled(option, value) }
        }
        try need(.bitfit, [("--bitfit-keywords", !bitfitKeywords.isEmpty)])
        try need(
            .prefix,
            [
                ("--prefix-tokens", !prefixTokens.isEmpty), ("--prefix", prefix != nil),
                ("--prefix-trains-all", prefixTrainsAll),
                ("--prefix-on-all-texts", prefixOnAllTexts),
            ])
        try need(
            .lora,
            [
                ("--lora-rank", loraRank != 8), ("--lora-alpha", loraAlpha != 16),
                ("--lora-dropout", loraDropout != 0), ("--lora-targets", !loraTargets.isEmpty),
                ("--merge-adapter", mergeAdapter),
            ])
        if strategy == .prefix, prefixTokens.isEmpty {
            throw ValidationError("--strategy prefix needs --prefix-tokens, such as [Q1] [Q2]")
        }
    }

    private func need(_ name: Name, _ options: [(name: String, isGiven: Bool)]) throws {
        guard strategy != name, let option = options.first(where: \.isGiven) else { return }
        throw ValidationError("\(option.name) needs --strategy \(name.rawValue)")
    }

    /// Sets what these options say.
    func apply(to configuration: inout TrainingConfiguration) {
        configuration.strategy = chosen
        configuration.mergesAdapter = mergeAdapter
    }

    private var chosen: Strategy {
        if let trainLast { return .lastLayers(trainLast) }
        if let trainOnly { return .only(pattern: trainOnly) }
        switch strategy {
        case .full: return .full
        case .bitfit:
            return bitfitKeywords.isEmpty ? .bitFit() : .bitFit(keywords: bitfitKeywords)
        case .prefix:
            return .prefix(
                PrefixTraining(
                    tokens: prefixTokens, prefix: prefix, trainsOnlyTokens: !prefixTrainsAll,
                    isOnAllTexts: prefixOnAllTexts))
        case .lora:
            var lora = LoRA()
            lora.rank = loraRank
            lora.alpha = loraAlpha
            lora.dropout = loraDropout
            lora.targets = loraTargets.isEmpty ? nil : loraTargets
            return .lora(lora)
        }
    }
}
