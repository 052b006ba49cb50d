import Files

/// What decides whether the first row of a delimited file is a header.
struct HeaderRule {
    /// The renaming asked for.
    var renaming: Renaming
    /// The column that rows are selected by.
    var selected: String?
}

/// Rows of a CSV or TSV file, with or without header.
///
/// The first row is a header where a column is renamed or selected by, or where any of its names is
/// known (see ``FieldRecognition``). It is data where it cannot be a header: two or three columns,
/// not all of which are identifiers. Then two columns are a pair, three with a number last a scored
/// pair, three others a triplet. A row of unknown identifiers could be either, and is an error that
/// says what to do.
struct DelimitedReader<Source: CellReader>: RowReader {
    let path: String
    let headerLine: Int?
    private var source: Source
    private let columns: [String]
    private var pending: (line: Int, cells: [[UInt8]])?

    var hasNames: Bool { headerLine != nil }
    var format: String { Source.name + (hasNames ? "" : " without header") }

    init(path: String, rule: HeaderRule) throws(FileError) {
        self.path = path
        source = try Source(path: path)
        guard let first = try source.next() else {
            throw FileError(path: path, problem: "no rows", remedy: "check that this is the file")
        }
        var names: [String] = []
        for cell in first.cells {
            guard let name = String(validating: cell, as: UTF8.self) else {
                throw FileError(
                    path: path, line: first.line,
                    problem: "column \(names.count + 1) is not valid UTF-8",
                    remedy: "convert the file to UTF-8")
            }
            names.append(name)
        }
        if Self.isHeader(names, rule) {
            try Self.checkUnique(names, path: path, line: first.line)
            headerLine = first.line
            columns = names
        } else {
            headerLine = nil
            columns = try Self.positionalNames(names, path: path, line: first.line)
            pending = first
        }
    }

    mutating func next() throws(FileError) -> Row? {
        let cells: (line: Int, cells: [[UInt8]])
        if let first = pending {
            cells = first
            pending = nil
        } else if let more = try source.next() {
            cells = more
        } else {
            return nil
        }
        guard cells.cells.count == columns.count else {
            throw FileError(
                path: path, line: cells.line,
                problem: "expected \(columns.count) columns (\(listed(columns))), found "
                    + "\(cells.cells.count)",
                remedy: Source.columnRemedy)
        }
        var values: [JSON] = []
        values.reserveCapacity(columns.count)
        for (cell, column) in zip(cells.cells, columns) {
            guard let text = String(validating: cell, as: UTF8.self) else {
                throw FileError(
                    path: path, line: cells.line,
                    problem: "\(shownName(column)) is not valid UTF-8",
                    remedy: "convert the file to UTF-8")
            }
            values.append(.string(text))
        }
        return Row(line: cells.line, columns: columns, values: values)
    }

    mutating func skip() throws(FileError) -> Bool {
        if pending != nil {
            pending = nil
            return true
        }
        return try source.skip()
    }

    private static func isHeader(_ names: [String], _ rule: HeaderRule) -> Bool {
        names.contains { name in
            if let selected = rule.selected, sameBytes(selected, name) { return true }
            return rule.renaming.has(name) || FieldRecognition.isKnown(name)
        }
    }

    private static func checkUnique(
        _ names: [String], path: String, line: Int
    ) throws(FileError) {
        for (index, name) in names.enumerated() where !name.isEmpty {
            guard names[..<index].contains(where: { sameBytes($0, name) }) else { continue }
            throw FileError(
                path: path, line: line,
                problem: "the header names the column \(shownName(name)) twice",
                remedy: "give each column a name of its own")
        }
    }

    private static func positionalNames(
        _ cells: [String], path: String, line: Int
    ) throws(FileError) -> [String] {
        guard cells.count == 2 || cells.count == 3 else {
            throw FileError(
                path: path, line: line,
                problem: "no header with known names, and \(cells.count) columns; without header "
                    + "a file has 2 (text, text_pos) or 3 (sentence1, sentence2, label; or text, "
                    + "text_pos, text_neg)",
                remedy: "if the first line is a header (\(listed(cells))), rename its columns "
                    + "with --rename OLD=NEW; else add a header line")
        }
        if cells.allSatisfy(isIdentifier) {
            throw FileError(
                path: path, line: line,
                problem: "the first line may be a header (\(listed(cells))), but its names are "
                    + "not known",
                remedy: "rename its columns with --rename OLD=NEW; if it is data, add a header "
                    + "line such as text, text_pos above it")
        }
        if cells.count == 2 { return RecordKind.pair.fieldNames }
        return finiteNumber(cells[2]) == nil
            ? RecordKind.triplet.fieldNames : RecordKind.scoredPair.fieldNames
    }
}

