internal import Files
internal import GRDB

/// Writes what is recorded of one run, for other programs, as of one moment.
public struct RunExport {
    /// A table of the database, as far as it is of the run.
    public enum Table: String, Sendable, CaseIterable {
        /// The run itself: one row.
        case runs
        /// Its settings.
        case parameters
        /// The parameters of its model.
        case weights
        /// Its steps.
        case metrics
        /// What was measured.
        case evaluations
        /// How much that changed since before training.
        case gains
        /// Its checkpoints.
        case checkpoints
        /// What happened.
        case events
        /// What it trained on.
        case datasets
        /// The texts of that.
        case examples
        /// What its steps showed of single rows.
        case evidence

        fileprivate var sql: String {
            switch self {
            case .runs: "SELECT * FROM runs WHERE id = ?"
            case .parameters: "SELECT * FROM parameters WHERE run = ? ORDER BY name"
            case .weights: "SELECT * FROM weights WHERE run = ? ORDER BY rowid"
            case .metrics: "SELECT * FROM metrics WHERE run = ? ORDER BY step"
            case .evaluations, .gains:
                """
                SELECT * FROM \(rawValue) WHERE run = ?
                ORDER BY step, \(RunDatabase.phaseOrder), dataset, name
                """
            case .checkpoints: "SELECT * FROM checkpoints WHERE run = ? ORDER BY step"
            case .events: "SELECT run, time, level, text FROM events WHERE run = ? ORDER BY id"
            case .datasets:
                """
                SELECT run, dataset, fingerprint, run_datasets.name AS name, record_kind, rows
                FROM run_datasets JOIN datasets USING (fingerprint)
                WHERE run = ? ORDER BY dataset
                """
            case .examples:
                """
                SELECT run, dataset, row, text1, text2, text3, label
                FROM run_datasets JOIN examples USING (fingerprint)
                WHERE run = ? ORDER BY dataset, row
                """
            case .evidence:
                "SELECT * FROM evidence WHERE run = ? ORDER BY epoch, dataset, row"
            }
        }

        /// Columns that hold JSON.
        fileprivate var jsonColumns: Set<String> {
            switch self {
            case .runs: ["configuration", "environment"]
            case .weights: ["shape"]
            default: []
            }
        }
    }

    private static let bufferBytes = 1 << 16

    private let database: RunDatabase
    private let run: String
    private let sink: (String) throws -> Void

    /// Exports the run called `reference` piece by piece to `sink`.
    ///
    /// Throws a ``RunStoreError`` where there is no such run.
    public init(
        _ database: RunDatabase, run reference: String, sink: @escaping (String) throws -> Void
    ) throws {
        self.database = database
        run = try database.run(reference).id
        self.sink = sink
    }

    /// Writes `table` as CSV (RFC 4180): a line of column names, lines that end with CR LF, fields in quotes where
    /// they need them. What is not there (`NULL`) is an empty field, an empty text `""`.
    public func csv(_ table: Table) throws {
        try database.read { db in
            var buffer = ""
            let rows = try Row.fetchCursor(db, sql: table.sql, arguments: [run])
            let names = rows.columnNames
            buffer += names.map(RunExport.field).joined(separator: ",") + "\r\n"
            while let row = try rows.next() {
                for (index, value) in row.databaseValues.enumerated() {
                    if index > 0 { buffer += "," }
                    buffer += RunExport.field(value)
                }
                buffer += "\r\n"
                try pass(&buffer, atLeast: RunExport.bufferBytes)
            }
            try pass(&buffer, atLeast: 1)
        }
    }

    /// Writes everything as one JSON object, a row a line: `run` with the columns of the run, then every other table
    /// under its name, a list of objects with the names of its columns.
    ///
    /// A number that is not finite becomes `null`.
    public func json() throws {
        try database.read { db in
            var buffer = "{"
            for table in Table.allCases {
                let isRun = table == .runs
                buffer += isRun ? "\n\"run\": " : ",\n\(JSON.string(table.rawValue).text()): ["
                var isFirst = true
                let rows = try Row.fetchCursor(db, sql: table.sql, arguments: [run])
                let columns = rows.columnNames.map { Column($0, of: table) }
                while let row = try rows.next() {
                    if !isRun { buffer += isFirst ? "\n" : ",\n" }
                    try write(row, columns, to: &buffer)
                    isFirst = false
                    try pass(&buffer, atLeast: RunExport.bufferBytes)
                }
                if !isRun {
                    buffer += isFirst ? "]" : "\n]"
                } else if isFirst {
                    // Deleted a moment ago.
                    buffer += "null"
                }
            }
            buffer += "\n}\n"
            try pass(&buffer, atLeast: 1)
        }
    }

    private func pass(_ buffer: inout String, atLeast count: Int) throws {
        guard buffer.utf8.count >= count else { return }
        try sink(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// A column of a table, with what stands before its values in JSON.
    private struct Column {
        var name: String
        var key: String
        var isJSON: Bool

        init(_ name: String, of table: Table) {
            self.name = name
            key = JSON.string(name).text() + ": "
            isJSON = table.jsonColumns.contains(name)
        }
    }

    /// Appends the row as an object, without the run's name, which stands above.
    private func write(_ row: Row, _ columns: [Column], to buffer: inout String) throws {
        buffer += "{"
        var isFirst = true
        for (column, value) in zip(columns, row.databaseValues) where column.name != "run" {
            if !isFirst { buffer += ", " }
            isFirst = false
            buffer += column.key
            switch value.storage {
            case .null: buffer += "null"
            case .int64(let number): buffer += String(number)
            case .double(let number): buffer += number.isFinite ? "\(number)" : "null"
            case .string(let text):
                buffer += try column.isJSON ? checked(text, column.name) : JSON.string(text).text()
            case .blob(let bytes):
                buffer += JSON.string(String(decoding: bytes, as: UTF8.self)).text()
            }
        }
        buffer += "}"
    }

    /// `text` where it is JSON.
    private func checked(_ text: String, _ column: String) throws -> String {
        do throws(JSONSyntaxError) {
            return try JSON(parsing: Array(text.utf8)).text()
        } catch {
            throw RunStoreError.damagedColumn(run: run, column: column, problem: error.problem)
        }
    }

    private static func field(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: ""
        case .int64(let number): String(number)
        case .double(let number): "\(number)"
        case .string(let text): field(text)
        case .blob(let bytes): field(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func field(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty || text.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
