public import Files

/// One row of a file: values by column name. Columns of a file without header have uniem's names.
public struct Row: Sendable {
    /// The 1-based line where the row begins; for an array in memory, its 1-based number.
    public var line: Int
    /// The names of the columns, as in the file.
    public var columns: [String]
    /// The value of each column.
    public var values: [JSON]

    /// The most columns that a row may have.
    public static let columnLimit = 4096

    /// A row that begins in `line`, with a value for each column. Traps where their numbers differ.
    public init(line: Int, columns: [String], values: [JSON]) {
        precondition(
            columns.count == values.count, "Row: \(columns.count) columns, \(values.count) values")
        self.line = line
        self.columns = columns
        self.values = values
    }

    /// The place of `column`, looked for at `hint` first; `nil` where there is none. Names are
    /// compared byte by byte; of a name that stands twice the last counts.
    func index(of column: String, hint: Int) -> Int? {
        if hint < columns.count, sameBytes(columns[hint], column),
            !columns[(hint + 1)...].contains(where: { sameBytes($0, column) })
        {
            return hint
        }
        return columns.lastIndex { sameBytes($0, column) }
    }
}

/// Yields the rows of one source from front to back, holding one at a time.
public protocol RowReader {
    /// The file, for messages.
    var path: String { get }
    /// What is read, for people: `JSON lines`, `TSV without header`.
    var format: String { get }
    /// Whether the columns have names of their own, which can be renamed and selected by.
    var hasNames: Bool { get }
    /// The line of the header, where the file has one.
    var headerLine: Int? { get }
    /// Whether the format has no lines, so that ``Row/line`` is the number of the row from 1.
    var countsRows: Bool { get }
    /// Columns whose values cannot be read, and why: `it holds a list in each row; ...`.
    var unreadable: [(name: String, reason: String)] { get }
    /// Says after `first` that no other columns than `columns`, of which each is one of its own,
    /// will be looked at; `first` with those columns, or as it is where nothing is saved by that.
    mutating func narrow(_ first: Row, to columns: [String]) throws(FileError) -> Row
    /// The next row, or `nil` at the end. Throws a `FileError` that names the file and the line.
    mutating func next() throws(FileError) -> Row?
    /// Passes over the row that ``next()`` would give, as quickly as the format allows: what is
    /// passed over need not be valid. False at the end.
    mutating func skip() throws(FileError) -> Bool
}

extension RowReader {
    /// No header: names stand in each row, or nowhere.
    public var headerLine: Int? { nil }
    /// Lines.
    public var countsRows: Bool { false }
    /// None.
    public var unreadable: [(name: String, reason: String)] { [] }
    /// Nothing is saved.
    public mutating func narrow(_ first: Row, to columns: [String]) throws(FileError) -> Row {
        first
    }
    /// Reads the row.
    public mutating func skip() throws(FileError) -> Bool { try next() != nil }

    /// Why `column` cannot be read; `nil` where it can.
    func reason(for column: String) -> String? {
        unreadable.first { sameBytes($0.name, column) }?.reason
    }

    /// `error` as it is, or where rows are counted with `row 7` instead of the line 7.
    func placed(_ error: FileError) -> FileError {
        guard countsRows, let row = error.line else { return error }
        return FileError(
            path: error.path, problem: "row \(row): " + error.problem, remedy: error.remedy)
    }
}

/// A value of a row in memory, for ``Dataset/init(rows:rename:)``; literals will do.
public enum FieldValue: Sendable, Equatable {
    /// A text.
    case text(String)
    /// A number.
    case number(Double)
    /// Several texts: positives or negatives of one text.
    case texts([String])

    fileprivate var json: JSON {
        switch self {
        case .text(let text): .string(text)
        case .texts(let texts): .array(texts.map(JSON.string))
        // As Swift spells it: NaN and infinities must be found where a label is read.
        case .number(let value): .number("\(value)")
        }
    }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// 1 for `true`, 0 for `false`.
    public init(booleanLiteral value: Bool) { self = .number(value ? 1 : 0) }
    /// Several texts.
    public init(arrayLiteral elements: String...) { self = .texts(elements) }
}

/// Rows that are in memory already.
struct DictionaryReader: RowReader {
    let path = "rows"
    let format = "dictionaries"
    let hasNames = true
    private let rows: [[String: FieldValue]]
    private var position = 0

    init(rows: [[String: FieldValue]]) { self.rows = rows }

    mutating func next() throws(FileError) -> Row? {
        guard position < rows.count else { return nil }
        // Sorted, because a dictionary has no order of its own.
        let fields = rows[position].sorted { $0.key < $1.key }
        position += 1
        return Row(line: position, columns: fields.map(\.key), values: fields.map(\.value.json))
    }
}
