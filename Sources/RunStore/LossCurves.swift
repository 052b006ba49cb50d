internal import GRDB

extension RunDatabase {
    /// The course of the loss of each of `runs`, averaged into at most `points` numbers; NaN where a stretch has no
    /// number.
    public func lossCurves(of runs: [RunRow], points: Int) throws -> [[Double]] {
        precondition(points >= 1, "RunDatabase.lossCurves: \(points) points")
        return try read { db in try runs.map { try lossCurve(db, $0.id, points: points) } }
    }

    func lossCurve(_ db: Database, _ id: String, points: Int) throws -> [Double] {
        let range = try Row.fetchOne(
            db, sql: "SELECT MIN(step) AS first, MAX(step) AS last FROM metrics WHERE run = ?",
            arguments: [id])
        let ends: (Int?, Int?) = (
            try range?.decode(forColumn: "first"), try range?.decode(forColumn: "last")
        )
        guard case (let first?, let last?) = ends else { return [] }
        let span = last.subtractingReportingOverflow(first)
        guard !span.overflow, span.partialValue < 1 << 40 else { return [] }
        let count = min(points, span.partialValue + 1)
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT (step - :first) * :count / :span AS place, AVG(loss) AS loss FROM metrics
                WHERE run = :run AND abs(loss) < 1e300 GROUP BY place
                """,
            arguments: [
                "run": id, "first": first, "count": count, "span": span.partialValue + 1,
            ])
        var curve = [Double](repeating: .nan, count: count)
        for row in rows {
            let place: Int = try row.decode(forColumn: "place")
            if curve.indices.contains(place) { curve[place] = try row.decode(forColumn: "loss") }
        }
        return curve
    }
}
