import ArgumentParser
import Uniem

/// `uniem evaluate`: measures a model on labelled rows.
struct EvaluateCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how good a model is on a data set.",
        discussion: """
            Scored pairs: Spearman's and Pearson's correlation of cosines with labels; where the labels are 0 and 1 \
            also what a threshold can do (average precision, best accuracy, best F1). Pairs: how well each text finds \
            its positives among all positives (recall, MRR, nDCG, MAP); a text in several rows has several. Triplets: \
            the share of rows whose text is closer to its positive than to its negative, then the same search among \
            positives and negatives.

            An interval says between which values a metric would lie with other rows of the same kind: a bootstrap \
            of 1000 resamples, the same in every run. That of the main metric (spearman, ndcg@10, accuracy) is \
            printed, with --json those of all. With --compare both models get the same resamples: a difference whose \
            interval does not hold 0 is hardly luck.

            Example:
              uniem evaluate Runs/my-run/model --dataset stsbenchmark.tsv.gz#split=test
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(
        help: ArgumentHelp(
            "Another model, read with the same options: show how far MODEL is ahead of it. (default: none)",
            valueName: "model"))
    var compare: String?

    @Option(help: "The share of resamples that an interval holds. (default: 0.95)")
    var confidence: Double?

    @Flag(inversion: .prefixedNo, help: "Show intervals.")
    var intervals = true

    @Flag(help: "Write one JSON object, with all digits.")
    var json = false

    @OptionGroup var logging: LoggingOptions

    func validate() throws {
        try Check.filled("--compare", compare)
        try Check.number("--confidence", confidence, "a share above 0 and below 1, such as 0.95") {
            $0 > 0 && $0 < 1
        }
        if confidence != nil && !intervals {
            throw ValidationError("--confidence is for intervals; leave out --no-intervals")
        }
    }

    func run(in context: Context) throws {
        var models = [model]
        if let compare {
            models.append(model)
            models[1].model = compare
        }
        let folders = try models.map { try $0.folder(in: context) }
        let rows = try data.load(data.dataset, as: "data", split: "test", in: context)
        // One model at a time in memory.
        let measured = try zip(models, folders).map { options, folder in
            try measure(options, folder: folder, on: rows, in: context)
        }
        let report = EvaluationReport(
            measured: measured, confidence: intervals ? confidence ?? 0.95 : nil)
        if json {
            let facts: [(key: String, value: JSON)] = [
                ("model", .string(model.model)), ("dataset", .string(data.dataset)),
                ("record_kind", .string(rows.kind.rawValue)), ("rows", .int(rows.count)),
            ]
            try context.print(.object(facts + report.members))
        } else {
            try context.output(report.text)
        }
    }

    private func measure(
        _ options: ModelOptions, folder: String, on rows: Dataset, in context: Context
    ) throws -> EvaluationReport.Measured {
        let embedder = try options.load(folder, in: context)
        let prompt = try options.givenPrompt(of: embedder)
        let evaluation = context.logger.timed("evaluated") {
            Evaluator.measure(
                embedder, on: rows, maxLength: options.maxLength, prompt: prompt,
                threads: options.threads)
        }
        return EvaluationReport.Measured(
            model: options.model, pooling: Pooling.name(of: embedder.poolings),
            evaluation: evaluation)
    }
}

/// What one model, or two of them, came to.
private struct EvaluationReport {
    struct Measured {
        var model: String
        var pooling: String
        var evaluation: Evaluation
    }

    /// The model, and perhaps another that it is compared with.
    var measured: [Measured]
    /// The level of intervals; `nil` for none.
    var confidence: Double?

    private var evaluation: Evaluation { measured[0].evaluation }

    /// Metrics of which more is better: thresholds are none.
    private var comparable: [String] {
        evaluation.task.metrics.filter { !$0.hasSuffix("_threshold") }
    }

    private func intervals(
        _ names: [String]
    ) -> [(name: String, interval: Evaluation.Interval)] {
        confidence.map { evaluation.intervals(of: names, confidence: $0) } ?? []
    }

    /// How far the model is ahead of `other`; with intervals where they are asked for.
    private func differences(
        from other: Evaluation
    ) -> [(name: String, value: Double, interval: Evaluation.Interval?)] {
        guard let confidence else {
            return comparable.map { name in
                let values = [evaluation, other].map { $0.value(of: name) ?? .nan }
                return (name, values[0] - values[1], nil)
            }
        }
        return evaluation.differences(from: other, metrics: comparable, confidence: confidence)
            .map { ($0.name, $0.interval.value, $0.interval) }
    }

    // MARK: For people

    var text: String {
        var lines = evaluation.values.map { "\($0.name) \(Metric.text($0.value))" }
        for (name, interval) in intervals([evaluation.mainMetric]) {
            lines.append("\(name), \(level): \(range(interval, Metric.text))")
        }
        for other in measured.dropFirst() {
            lines += ["", "compared with \(other.model):"]
            for (name, difference, interval) in differences(from: other.evaluation) {
                let gain = interval.map { ", \(level): \(range($0, signed))" } ?? ""
                lines.append(
                    "\(name) \(value(name, of: other)) -> \(value(name, of: measured[0])) "
                        + "(\(signed(difference))\(gain))")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private var level: String {
        var percent = NumberText.fixed(100 * (confidence ?? 0.95), decimals: 4)
        while percent.hasSuffix("0") { percent.removeLast() }
        if percent.hasSuffix(".") { percent.removeLast() }
        return percent + " % interval"
    }

    private func range(_ interval: Evaluation.Interval, _ text: (Double) -> String) -> String {
        "\(text(interval.low)) to \(text(interval.high))"
    }

    private func value(_ name: String, of measured: Measured) -> String {
        Metric.text(measured.evaluation.value(of: name) ?? .nan)
    }

    private func signed(_ value: Double) -> String {
        (value >= 0 ? "+" : "") + Metric.text(value)
    }

    // MARK: For programs

    /// From the pooling on.
    var members: [(key: String, value: JSON)] {
        var members = metrics(of: measured[0])
        if let confidence {
            members.append(("confidence", .double(confidence)))
            members.append(
                (
                    "intervals",
                    .object(
                        intervals(comparable).map { name, interval in
                            (name, .array([.double(interval.low), .double(interval.high)]))
                        })
                ))
        }
        for other in measured.dropFirst() {
            let differences = differences(from: other.evaluation).map { name, value, interval in
                var difference: JSON = ["value": .double(value)]
                if let interval {
                    difference.set("low", .double(interval.low))
                    difference.set("high", .double(interval.high))
                }
                return (key: name, value: difference)
            }
            members.append(
                (
                    "compare",
                    .object(
                        [("model", .string(other.model))] + metrics(of: other)
                            + [("differences", .object(differences))])
                ))
        }
        return members
    }

    private func metrics(of measured: Measured) -> [(key: String, value: JSON)] {
        [("pooling", .string(measured.pooling))]
            + measured.evaluation.values.map { (key: $0.name, value: .double($0.value)) }
    }
}
