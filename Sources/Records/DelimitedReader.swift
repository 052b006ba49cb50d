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
    /// The columns that are looked at, and their names.
    private var wanted: (places: [Int], names: [String])
    private var cells = Cells()
    /// Whether `cells` are a row that was not given yet.
    private var isPending = false

    var hasNames: Bool { headerLine != nil }
    var format: String { Source.name + (hasNames ? "" : " without header") }

    init(path: String, rule: HeaderRule) throws(FileError) {
        self.path = path
        source = try Source(path: path)
        guard try source.next(&cells) else {
            throw FileError(path: path, problem: "no rows", remedy: "check that this is the file")
        }
        var names: [String] = []
        for place in 0..<cells.count {
            guard let name = cells.text(place) else {
                throw FileError(
                    path: path, line: cells.line,
                    problem: "column \(names.count + 1) is not valid UTF-8",
                    remedy: "convert the file to UTF-8")
            }
            names.append(name)
        }
        if Self.isHeader(names, rule) {
            try Self.checkUnique(names, path: path, line: cells.line)
            headerLine = cells.line
            columns = names
        } else {
            headerLine = nil
            columns = try Self.positionalNames(names, path: path, line: cells.line)
            isPending = true
        }
        wanted = (Array(columns.indices), columns)
    }

    mutating func next() throws(FileError) -> Row? {
        if isPending {
            isPending = false
        } else if try !source.next(&cells) {
            return nil
        }
        guard cells.count == columns.count else {
            throw FileError(
                path: path, line: cells.line,
                problem: "expected \(columns.count) columns (\(listed(columns))), found "
                    + "\(cells.count)",
                remedy: Source.columnRemedy)
        }
        // Also the columns that nobody looks at must be text.
        if wanted.places.count < columns.count, !cells.isASCII {
            for place in columns.indices { _ = try text(place) }
        }
        var values: [JSON] = []
        values.reserveCapacity(wanted.places.count)
        for place in wanted.places { values.append(.string(try text(place))) }
        return Row(line: cells.line, columns: wanted.names, values: values)
    }

    private func text(_ place: Int) throws(FileError) -> String {
        guard let text = cells.text(place) else {
            throw FileError(
                path: path, line: cells.line,
                problem: "\(shownName(columns[place])) is not valid UTF-8",
                remedy: "convert the file to UTF-8")
        }
        return text
    }

    mutating func narrow(_ first: Row, to names: [String]) throws(FileError) -> Row {
        var (places, values): ([Int], [JSON]) = ([], [])
        for name in names {
            guard let place = first.index(of: name, hint: 0) else { return first }
            places.append(place)
            values.append(first.values[place])
        }
        wanted = (places, names)
        return Row(line: first.line, columns: names, values: values)
    }

    mutating func skip() throws(FileError) -> Bool {
        if isPending {
            isPending = false
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

/// The cells of one row.
struct Cells {
    /// The line where the row begins.
    var line = 0
    /// Their bytes, one cell after another, perhaps with something between.
    var bytes: [UInt8] = []
    /// Where each one's bytes stand.
    var ranges: [Range<Int>] = []

    /// How many there are.
    var count: Int { ranges.count }

    /// Whether all are ASCII, which is valid UTF-8.
    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// The text of a cell; `nil` where it is not valid UTF-8.
    func text(_ place: Int) -> String? { String(validating: bytes[ranges[place]], as: UTF8.self) }

    /// Forgets all cells, but keeps the memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
    }
}

/// Cuts a file into rows of cells.
protocol CellReader {
    /// What the format is called.
    static var name: String { get }
    /// What to do about a row with another number of columns.
    static var columnRemedy: String { get }
    init(path: String) throws(FileError)
    /// Puts the cells of the next row that is not blank into `cells`; false at the end.
    mutating func next(_ cells: inout Cells) throws(FileError) -> Bool
    /// Passes over the row that ``next(_:)`` would give; false at the end.
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

    mutating func next(_ cells: inout Cells) throws(FileError) -> Bool {
        repeat {
            cells.removeAll()
            cells.line = bytes.line
            guard try bytes.readLine(into: &cells.bytes) else { return false }
        } while cells.bytes.allSatisfy { $0 == 0x20 }
        var start = 0
        for end in cells.bytes.indices where cells.bytes[end] == 0x09 {
            cells.ranges.append(start..<end)
            start = end + 1
            guard cells.count < Row.columnLimit else {
                throw .tooManyColumns(path: path, line: cells.line)
            }
        }
        cells.ranges.append(start..<cells.bytes.count)
        return true
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

    mutating func next(_ cells: inout Cells) throws(FileError) -> Bool {
        while try bytes.peek() != nil {
            cells.removeAll()
            cells.line = bytes.line
            bytes.startRow()
            var isQuoted = false
            repeat {
                guard cells.count < Row.columnLimit else {
                    throw .tooManyColumns(path: path, line: cells.line)
                }
                let start = cells.bytes.count
                if try bytes.peek() == UInt8(ascii: "\"") {
                    isQuoted = true
                    try quoted(&cells.bytes)
                } else {
                    try plain(&cells.bytes, start)
                }
                cells.ranges.append(start..<cells.bytes.count)
            } while try takeSeparator()
            try bytes.endRow()
            if cells.count == 1, !isQuoted, cells.bytes.allSatisfy({ $0 == 0x20 }) { continue }
            return true
        }
        return false
    }

    mutating func skip() throws(FileError) -> Bool {
        var cells = Cells()
        return try next(&cells)
    }

    /// Appends a field in quotes, its opening quote not yet read.
    private mutating func quoted(_ field: inout [UInt8]) throws(FileError) {
        let quote = UInt8(ascii: "\"")
        let start = bytes.line
        _ = try bytes.next()
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
        case nil, UInt8(ascii: ","), 0x0A: return
        case 0x0D:
            _ = try bytes.next()
            let after = try bytes.peek()
            if after == 0x0A || after == nil { return }
            fallthrough
        default:
            throw FileError(
                path: path, line: bytes.line, problem: "text after the closing quote of a field",
                remedy: "write a quote inside a field twice")
        }
    }

    /// Appends a field without quotes, which begins at `start` of `field`.
    private mutating func plain(_ field: inout [UInt8], _ start: Int) throws(FileError) {
        let quote = UInt8(ascii: "\"")
        try bytes.read(until: (UInt8(ascii: ","), 0x0A, quote, quote), into: &field)
        if try bytes.peek() == quote {
            throw FileError(
                path: path, line: bytes.line, problem: "a quote inside a field without quotes",
                remedy: "put the field in quotes and write the quote inside it twice")
        }
        if try bytes.peek() != UInt8(ascii: ","), field.count > start, field.last == 0x0D {
            field.removeLast()
        }
    }

    /// Reads what ends a field; whether it was a comma, so that another field follows.
    private mutating func takeSeparator() throws(FileError) -> Bool {
        try bytes.next() == UInt8(ascii: ",")
    }
}
