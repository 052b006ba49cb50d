internal import Files
public import Tracking

extension RunTable {
    /// All that is recorded of a run, one fact a line, with the course of the loss as a line of bars.
    public static func show(
        _ details: RunDetails, style: ProgressBar.Style = .blocks
    ) -> String {
        var text = TextColumns.aligned(facts(details), right: [])
        text += lossCourse(details.metrics, style)
        text += section(
            "Evaluations", evaluations(details.evaluations, details.gains), right: [4])
        text += section("What trains", weights(details.weights), right: [1, 2, 3, 4, 5, 6])
        text += section("Data", details.datasets.map(dataset), right: [0, 2])
        text += examples("Worst rows, by mean loss", details.worstExamples.map(example))
        text += examples("Suspected false negatives", details.falseNegatives.map(falseNegative))
        text += section(
            "Checkpoints",
            details.checkpoints.map {
                ["\($0.step)", NumberText.bytes($0.bytes), Timestamp.local($0.writtenAt), $0.path]
            }, right: [0, 1])
        text += section("Settings", details.parameters.map { [$0.name, $0.value] })
        text += section(
            "Events", details.events.map { [Timestamp.local($0.time), $0.level, $0.text] })
        return text
    }

    private static func facts(_ details: RunDetails) -> [[String]] {
        let run = details.run
        var facts: [[String]] = [["Run", run.id]]
        if run.name != run.id { facts.append(["Name", run.name]) }
        facts += [
            ["Status", status(run) + (run.message.isEmpty ? "" : ": " + run.message)],
            ["Folder", run.directory], ["Model", run.model], ["Data", run.dataset],
            [
                "Rows",
                "\(run.trainRows) train, \(run.validationRows) validation, \(run.testRows) test",
            ],
            ["Records", run.recordKind], ["Strategy", run.strategy], ["Loss function", run.loss],
            ["Parameters", "\(run.parameters), \(run.trainableParameters) of them trained"],
            ["Epochs", "\(run.epochs)"], ["Batch size", "\(run.batchSize)"],
            ["Learning rate", NumberText.shortest(run.learningRate)], ["Seed", "\(run.seed)"],
            ["Steps", "\(run.steps) of \(run.totalSteps)"],
            ["Device", "\(run.device), \(run.threads) threads, host \(run.host)"],
            ["Started", Timestamp.local(run.startedAt)],
        ]
        if let end = run.finishedAt { facts.append(["Ended", Timestamp.local(end)]) }
        if run.seconds > 0 { facts.append(["Time", NumberText.clock(run.seconds)]) }
        if let model = run.savedModel { facts.append(["Saved model", model]) }
        if let speed = StepSpeed(details.metrics) { facts.append(["Speed", speed.description]) }
        return facts
    }

    private static func lossCourse(_ metrics: [MetricRow], _ style: ProgressBar.Style) -> String {
        guard let first = metrics.first, let last = metrics.last else { return "" }
        let bars = Sparkline.text(metrics.map { $0.loss ?? .nan }, width: 60, style: style)
        return "\nLoss  \(number(first.loss)) \(bars) \(number(last.loss))\n"
    }

    private static func evaluations(_ rows: [EvaluationRow], _ gains: [GainRow]) -> [[String]] {
        rows.map { row in
            let value =
                row.name == "rows" ? row.value.map { NumberText.fixed($0, decimals: 0) } : nil
            let gain = gains.first {
                ($0.step, $0.phase) == (row.step, row.phase)
                    && $0.dataset.utf8.elementsEqual(row.dataset.utf8)
                    && $0.name.utf8.elementsEqual(row.name.utf8)
            }
            return [
                row.phase == "epoch" ? "epoch \(row.epoch)" : row.phase, "step \(row.step)",
                row.dataset, row.name, value ?? number(row.value), gain.map(text) ?? "",
            ]
        }
    }

    private static func text(_ gain: GainRow) -> String {
        let percent = NumberText.fixed(gain.confidence * 100, decimals: 0)
        return "\(difference(gain.difference)), "
            + "\(percent) % interval \(difference(gain.low)) to \(difference(gain.high))"
    }

    /// What of a model trains, as a table; layers of one kind share a line.
    public static func whatTrains(_ weights: [WeightInfo]) -> String {
        let rows = weights.map { info in
            WeightRow(
                name: info.name, shape: info.shape, count: info.count, training: info.training,
                learningRate: info.learningRate, weightDecay: info.weightDecay)
        }
        return TextColumns.aligned(RunTable.weights(rows), right: [1, 2, 3, 4, 5, 6])
    }

    private static func weights(_ rows: [WeightRow]) -> [[String]] {
        if rows.isEmpty { return [] }
        let groups = WeightGroup.groups(of: rows)
        let all = groups.reduce(0) { $0 + $1.training }
        func share(_ part: Int, _ whole: Int) -> String {
            whole > 0
                ? NumberText.fixed(Double(part) / Double(whole) * 100, decimals: 1) + " %" : "-"
        }
        var lines = [["WEIGHTS", "TENSORS", "NUMBERS", "TRAIN", "SHARE", "RATE", "DECAY"]]
        lines += groups.map { group in
            let rate = group.training > 0 ? NumberText.shortest(group.learningRate) : "frozen"
            return [
                group.pattern, "\(group.tensors)", "\(group.count)", "\(group.training)",
                share(group.training, all), rate,
                group.training > 0 ? NumberText.shortest(group.weightDecay) : "-",
            ]
        }
        let count = groups.reduce(0) { $0 + $1.count }
        lines.append([
            "all", "\(rows.count)", "\(count)", "\(all)", share(all, count) + " of all", "", "",
        ])
        return lines
    }

    private static func dataset(_ data: DatasetRow) -> [String] {
        let texts =
            data.storedRows == 0
            ? "texts not stored"
            : data.storedRows < data.rows ? "texts of \(data.storedRows) rows" : "texts stored"
        return [
            "\(data.dataset)", data.name, "\(data.rows)", data.recordKind, texts, data.fingerprint,
        ]
    }
}

/// How fast steps were made.
struct StepSpeed: CustomStringConvertible {
    var rows: Double
    var tokens: Double

    /// `nil` where nothing took time.
    init?(_ metrics: some Collection<MetricRow>) {
        let seconds = metrics.reduce(0) { $0 + $1.seconds }
        guard seconds > 0 else { return nil }
        rows = Double(metrics.reduce(0) { $0 + $1.rows }) / seconds
        tokens = Double(metrics.reduce(0) { $0 + $1.tokens }) / seconds
    }

    var description: String {
        NumberText.fixed(rows, decimals: 1) + " rows/s, " + NumberText.fixed(tokens, decimals: 0)
            + " tokens/s"
    }
}
