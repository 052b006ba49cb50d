public import Files

/// One row of a file: values by column name. Columns of a file without header have uniem's names.
public struct Row: Sendable {
    /// The 1-based line where the row begins; for an array in memory, its 1-based number.
    public var line: Int
    /// The names of the columns, as in the file.
    public var columns: [String]
    /// The value of each column.
    public var values: [JSON]

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
    /// The next row, or `nil` at the end. Throws a `FileError` that names the file and the line.
    mutating func next() throws(FileError) -> Row?
}

extension RowReader {
    /// No header: names stand in each row, or nowhere.
    public var headerLine: Int? { nil }
}

/// A value of a row in memory, for ``Dataset/init(rows:rename:)``; literals will do.
public enum FieldValue: Sendable, Equatable {
    /// A text.
    case text(String)
    /// A number.
    case number(Double)

    fileprivate var json: JSON {
        switch self {
        case .text(let text): .string(text)
        // As Swift spells it: NaN and infinities must be found where a label is read.
        case .number(let value): .number("\(value)")
        }
    }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// 1 for `true`, 0 for `false`.
    public init(booleanLiteral value: Bool) { self = .number(value ? 1 : 0) }
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
