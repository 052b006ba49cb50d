public import Files

/// Yields the records of one source from front to back, holding one row at a time.
///
/// The first row (or the header) decides the kind, which column is which field, and whether fields
/// hold one text, a list of texts (FlagEmbedding's `pos` and `neg`: every positive with every
/// negative) or an instruction and a text (uniem's MEDI); every later row must have those fields in
/// that way.
public struct RecordReader {
    private var rows: any RowReader
    private let recognition: FieldRecognition
    private let layout: TextLayout
    private let renaming: Renaming
    private let selection: Selection?
    /// The columns of the first row.
    private let columns: [String]
    /// Where the fields stood in the last row.
    private var places: [Int]
    private var selectionPlace = 0
    private var pending: Row?
    private var expansion: Expansion?
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
        try self.init(try SourcePath(specification), renaming: Renaming(rename))
    }

    /// Reads the records of `rows`, which may come from anywhere.
    ///
    /// Throws a `FileError` where there is no row or its fields are not recognised.
    public init(
        rows: any RowReader, rename: [(old: String, new: String)] = []
    ) throws(FileError) {
        try self.init(rows: rows, renaming: Renaming(rename))
    }

    /// Reads the file `part`.
    init(_ part: SourcePath, renaming: Renaming) throws(FileError) {
        try self.init(
            rows: try openRows(
                path: part.path,
                rule: HeaderRule(renaming: renaming, selected: part.selection?.column)),
            renaming: renaming, selection: part.selection)
    }

    /// Reads `rows`, whose fields are recognised after `renaming`.
    init(
        rows: any RowReader, renaming: Renaming, selection: Selection? = nil
    ) throws(FileError) {
        var rows = rows
        guard var first = try rows.next() else {
            throw FileError(
                path: rows.path,
                problem: rows.headerLine == nil ? "no rows" : "a header but no rows",
                remedy: "check that this is the right data")
        }
        let line = rows.countsRows ? nil : rows.headerLine ?? first.line
        do throws(FileError) {
            var recognition = try Self.recognise(
                first, of: rows, line: line, renaming: renaming, selection: selection)
            places = Self.places(of: recognition.columns, in: first)
            layout = try TextLayout(
                of: first, places: places, recognition: &recognition, path: rows.path)
            let needed = [selection?.column, layout.emptied].compactMap { $0 }
            first = try rows.narrow(first, to: Self.unique(recognition.columns + needed))
            places = Self.places(of: recognition.columns, in: first)
            self.recognition = recognition
        } catch {
            throw rows.placed(error)
        }
        source = Provenance.Source(
            path: rows.path, selection: selection?.description, format: rows.format,
            recognition: recognition.summary + layout.note(recognition),
            ignoredColumns: recognition.ignored.filter { name in
                selection.map { !sameBytes($0.column, name) } ?? true
            }, rowCount: 0, selectedRowCount: 0, recordCount: 0)
        columns = first.columns
        pending = first
        self.renaming = renaming
        self.selection = selection
        self.rows = rows
    }

    /// Which columns are which fields, by the names in `first`.
    private static func recognise(
        _ first: Row, of rows: any RowReader, line: Int?, renaming: Renaming, selection: Selection?
    ) throws(FileError) -> FieldRecognition {
        let columns = first.columns + rows.unreadable.map(\.name)
        if let selection, !rows.hasNames || first.index(of: selection.column, hint: 0) == nil {
            throw FileError(
                path: rows.path, line: line,
                problem: "cannot select by \(shownName(selection.column)): "
                    + (rows.reason(for: selection.column) ?? "there is no such column"),
                remedy: rows.hasNames ? "the columns are \(listed(columns))" : "add a header line")
        }
        let names = try renaming.apply(
            to: columns, path: rows.path, line: line, hasNames: rows.hasNames)
        let recognition: FieldRecognition
        do {
            recognition = try FieldRecognition(columns: columns, names: names)
        } catch {
            throw error.fileError(path: rows.path, line: line, columns: columns)
        }
        for column in recognition.columns {
            guard let reason = rows.reason(for: column) else { continue }
            throw FileError(
                path: rows.path, problem: "\(shownName(column)) cannot be read: \(reason)",
                remedy: "write it as JSON lines, or rename it to leave it out")
        }
        return recognition
    }

    private static func places(of columns: [String], in row: Row) -> [Int] {
        columns.map { row.index(of: $0, hint: 0) ?? 0 }
    }

    /// Every name once.
    private static func unique(_ names: [String]) -> [String] {
        names.indices.filter { index in
            !names[..<index].contains { sameBytes($0, names[index]) }
        }.map { names[$0] }
    }

    /// The next record, or `nil` at the end.
    ///
    /// Throws a `FileError` that names file, line and field for a row that lacks a field, a text
    /// that is none or is blank, a label that is no finite number, a field that holds a list where
    /// the first row's did not (or the other way round), and a selection that found nothing.
    public mutating func next() throws(FileError) -> Record? {
        if let record = expansion?.next() {
            source.recordCount += 1
            return record
        }
        expansion = nil
        while let row = try nextRow() {
            source.rowCount += 1
            do throws(FileError) {
                if let selection, try !matches(row, selection) { continue }
                source.selectedRowCount += 1
                let record = try record(row)
                source.recordCount += 1
                return record
            } catch {
                throw rows.placed(error)
            }
        }
        if let selection, source.selectedRowCount == 0 {
            throw FileError(
                path: rows.path,
                problem: "none of \(source.rowCount) rows has \(selection.description)",
                remedy: "values of this column are \(found.map(shown).joined(separator: ", "))")
        }
        return nil
    }

    /// Passes over the record that ``next()`` would give, as quickly as the format allows: what is
    /// passed over need not be valid. False at the end.
    public mutating func skip() throws(FileError) -> Bool {
        // The number of records in a row of lists, and which rows are wanted, must be read.
        if case .lists = layout { return try next() != nil }
        guard selection == nil else { return try next() != nil }
        if pending != nil {
            pending = nil
        } else if try !rows.skip() {
            return false
        }
        source.rowCount += 1
        source.selectedRowCount += 1
        source.recordCount += 1
        return true
    }

    private mutating func nextRow() throws(FileError) -> Row? {
        guard let first = pending else { return try rows.next() }
        pending = nil
        return first
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
}

