public import Files
public import Tracking

extension RunTable {
    /// How a watched run stands, as lines of at most `columns` columns: the run, a progress bar, the course of the
    /// loss, the last step, the last evaluation, the last event.
    public static func progress(
        _ watcher: RunWatcher, columns: Int, style: ProgressBar.Style
    ) -> [String] {
        let run = watcher.run
        var lines = [heading(run)]
        lines.append(bar(watcher).text(width: columns, style: style))
        let losses = watcher.losses
        if let first = losses.first, let last = losses.last {
            let (from, to) = (number(first), number(last))
            let width = max(1, min(60, columns - from.utf8.count - to.utf8.count - 8))
            let curve = Sparkline.text(losses, width: width, style: style)
            lines.append("loss  \(from) \(curve) \(to)")
        }
        if let step = watcher.recent.last {
            var parts = [
                "step \(step.step)", "loss \(number(step.loss))",
                "learning rate \(NumberText.shortest(step.learningRate))",
            ]
            if let norm = step.gradientNorm { parts.append("gradient norm \(number(norm))") }
            if let speed = StepSpeed(watcher.recent) { parts.append(speed.description) }
            lines.append(parts.joined(separator: ", "))
        }
        if !watcher.lastEvaluations.isEmpty {
            lines += evaluationLines(watcher.lastEvaluations)
        }
        if let event = watcher.lastEvent {
            lines.append("\(Timestamp.local(event.time))  \(event.level)  \(event.text)")
        }
        return lines.map { TextColumns.clipped($0, to: columns) }
    }

    /// One line about which run is watched.
    public static func heading(_ run: RunRow) -> String {
        let parts = [run.id, run.state.rawValue, short(run.model), short(run.dataset)]
        return TextColumns.printable(parts.joined(separator: "  "))
    }

    /// What changed in a watched run, a line for each change, for a log.
    public static func lines(_ change: RunWatcher.Change, _ watcher: RunWatcher) -> [String] {
        var lines: [String] = []
        if change.hasSteps, let step = watcher.recent.last {
            lines.append(
                bar(watcher).plainText + ", step loss \(number(step.loss)), learning rate "
                    + NumberText.shortest(step.learningRate))
        }
        lines += evaluationLines(change.evaluations)
        lines += change.events.map { "\($0.level): \($0.text)" }
        return lines.map(TextColumns.printable)
    }

    /// One line about how a run ended, or stands.
    public static func outcome(_ run: RunRow) -> String {
        var parts = ["\(run.id): \(status(run))", "\(run.steps) of \(run.totalSteps) steps"]
        if run.seconds > 0 { parts.append("time \(NumberText.clock(run.seconds))") }
        if let loss = run.lastLoss { parts.append("loss \(number(loss))") }
        if change(run) != "-" { parts.append("spearman \(change(run))") }
        if !run.message.isEmpty { parts.append(run.message) }
        return TextColumns.printable(parts.joined(separator: ", "))
    }

    /// What changed in a watched run and how it stands, as an object for programs.
    public static func json(_ change: RunWatcher.Change, _ watcher: RunWatcher) -> JSON {
        let (run, step) = (watcher.run, watcher.recent.last)
        let speed = StepSpeed(watcher.recent)
        func optional(_ value: Double?) -> JSON { value.map(JSON.double) ?? .null }
        return [
            "run": .string(run.id), "status": .string(run.state.rawValue),
            "message": .string(run.message), "step": .int(run.steps),
            "total_steps": .int(run.totalSteps), "epoch": step.map { .int($0.epoch) } ?? .null,
            "loss": optional(step?.loss), "mean_loss": optional(step?.meanLoss),
            "learning_rate": optional(step?.learningRate),
            "rows_per_second": optional(speed?.rows),
            "tokens_per_second": optional(speed?.tokens),
            "remaining_seconds": optional(watcher.remainingSeconds),
            "evaluations": .array(change.evaluations.map(\.json)),
            "events": .array(change.events.map(\.json)),
        ]
    }

    private static func bar(_ watcher: RunWatcher) -> ProgressBar {
        let run = watcher.run
        let epoch = watcher.recent.last?.epoch ?? 0
        return ProgressBar(
            description: "Epoch \(epoch)/\(run.epochs) - loss: \(number(run.lastLoss))",
            done: max(0, run.steps), total: run.totalSteps, elapsed: watcher.stepSeconds)
    }

    /// A line for each moment and data set.
    private static func evaluationLines(_ rows: [EvaluationRow]) -> [String] {
        var lines: [(place: String, values: [String])] = []
        for row in rows {
            let moment = row.phase == "epoch" ? "epoch \(row.epoch)" : row.phase
            let place = "\(moment), step \(row.step), \(row.dataset)"
            let value = row.value.map {
                NumberText.fixed($0, decimals: row.name == "rows" ? 0 : 4)
            }
            if lines.last?.place != place { lines.append((place, [])) }
            lines[lines.count - 1].values.append("\(row.name) \(value ?? "-")")
        }
        return lines.map { "\($0.place): \($0.values.joined(separator: ", "))" }
    }
}

extension RunWatcher {
    /// How long the steps that are left will take if they go on as so far; `nil` where nothing tells.
    public var remainingSeconds: Double? {
        guard !losses.isEmpty, run.totalSteps > 0 else { return nil }
        return Double(max(0, run.totalSteps - run.steps)) * stepSeconds / Double(losses.count)
    }
}
