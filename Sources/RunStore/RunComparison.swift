public import Files
internal import GRDB
public import Tracking

/// Two runs side by side.
public struct RunComparison: Sendable {
    /// One number of both runs; `nil` where a run does not have it.
    public struct Metric: Sendable, Equatable {
        /// `before`, `step`, `epoch` or `after`.
        public var phase: String
        /// The epoch it follows; 0 before and after training, as two runs may have different numbers of them.
        public var epoch: Int
        /// The step it follows, in the phase `step`; elsewhere 0, as the steps of two runs may differ.
        public var step: Int
        /// The data set.
        public var dataset: String
        /// What was measured.
        public var name: String
        /// The first run's value.
        public var first: Double?
        /// The second run's value.
        public var second: Double?
    }

    /// One run.
    public var first: RunRow
    /// The other.
    public var second: RunRow
    /// The settings in which they differ, sorted by name.
    public var differences: [ParameterDifference]
    /// What was measured in either.
    public var metrics: [Metric]
    /// The course of the first run's loss; NaN where there is no number.
    public var firstCurve: [Double]
    /// The course of the second run's loss.
    public var secondCurve: [Double]

    private static let curvePoints = 60

    fileprivate init(_ database: RunDatabase, _ db: Database, _ a: RunRow, _ b: RunRow) throws {
        (first, second) = (a, b)
        differences = try database.differences(db, a.id, b.id)
        metrics = try database.comparedMetrics(db, a.id, b.id)
        firstCurve = try database.lossCurve(db, a.id, points: RunComparison.curvePoints)
        secondCurve = try database.lossCurve(db, b.id, points: RunComparison.curvePoints)
    }

    /// Everything as an object: `first`, `second`, `differences`, `metrics`, `loss_curves`.
    public var json: JSON {
        [
            "first": first.json, "second": second.json,
            "differences": .array(differences.map(\.json)), "metrics": .array(metrics.map(\.json)),
            "loss_curves": [
                "first": .array(firstCurve.map(JSON.double)),
                "second": .array(secondCurve.map(JSON.double)),
            ],
        ]
    }
}

extension RunComparison.Metric {
    fileprivate var json: JSON {
        [
            "phase": .string(phase), "epoch": .int(epoch), "step": .int(step),
            "dataset": .string(dataset), "name": .string(name),
            "first": first.map(JSON.double) ?? .null, "second": second.map(JSON.double) ?? .null,
        ]
    }
}

extension RunDatabase {
    /// Two runs side by side, at one moment.
    public func comparison(_ first: String, _ second: String) throws -> RunComparison {
        try read { db in
            try RunComparison(self, db, try row(db, of: first), try row(db, of: second))
        }
    }

    fileprivate func comparedMetrics(
        _ db: Database, _ a: String, _ b: String
    ) throws -> [RunComparison.Metric] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT phase, CASE WHEN phase IN ('step', 'epoch') THEN epoch ELSE 0 END AS pass,
                    CASE phase WHEN 'step' THEN step ELSE 0 END AS place, dataset, name,
                    MAX(CASE WHEN run = :a THEN value END) AS a,
                    MAX(CASE WHEN run = :b THEN value END) AS b
                FROM evaluations WHERE run IN (:a, :b)
                GROUP BY phase, pass, place, dataset, name
                ORDER BY CASE phase WHEN 'before' THEN 0 WHEN 'after' THEN 2 ELSE 1 END, pass,
                    \(RunDatabase.phaseOrder), place, dataset, name
                """, arguments: ["a": a, "b": b]
        ).map { row in
            RunComparison.Metric(
                phase: try row.decode(forColumn: "phase"),
                epoch: try row.decode(forColumn: "pass"),
                step: try row.decode(forColumn: "place"),
                dataset: try row.decode(forColumn: "dataset"),
                name: try row.decode(forColumn: "name"), first: try row.decode(forColumn: "a"),
                second: try row.decode(forColumn: "b"))
        }
    }
}

extension RunTable {
    /// The settings in which two runs differ, how their results compare, and the course of both losses. What was
    /// measured within epochs is left out.
    public static func compare(
        _ comparison: RunComparison, style: ProgressBar.Style = .blocks
    ) -> String {
        let (first, second) = (comparison.first, comparison.second)
        var lines = [["", first.id, second.id]]
        lines.append(["status", status(first), status(second)])
        lines.append(["steps", "\(first.steps)", "\(second.steps)"])
        lines.append(["loss", number(first.lastLoss), number(second.lastLoss)])
        lines.append([
            "time", NumberText.clock(first.seconds), NumberText.clock(second.seconds),
        ])
        for difference in comparison.differences {
            lines.append([difference.name, difference.first ?? "-", difference.second ?? "-"])
        }
        return TextColumns.aligned(lines, right: []) + results(comparison)
            + curves(comparison, style)
    }

    private static func results(_ comparison: RunComparison) -> String {
        let shown = comparison.metrics.filter { $0.phase != "step" && $0.name != "rows" }
        if shown.isEmpty { return "" }
        let lines = shown.map { metric in
            let values = [metric.first, metric.second].compactMap { $0 }
            return [
                metric.phase == "epoch" ? "epoch \(metric.epoch)" : metric.phase, metric.dataset,
                metric.name, number(metric.first), number(metric.second),
                difference(values.count == 2 ? values[1] - values[0] : nil),
            ]
        }
        let headings = ["WHEN", "DATA", "METRIC", "FIRST", "SECOND", "DIFFERENCE"]
        return section("Results", [headings] + lines, right: [3, 4, 5])
    }

    private static func curves(_ comparison: RunComparison, _ style: ProgressBar.Style) -> String {
        let lines = [
            (comparison.first, comparison.firstCurve), (comparison.second, comparison.secondCurve),
        ].compactMap { run, curve in
            curve.isEmpty ? nil : [run.id, Sparkline.text(curve, width: curve.count, style: style)]
        }
        return section("Loss, each between its own extremes", lines)
    }
}
