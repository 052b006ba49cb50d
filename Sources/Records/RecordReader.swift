public import Files

/// Yields the records of one source from front to back, holding one row at a time.
///
/// The first row (or the header) decides the kind and which column is which field; every later row
/// must have those fields.
public struct RecordReader {
    private var rows: any RowReader
    private let recognition: FieldRecognition
    private let selection: Selection?
    /// Where the fields stood in the last row.
    private var places: [Int]
    private var selectionPlace = 0
    private var pending: Row?
    private var found: [String] = []
    /// What was read so far, and how it was understood.
    public private(set) var source: Provenance.Source

    /// What the records are.
    public var kind: RecordKind { recognition.kind }

    /// Reads the file that `specification` names: a path, with `#column=value` where only some rows
    /// are wanted.
    ///
    /// Throws a `FileError` where the file cannot be read or its fields are not recognised.
    public init(
        _ specification: String, rename: [(old: String, new: String)] = []
    ) throws(FileError) {
        let part = try SourcePath(specification)
        let renaming = Renaming(rename)
        try self.init(
            rows: try openRows(
                path: part.path,
                rule: HeaderRule(renaming: renaming, selected: part.selection?.column)),
            renaming: renaming, selection: part.selection)
    }

    /// Reads the records of `rows`, which may come from anywhere.
    ///
    /// Throws a `FileError` where there is no row or its fields are not recognised.
    public init(
        rows: any RowReader, rename: [(old: String, new: String)] = []
    ) throws(FileError) {
        try self.init(rows: rows, renaming: Renaming(rename))
    }

    /// Reads `rows`, whose fields are recognised after `renaming`.
    init(
        rows: any RowReader, renaming: Renaming, selection: Selection? = nil
    ) throws(FileError) {
        var rows = rows
        guard let first = try rows.next() else {
            throw FileError(
                path: rows.path,
                problem: rows.headerLine == nil ? "no rows" : "a header but no rows",
                remedy: "check that this is the right data")
        }
        let columns = first.columns
        let line = rows.headerLine ?? first.line
        if let selection, !rows.hasNames || first.index(of: selection.column, hint: 0) == nil {
            throw FileError(
                path: rows.path, line: line,
                problem: "cannot select by \(shownName(selection.column)): there is no such column",
                remedy: rows.hasNames ? "the columns are \(listed(columns))" : "add a header line")
        }
        let names = try renaming.apply(
            to: columns, path: rows.path, line: line, hasNames: rows.hasNames)
        do {
            recognition = try FieldRecognition(columns: columns, names: names)
        } catch {
            throw error.fileError(path: rows.path, line: line, columns: columns)
        }
        places = recognition.columns.map { column in first.index(of: column, hint: 0) ?? 0 }
        source = Provenance.Source(
            path: rows.path, selection: selection?.description, format: rows.format,
            recognition: recognition.summary,
            ignoredColumns: recognition.ignored.filter { name in
                selection.map { !sameBytes($0.column, name) } ?? true
            }, rowCount: 0, recordCount: 0)
        pending = first
        self.selection = selection
        self.rows = rows
    }

    /// The next record, or `nil` at the end.
    ///
    /// Throws a `FileError` that names file, line and field for a row that lacks a field, a text
    /// that is none or is blank, a label that is no finite number, and a selection that found
    /// nothing.
    public mutating func next() throws(FileError) -> Record? {
        while true {
            let row: Row
            if let first = pending {
                row = first
                pending = nil
            } else if let more = try rows.next() {
                row = more
            } else {
                break
            }
            source.rowCount += 1
            if let selection, try !matches(row, selection) { continue }
            source.recordCount += 1
            return try record(row)
        }
        if let selection, source.recordCount == 0 {
            throw FileError(
                path: rows.path,
                problem: "none of \(source.rowCount) rows has \(selection.description)",
                remedy: "values of this column are \(found.map(shown).joined(separator: ", "))")
        }
        return nil
    }

