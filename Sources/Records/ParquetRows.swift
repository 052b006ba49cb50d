import Files
import Parquet

/// Rows of a Parquet file, whose columns are read page by page.
///
/// Columns that hold lists, structs or other things than texts, numbers and truth values are not
/// read; they matter only where a field would be in one.
struct ParquetRows: RowReader {
    let path: String
    let format = "Parquet"
    let hasNames = true
    let countsRows = true
    let unreadable: [(name: String, reason: String)]
    private var reader: ParquetReader
    private var columns: [String]

    init(path: String) throws(FileError) {
        self.path = path
        reader = try ParquetReader(path: path)
        columns = reader.selectedColumns.map(\.name)
        unreadable = reader.columns.compactMap { column in
            column.unsupportedReason.map { (column.name, $0) }
        }
        guard reader.columns.count <= Row.columnLimit else {
            throw FileError.tooManyColumns(path: path, line: nil)
        }
    }

    mutating func next() throws(FileError) -> Row? {
        guard let values = try reader.next() else { return nil }
        return Row(line: reader.rowsRead, columns: columns, values: values.map(json))
    }

    mutating func narrow(_ first: Row, to names: [String]) throws(FileError) -> Row {
        guard names.count < columns.count else { return first }
        // Other columns are not even decompressed from here on.
        var narrow = try ParquetReader(path: path, columns: names)
        guard let values = try narrow.next() else { return first }
        reader = narrow
        columns = names
        return Row(line: first.line, columns: names, values: values.map(json))
    }

    private func json(_ value: ParquetValue) -> JSON {
        switch value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .number("\(value)")
        case .unsigned(let value): .number("\(value)")
        // As Swift spells it: NaN and infinities must be found where a label is read.
        case .float(let value): .number("\(value)")
        case .double(let value): .number("\(value)")
        case .text(let text): .string(text)
        }
    }
}
