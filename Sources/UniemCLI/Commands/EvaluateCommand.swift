import ArgumentParser
import Uniem

/// `uniem evaluate`: measures a model on labelled rows.
struct EvaluateCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how good a model is on a data set.",
        discussion: """
            Scored pairs: Spearman's and Pearson's correlation of cosines with labels. Pairs: recall@1 and mean \
            reciprocal rank of each text's positive among all positives. Triplets: the share of rows whose text is \
            closer to its positive than to its negative.

            Example:
              uniem evaluate Runs/my-run/model --dataset stsbenchmark.tsv.gz#split=test
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions

    @Flag(help: "Write one JSON object, with all digits.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    func run(in context: Context) throws {
        let folder = try model.folder(in: context)
        let rows = try data.load(data.dataset, as: "data", split: "test", in: context)
        let embedder = try model.load(folder, in: context)
        let prompt = try model.prompt(of: embedder)
        let metrics = context.logger.timed("evaluated") {
            Evaluator.evaluate(
                embedder, on: rows, maxLength: model.maxLength, prompt: prompt,
                threads: model.threads)
        }
        if json {
            let facts: [(key: String, value: JSON)] = [
                ("model", .string(model.model)), ("dataset", .string(data.dataset)),
                ("record_kind", .string(rows.kind.rawValue)), ("rows", .int(rows.count)),
                ("pooling", .string(Pooling.name(of: embedder.poolings))),
            ]
            try context.print(
                .object(facts + metrics.map { (key: $0.name, value: .double($0.value)) }))
        } else {
            for (name, value) in metrics { try context.print("\(name) \(Metric.text(value))") }
        }
    }
}
