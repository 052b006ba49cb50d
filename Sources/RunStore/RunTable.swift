internal import Files
internal import Tracking

/// Runs as text for people and as JSON for programs.
public enum RunTable {
    /// One line a run under a line of headings: identity, start (local time), state, model, data, loss,
    /// Spearman before -> after, time.
    public static func list(_ rows: [RunRow]) -> String {
        if rows.isEmpty { return "no runs yet\n" }
        let headings = ["RUN", "STARTED", "STATUS", "MODEL", "DATA", "LOSS", "SPEARMAN", "TIME"]
        let lines = rows.map { run in
            [
                run.id, Timestamp.local(run.startedAt), status(run), short(run.model),
                short(run.dataset), number(run.lastLoss), change(run),
                run.seconds > 0 ? NumberText.clock(run.seconds) : "-",
            ]
        }
        return TextColumns.aligned([headings] + lines, right: [5, 7])
    }

    /// All that is recorded of a run, one fact a line, with the course of the loss as a line of bars.
    public static func show(_ details: RunDetails) -> String {
        let run = details.run
        var facts: [[String]] = [
            ["Run", run.id], ["Name", run.name], ["Status", status(run)],
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
        if !run.message.isEmpty { facts[2][1] += ": " + run.message }
        if run.name == run.id { facts.remove(at: 1) }
        if let end = run.finishedAt { facts.append(["Ended", Timestamp.local(end)]) }
        if run.seconds > 0 { facts.append(["Time", NumberText.clock(run.seconds)]) }
        if let model = run.savedModel { facts.append(["Saved model", model]) }
        if let speed = speed(details.metrics) { facts.append(["Speed", speed]) }
        var text = TextColumns.aligned(facts, right: [])
        text += lossCourse(details.metrics)
        text += section("Evaluations", evaluationTable(details.evaluations), right: [4])
        text += section(
            "Checkpoints",
            details.checkpoints.map {
                ["\($0.step)", NumberText.bytes($0.bytes), Timestamp.local($0.writtenAt), $0.path]
            }, right: [0, 1])
        text += section("Settings", details.parameters.map { [$0.name, $0.value] }, right: [])
        text += section(
            "Events", details.events.map { [Timestamp.local($0.time), $0.level, $0.text] },
            right: [])
        return text
    }

    /// The settings in which two runs differ, and how their results compare.
    public static func compare(
        _ first: RunRow, _ second: RunRow, _ differences: [ParameterDifference]
    ) -> String {
        var lines = [["", first.id, second.id]]
        lines.append(["status", status(first), status(second)])
        lines.append(["steps", "\(first.steps)", "\(second.steps)"])
        lines.append(["loss", number(first.lastLoss), number(second.lastLoss)])
        lines.append(["spearman", change(first), change(second)])
        for difference in differences {
            lines.append([difference.name, difference.first ?? "-", difference.second ?? "-"])
        }
        return TextColumns.aligned(lines, right: [])
    }

    // MARK: Parts

    private static func status(_ run: RunRow) -> String {
        switch run.state {
        case .running, .interrupted, .crashed:
            let percent =
                run.totalSteps > 0 ? min(1, Double(run.steps) / Double(run.totalSteps)) : 0
            return "\(run.state.rawValue) \(NumberText.fixed(percent * 100, decimals: 0))%"
        case .finished, .failed: return run.state.rawValue
        }
    }

    private static func number(_ value: Double?) -> String {
        value.map { NumberText.fixed($0, decimals: 4) } ?? "-"
    }

    private static func change(_ run: RunRow) -> String {
        if run.spearmanBefore == nil && run.spearmanAfter == nil { return "-" }
        return number(run.spearmanBefore) + " -> " + number(run.spearmanAfter)
    }

    /// The last part of a path or hub name.
    private static func short(_ name: String) -> String {
        let first = String(name.prefix { $0 != "," })
        return FileBytes.name(of: first) + (first.utf8.count < name.utf8.count ? ",..." : "")
    }

    private static func speed(_ metrics: [MetricRow]) -> String? {
        let seconds = metrics.reduce(0) { $0 + $1.seconds }
        guard seconds > 0 else { return nil }
        let rows = Double(metrics.reduce(0) { $0 + $1.rows }) / seconds
        let tokens = Double(metrics.reduce(0) { $0 + $1.tokens }) / seconds
        return NumberText.fixed(rows, decimals: 1) + " rows/s, "
            + NumberText.fixed(tokens, decimals: 0) + " tokens/s"
    }

    private static func lossCourse(_ metrics: [MetricRow]) -> String {
        guard let first = metrics.first, let last = metrics.last else { return "" }
        let bars = Sparkline.text(metrics.map { $0.loss ?? .nan }, width: 60)
        return "\nLoss  \(number(first.loss)) \(bars) \(number(last.loss))\n"
    }

    private static func evaluationTable(_ rows: [EvaluationRow]) -> [[String]] {
        rows.map { row in
            let value =
                row.name == "rows" ? row.value.map { NumberText.fixed($0, decimals: 0) } : nil
            return [
                row.phase == "epoch" ? "epoch \(row.epoch)" : row.phase, "step \(row.step)",
                row.dataset, row.name, value ?? number(row.value),
            ]
        }
    }

    private static func section(_ title: String, _ lines: [[String]], right: Set<Int>) -> String {
        if lines.isEmpty { return "" }
        let table = TextColumns.aligned(lines, right: right)
        let indented = table.split(separator: "\n").map { "  \($0)\n" }.joined()
        return "\n\(title)\n\(indented)"
    }
}
