import ArgumentParser
import Uniem

/// `uniem inspect`: what a model or a data set is.
struct InspectCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a model or a data set is.",
        discussion: """
            A folder with config.json or modules.json is a model; everything else is read as a data set.

            Example:
              uniem inspect Datasets/pairs.train.jsonl
            """)

    @Argument(help: "A model folder, or a data set as finetune reads it.")
    var modelOrDataset: String

    @Flag(help: "Models: list the names and shapes of all parameters.")
    var parameters = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Data sets: new names for columns.", valueName: "old=new"))
    var rename: [Renaming] = []

    @Flag(help: "Write one JSON object.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    func validate() throws { try Check.filled("MODEL_OR_DATASET", modelOrDataset) }

    func run(in context: Context) throws {
        let isModel = ["/config.json", "/modules.json"].contains {
            FileBytes.exists(modelOrDataset + $0)
        }
        if isModel {
            guard rename.isEmpty else {
                throw ValidationError("--rename is for data sets; \(modelOrDataset) is a model")
            }
            try show(try ModelReport(folder: modelOrDataset), in: context)
        } else {
            guard !parameters else {
                throw ValidationError("--parameters is for models; \(modelOrDataset) is none")
            }
            let data = try Dataset.load(modelOrDataset, rename: rename.map { ($0.old, $0.new) })
            let report = DatasetReport(data)
            if json {
                try context.print(report.json(specification: modelOrDataset))
            } else {
                try context.output(report.text)
            }
        }
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