/// Cuts a file into rows of cells.
protocol CellReader {
    /// What the format is called.
    static var name: String { get }
    /// What to do about a row with another number of columns.
    static var columnRemedy: String { get }
    init(path: String) throws(FileError)
    /// The cells of the next row that is not blank, and the line where it begins; `nil` at the end.
    mutating func next() throws(FileError) -> (line: Int, cells: [[UInt8]])?
    /// Passes over the row that ``next()`` would give; false at the end.
    mutating func skip() throws(FileError) -> Bool
}

/// Tab-separated values: no quoting, a quote is an ordinary character.
struct TSVCells: CellReader {
    static let name = "TSV"
    static let columnRemedy = "columns are separated by one tab; texts must hold no tab"
    private var bytes: ByteReader
    private let path: String

    init(path: String) throws(FileError) {
        self.path = path
        bytes = try ByteReader(path: path)
    }

    mutating func next() throws(FileError) -> (line: Int, cells: [[UInt8]])? {
        while true {
            let number = bytes.line
            guard let line = try bytes.readLine() else { return nil }
            if line.allSatisfy({ $0 == 0x20 }) { continue }
            let cells = line.split(
                separator: 0x09, maxSplits: Row.columnLimit, omittingEmptySubsequences: false)
            guard cells.count <= Row.columnLimit else {
                throw .tooManyColumns(path: path, line: number)
            }
            return (number, cells.map { Array($0) })
        }
    }

    mutating func skip() throws(FileError) -> Bool {
        // A line of tabs alone is a row of empty cells, which no record can be.
        while let isFilled = try bytes.skipLine() { if isFilled { return true } }
        return false
    }
}

/// Comma-separated values by RFC 4180: fields in quotes may hold commas, line breaks and doubled
/// quotes.
struct CSVCells: CellReader {
    static let name = "CSV"
    static let columnRemedy = "put fields that hold a comma, a quote or a line break in quotes"
    private var bytes: ByteReader
    private let path: String

    init(path: String) throws(FileError) {
        self.path = path
        bytes = try ByteReader(path: path)
    }

    mutating func next() throws(FileError) -> (line: Int, cells: [[UInt8]])? {
        while try bytes.peek() != nil {
            let line = bytes.line
            bytes.startRow()
            var cells: [[UInt8]] = []
            var isQuoted = false
            repeat {
                guard cells.count < Row.columnLimit else {
                    throw .tooManyColumns(path: path, line: line)
                }
                if try bytes.peek() == UInt8(ascii: "\"") {
                    isQuoted = true
                    cells.append(try quoted())
                } else {
                    cells.append(try plain())
                }
            } while try takeSeparator()
            try bytes.endRow()
            if cells.count == 1, !isQuoted, cells[0].allSatisfy({ $0 == 0x20 }) { continue }
            return (line, cells)
        }
        return nil
    }

    mutating func skip() throws(FileError) -> Bool { try next() != nil }

    /// A field in quotes, its opening quote not yet read.
    private mutating func quoted() throws(FileError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        let start = bytes.line
        _ = try bytes.next()
        var field: [UInt8] = []
        while true {
            try bytes.read(until: (quote, quote, quote, quote), into: &field)
            guard try bytes.next() != nil else {
                throw FileError(
                    path: path, line: start, problem: "a quoted field begins here and never ends",
                    remedy: "close it with a quote; write a quote inside a field twice")
            }
            guard try bytes.peek() == quote else { break }
            field.append(quote)
            _ = try bytes.next()
        }
        // What may follow is a comma, a line end or the end of the file.
        switch try bytes.peek() {
        case nil, UInt8(ascii: ","), 0x0A: return field
        case 0x0D:
            _ = try bytes.next()
            let after = try bytes.peek()
            if after == 0x0A || after == nil { return field }
            fallthrough
        default:
            throw FileError(
                path: path, line: bytes.line, problem: "text after the closing quote of a field",
                remedy: "write a quote inside a field twice")
        }
    }

    private mutating func plain() throws(FileError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        var field: [UInt8] = []
        try bytes.read(until: (UInt8(ascii: ","), 0x0A, quote, quote), into: &field)
        if try bytes.peek() == quote {
            throw FileError(
                path: path, line: bytes.line, problem: "a quote inside a field without quotes",
                remedy: "put the field in quotes and write the quote inside it twice")
        }
        if try bytes.peek() != UInt8(ascii: ","), field.last == 0x0D { field.removeLast() }
        return field
    }

    /// Reads what ends a field; whether it was a comma, so that another field follows.
    private mutating func takeSeparator() throws(FileError) -> Bool {
        try bytes.next() == UInt8(ascii: ",")
    }
}