// MARK: - From a row to records

extension RecordReader {
    /// The first record of `row`; ``expansion`` holds the others.
    private mutating func record(_ row: Row) throws(FileError) -> Record {
        if recognition.kind == .pair { try checkNoNegatives(row) }
        if case .lists(let isList, _) = layout {
            var lists = try expand(row, isList)
            guard lists.count <= TextLayout.recordLimit, let record = lists.next() else {
                throw FileError(
                    path: rows.path, line: row.line,
                    problem: "the lists stand for \(lists.count) records, more than "
                        + "\(TextLayout.recordLimit)",
                    remedy: "split the row into several with fewer positives or negatives each")
            }
            expansion = lists
            return record
        }
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
        let column = recognition.columns[field]
        if layout == .instructed {
            try TextLayout.checkInstructed(value, column, path: rows.path, line: row.line)
            let parts = (value.array ?? []).compactMap(\.string)
            guard !isBlank(parts[1]) else {
                throw .blank(
                    path: rows.path, line: row.line, what: "the text of \(shownName(column))")
            }
            return parts[0] + "\n" + parts[1]
        }
        return try text(value, shownName(column), row)
    }

    /// The text that `value` is; `what` says which, for messages.
    private func text(
        _ value: JSON, _ what: @autoclosure () -> String, _ row: Row
    ) throws(FileError) -> String {
        guard case .string(let text) = value else {
            let isList = if case .array = value { true } else { false }
            throw FileError(
                path: rows.path, line: row.line,
                problem: "\(what()) must be a string, found \(shown(value))",
                remedy: value.isNull
                    ? "remove the row or give it a text"
                    : isList
                        ? "lists of texts must stand in every row from the first, as text_pos or "
                            + "text_neg" : "put the text in quotes")
        }
        guard !isBlank(text) else { throw .blank(path: rows.path, line: row.line, what: what()) }
        return text
    }

    /// The texts of a row whose fields are lists where `isList` says so.
    private mutating func expand(_ row: Row, _ isList: [Bool]) throws(FileError) -> Expansion {
        let text = try text(row, 0)
        var lists: [[String]] = []
        for field in 1..<recognition.columns.count {
            guard isList[field] else {
                lists.append([try self.text(row, field)])
                continue
            }
            let column = recognition.columns[field]
            guard case .array(let values) = try value(row, field), !values.isEmpty else {
                throw FileError(
                    path: rows.path, line: row.line,
                    problem: "\(shownName(column)) must be a list of texts, found "
                        + shown(try value(row, field)),
                    remedy: "the first row has texts there, so every row needs at least one; "
                        + (field == 2
                            ? "to train on pairs, rename the column to something else"
                            : "remove the row"))
            }
            var texts: [String] = []
            for (index, value) in values.enumerated() {
                texts.append(
                    try self.text(value, "text \(index + 1) of \(shownName(column))", row))
            }
            lists.append(texts)
        }
        return Expansion(
            text: text, positives: lists[0], negatives: lists.count > 1 ? lists[1] : nil)
    }

    /// Throws where a row of pairs holds negatives, which the first row did not have.
    private func checkNoNegatives(_ row: Row) throws(FileError) {
        let emptied = layout.emptied
        if emptied == nil, row.columns == columns { return }
        for (column, value) in zip(row.columns, row.values) {
            if value.isNull || value.array?.isEmpty == true { continue }
            let isEmptied = emptied.map { sameBytes($0, column) } ?? false
            let isNew = !columns.contains { sameBytes($0, column) }
            guard
                isEmptied
                    || isNew && FieldRecognition.isKnown(renaming.name(of: column), as: "text_neg")
            else { continue }
            throw FileError(
                path: rows.path, line: row.line,
                problem: "\(shownName(column)) holds \(shown(value)), but the first row has no "
                    + "negatives",
                remedy: "give every row negatives, or none")
        }
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
