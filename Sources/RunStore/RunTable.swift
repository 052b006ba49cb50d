internal import Files
public import Tracking

/// Runs as text for people. What comes from outside cannot steer the terminal.
public enum RunTable {
    /// How many numbers the curves of ``list(_:curves:style:columns:)`` should have.
    public static let listCurvePoints = 16

    /// One line a run under a line of headings: identity, start (local time), state, model, data, loss, its course,
    /// Spearman before -> after, time.
    ///
    /// The course is there where `curves` has one for each run, and lines do not become wider than `columns` by it
    /// (0: no matter how wide).
    public static func list(
        _ rows: [RunRow], curves: [[Double]]? = nil, style: ProgressBar.Style = .blocks,
        columns: Int = 0
    ) -> String {
        precondition(
            curves == nil || curves?.count == rows.count,
            "RunTable.list: \(curves?.count ?? 0) curves of \(rows.count) runs")
        if rows.isEmpty { return "no runs yet\n" }
        var lines = [["RUN", "STARTED", "STATUS", "MODEL", "DATA", "LOSS", "SPEARMAN", "TIME"]]
        lines += rows.map { run in
            [
                run.id, Timestamp.local(run.startedAt), status(run), short(run.model),
                short(run.dataset), number(run.lastLoss), change(run),
                run.seconds > 0 ? NumberText.clock(run.seconds) : "-",
            ]
        }
        let plain = TextColumns.aligned(lines, right: [5, 7])
        guard let curves else { return plain }
        lines[0].insert("CURVE", at: 6)
        for (index, curve) in curves.enumerated() {
            lines[index + 1].insert(
                Sparkline.text(curve, width: listCurvePoints, style: style), at: 6)
        }
        let text = TextColumns.aligned(lines, right: [5, 8])
        let widest = text.split(separator: "\n").map { TextColumns.width(String($0)) }.max() ?? 0
        return columns > 0 && widest > columns ? plain : text
    }

    // MARK: Parts

    static func status(_ run: RunRow) -> String {
        switch run.state {
        case .running, .interrupted, .crashed:
            let percent =
                run.totalSteps > 0 ? min(1, Double(run.steps) / Double(run.totalSteps)) : 0
            return "\(run.state.rawValue) \(NumberText.fixed(percent * 100, decimals: 0))%"
        case .finished, .failed: return run.state.rawValue
        }
    }

    static func number(_ value: Double?) -> String {
        value.map { NumberText.fixed($0, decimals: 4) } ?? "-"
    }

    /// With a sign.
    static func difference(_ value: Double?) -> String {
        value.map { ($0 >= 0 ? "+" : "") + NumberText.fixed($0, decimals: 4) } ?? "-"
    }

    static func change(_ run: RunRow) -> String {
        if run.spearmanBefore == nil && run.spearmanAfter == nil { return "-" }
        return number(run.spearmanBefore) + " -> " + number(run.spearmanAfter)
    }

    /// The last part of a path or hub name.
    static func short(_ name: String) -> String {
        let first = String(name.prefix { $0 != "," })
        return FileBytes.name(of: first) + (first.utf8.count < name.utf8.count ? ",..." : "")
    }

    static func section(_ title: String, _ lines: [[String]], right: Set<Int> = []) -> String {
        if lines.isEmpty { return "" }
        let table = TextColumns.aligned(lines, right: right)
        let indented = table.split(separator: "\n").map { "  \($0)\n" }.joined()
        return "\n\(title)\n\(indented)"
    }
}
