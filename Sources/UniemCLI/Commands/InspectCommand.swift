import ArgumentParser
import Uniem

/// `uniem inspect`: what a model or a data set is.
struct InspectCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a model or a data set is.",
        usage: "uniem inspect [<options>] <model-or-dataset> ...",
        discussion: """
            A folder with config.json or modules.json is a model, every other path a data set; a name on the hub is \
            a model, and a data set with a colon or #split= in it. With a model the lengths of texts are told in its \
            tokens too, and how many texts it would cut. Rows that training would refuse are listed. --memory shows \
            what training the model takes, for the longest rows of the data sets.

            Examples:
              uniem inspect m3e-small pairs.jsonl --max-length 64
              uniem inspect m3e-small pairs.jsonl --memory --strategy bitfit
            """)

    @Argument(help: "Models and data sets, as finetune takes them.")
    var modelOrDataset: [String]

    @Option(help: "Count texts of more tokens as cut. (default: the model's own limit)")
    var maxLength: Int?

    @Flag(help: "Models: list the names and shapes of all parameters.")
    var parameters = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Data sets: new names for columns.", valueName: "old=new"))
    var rename: [Renaming] = []

    @Flag(
        help:
            "With a model: the memory of training steps, by batch size and part, and what finetune would choose. Without a data set, texts are as long as they can be."
    )
    var memory = false

    @Option(
        help: ArgumentHelp(
            "With --memory: show this batch size. (default: 1, 2, 4, ... 256)", valueName: "n"))
    var batchSize: Int?

    @Option(
        help: ArgumentHelp(
            "With --memory: run chunks of so many tokens twice, as finetune does with it. (default: all run once)",
            valueName: "n"))
    var chunkTokens: Int?

    @Option(help: "With --memory: which parameters learn; lora has rank 8.")
    var strategy = Learning.full

    @Flag(help: "Write a JSON object for each.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    /// Strategies that need no more options.
    enum Learning: String, CaseIterable, ExpressibleByArgument {
        case full
        case bitfit
        case lora

        var strategy: Strategy {
            switch self {
            case .full: .full
            case .bitfit: .bitFit()
            case .lora: .lora(LoRA())
            }
        }
    }

    func validate() throws {
        for name in modelOrDataset { try Check.filled("MODEL_OR_DATASET", name) }
        try Check.whole("--max-length", maxLength, 3...1_000_000)
        try Check.whole("--batch-size", batchSize, 1...1_000_000)
        try Check.whole("--chunk-tokens", chunkTokens, 1...1_000_000_000)
        for (option, isGiven) in [
            ("--batch-size", batchSize != nil), ("--chunk-tokens", chunkTokens != nil),
            ("--strategy", strategy != .full),
        ] where isGiven && !memory {
            throw ValidationError("\(option) needs --memory")
        }
    }

    func run(in context: Context) throws {
        let models = modelOrDataset.filter(InspectCommand.isModel)
        let dataSets = modelOrDataset.filter { !InspectCommand.isModel($0) }
        if dataSets.isEmpty, !rename.isEmpty {
            throw ValidationError("--rename is for data sets; \(models[0]) is a model")
        }
        if models.isEmpty, parameters {
            throw ValidationError("--parameters is for models; \(dataSets[0]) is none")
        }
        if models.isEmpty, maxLength != nil {
            throw ValidationError("--max-length counts tokens; name a model too")
        }
        if memory, models.count != 1 {
            throw ValidationError("--memory is for one model; \(models.count) are named")
        }
        var embedder: Embedder?
        var data: [Dataset] = []
        for name in models {
            let folder = try context.withHub { try Pretrained.folder(of: name, hub: $0) }
            let report = try ModelReport(folder: folder, name: name)
            embedder = embedder ?? report.embedder
            try show(report, in: context)
        }
        for specification in dataSets {
            for (name, part, problems) in try read(specification, in: context) {
                let tokens = embedder.map {
                    TokenReport(part, embedder: $0, maxLength: maxLength)
                }
                data.append(part)
                let report = DatasetReport(part, problems: problems, tokens: tokens)
                if json {
                    try context.print(report.json(specification: name))
                } else {
                    try context.output(report.text)
                }
            }
        }
        guard memory, let embedder else { return }
        let report = try MemoryReport(
            embedder, name: models[0], datasets: data.filter { !$0.isEmpty },
            strategy: strategy.strategy, maxLength: maxLength, batchSize: batchSize,
            chunkTokens: chunkTokens)
        if json { try context.print(report.json) } else { try context.output(report.text) }
    }

    /// The splits of a data set, with the rows that could not be read; names are those of the splits where there are
    /// several.
    private func read(
        _ specification: String, in context: Context
    ) throws -> [(name: String, data: Dataset, problems: [FileError])] {
        let renaming = rename.map { (old: $0.old, new: $0.new) }
        if FileBytes.exists(specification),
            !FileBytes.isFolder(specification)
                || Dataset.isDataFile(named: specification)
        {
            let (data, problems) = try Dataset.survey(specification, rename: renaming)
            return [(specification, data, problems)]
        }
        let splits = try context.withHub {
            try Pretrained.dataset(specification, rename: renaming, hub: $0)
        }
        return splits.splits.map { name, data in
            (splits.count > 1 ? "\(specification) \(name)" : specification, data, [])
        }
    }

    /// Whether `name` is taken for a model.
    private static func isModel(_ name: String) -> Bool {
        if FileBytes.isFolder(name) {
            return ["/config.json", "/modules.json"].contains { FileBytes.exists(name + $0) }
        }
        if FileBytes.exists(name) || Dataset.isDataFile(named: name) { return false }
        return !name.contains(where: { ":#,".contains($0) }) && (try? HubName.parse(name)) != nil
    }

    private func show(_ report: ModelReport, in context: Context) throws {
        if json {
            try context.print(report.json(withParameters: parameters))
        } else {
            try context.output(report.text)
            if parameters { try context.output("\nParameters\n" + report.parameterTable) }
        }
    }
}