    private mutating func matches(_ row: Row, _ selection: Selection) throws(FileError) -> Bool {
        guard let place = row.index(of: selection.column, hint: selectionPlace) else {
            throw missing(selection.column, in: row)
        }
        selectionPlace = place
        let text: String
        switch row.values[place] {
        case .string(let value), .number(let value): text = value
        case .bool(let value): text = value ? "true" : "false"
        case .null: text = "null"
        case .array, .object:
            throw FileError(
                path: rows.path, line: row.line,
                problem: "cannot select by \(shownName(selection.column)): it holds "
                    + row.values[place].kind,
                remedy: "select by a column of strings or numbers")
        }
        if sameBytes(text, selection.value) { return true }
        if found.count < 8, !found.contains(where: { sameBytes($0, text) }) { found.append(text) }
        return false
    }

    private mutating func record(_ row: Row) throws(FileError) -> Record {
        switch recognition.kind {
        case .pair:
            return .pair(PairRecord(text: try text(row, 0), textPos: try text(row, 1)))
        case .triplet:
            return .triplet(
                TripletRecord(
                    text: try text(row, 0), textPos: try text(row, 1), textNeg: try text(row, 2)))
        case .scoredPair:
            return .scoredPair(
                ScoredPairRecord(
                    sentence1: try text(row, 0), sentence2: try text(row, 1),
                    label: try label(row, 2)))
        }
    }

    private mutating func value(_ row: Row, _ field: Int) throws(FileError) -> JSON {
        let column = recognition.columns[field]
        guard let place = row.index(of: column, hint: places[field]) else {
            throw missing(column, in: row)
        }
        places[field] = place
        return row.values[place]
    }

    private mutating func text(_ row: Row, _ field: Int) throws(FileError) -> String {
        let value = try value(row, field)
        guard case .string(let text) = value else {
            let isList = if case .array = value { true } else { false }
            throw FileError(
                path: rows.path, line: row.line,
                problem: "\(shownName(recognition.columns[field])) must be a string, found "
                    + shown(value),
                remedy: isList
                    ? "lists of texts are not supported; write one row for each text"
                    : "put the text in quotes")
        }
        guard !isBlank(text) else {
            throw .blank(path: rows.path, line: row.line, field: recognition.columns[field])
        }
        return text
    }

    /// The number of a label; `true` is 1 and `false` is 0.
    private mutating func label(_ row: Row, _ field: Int) throws(FileError) -> Double {
        let value = try value(row, field)
        let number: Double? =
            switch value {
            case .number(let text), .string(let text): finiteNumber(text)
            case .bool(let flag): flag ? 1 : 0
            case .null, .array, .object: nil
            }
        if let number { return number }
        throw .badLabel(
            path: rows.path, line: row.line, field: recognition.columns[field],
            found: shown(value))
    }

    private func missing(_ column: String, in row: Row) -> FileError {
        FileError(
            path: rows.path, line: row.line, problem: "the field \(shownName(column)) is missing",
            remedy: "every row must have the fields of the first; this one has "
                + (row.columns.isEmpty ? "none" : listed(row.columns)))
    }
}

extension FieldRecognition.Failure {
    /// The error for a file with `columns`.
    func fileError(path: String, line: Int, columns: [String]) -> FileError {
        switch self {
        case .ambiguous(let field, let candidates):
            FileError(
                path: path, line: line,
                problem: "\(field) could be \(candidates.map(shownName).joined(separator: " or "))",
                remedy: "choose with --rename \(candidates.first ?? "OLD")=\(field)")
        case .missing(let kind, let field, let found):
            FileError(
                path: path, line: line,
                problem: "no column \(field): \(listed(found)) would be part of \(kind.plural), "
                    + "which need \(kind.fieldNames.joined(separator: ", "))",
                remedy: "the columns are \(listed(columns)); name them with --rename OLD=NEW")
        case .unknown:
            FileError(
                path: path, line: line,
                problem: "none of the columns is known: "
                    + (columns.isEmpty ? "there are none" : listed(columns)),
                remedy: "name them with --rename OLD=NEW: text, text_pos (pairs); text, text_pos, "
                    + "text_neg (triplets); sentence1, sentence2, label (scored pairs)")
        }
    }
}
