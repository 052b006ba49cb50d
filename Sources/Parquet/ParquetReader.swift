public import Files

/// Reads the rows of a Parquet file from front to back.
///
/// ```swift
/// var reader = try ParquetReader(path: "pairs.parquet", columns: ["text", "text_pos"])
/// while let row = try reader.next() { print(row) }
/// ```
///
/// Columns at the top level that hold texts, integers, floating-point numbers, truth values or nothing but nulls are
/// read, whatever their encoding, uncompressed or compressed with snappy, gzip or zstd. Other columns (lists, structs,
/// maps, dates, decimal numbers, bytes of a fixed length, INT96) are listed in ``columns`` and cannot be asked for.
///
/// Memory does not grow with the file or its row groups: for each column that is read there is one page at a time,
/// the dictionary of its row group and up to 1024 values. Refused, before they are allocated, are footers of more than
/// 64 MiB or 65536 columns and groups, pages of more than 256 MiB, dictionaries of more than 32 MiB, and pages and
/// dictionaries that would take more than 1 GiB together. Nothing is allocated for sizes that the file could not fill.
///
/// A copy of a reader goes on from the same row, on its own.
public struct ParquetReader {
    /// The file.
    public let path: String
    /// The columns at the top level of the file, in its order.
    public let columns: [ParquetColumn]
    /// The columns whose values a row has, in the order of the row.
    public let selectedColumns: [ParquetColumn]
    /// The rows of the file.
    public let rowCount: Int
    /// The rows that ``next()`` has answered.
    public private(set) var rowsRead = 0

    private let groups: [RowGroup]
    private var readers: [ColumnReader]
    private var shared = SharedState()
    private var group = -1
    private var leftInGroup = 0
    private var failure: FileError?

    /// Opens the file at `path` and reads its footer.
    ///
    /// - Parameter columns: the columns whose values a row should have, in that order; `nil` for all that can be read,
    ///   in the order of the file.
    ///
    /// Throws a `FileError` for a file that cannot be read, and for columns that the file does not have or that are not
    /// supported; where no column can be read as well.
    public init(path: String, columns: [String]? = nil) throws(FileError) {
        try self.init(file: try RandomAccessFile(path: path), columns: columns)
    }

    /// Reads `bytes` as if they were a file called `name`.
    package init(
        bytes: [UInt8], name: String = "memory", columns: [String]? = nil
    ) throws(FileError) {
        try self.init(file: RandomAccessFile(bytes: bytes, name: name), columns: columns)
    }

    private init(file: RandomAccessFile, columns names: [String]?) throws(FileError) {
        path = file.path
        let (bytes, dataEnd) = try Self.footerBytes(of: file)
        do {
            let footer = try Footer(bytes)
            let leaves = try footer.select(names)
            columns = footer.columns
            selectedColumns = leaves.map(\.column)
            rowCount = footer.rowCount
            groups = try footer.rowGroups(of: leaves, dataEnd: dataEnd)
            let batching = Batching(columnCount: leaves.count)
            readers = leaves.map { ColumnReader($0, of: file, batching: batching) }
        } catch {
            throw FileError(path: file.path, problem: error.problem, remedy: error.remedy)
        }
    }

    /// The values of the next row, one for each of ``selectedColumns``; `nil` after the last row.
    ///
    /// Throws a `FileError` that names the column, the row group (from 0), the place of the page and, where a value is
    /// to blame, the row (from 1); and again each time after that.
    public mutating func next() throws(FileError) -> [ParquetValue]? {
        if let failure { throw failure }
        while leftInGroup == 0 {
            guard group + 1 < groups.count else { return nil }
            group += 1
            leftInGroup = groups[group].rowCount
            for index in readers.indices {
                readers[index].start(
                    groups[group].chunks[index], group: group, firstRow: rowsRead + 1,
                    shared: &shared)
            }
        }
        var row: [ParquetValue] = []
        row.reserveCapacity(readers.count)
        do {
            for index in readers.indices { row.append(try readers[index].value(&shared)) }
        } catch {
            failure = error
            throw error
        }
        leftInGroup -= 1
        rowsRead += 1
        return row
    }

    /// Whether the file at `path` begins as Parquet files do (encrypted ones as well).
    ///
    /// Throws a `FileError` where the file cannot be read.
    public static func isParquet(path: String) throws(FileError) -> Bool {
        let file = try RandomAccessFile(path: path)
        guard file.count >= 4 else { return false }
        var start: [UInt8] = [0, 0, 0, 0]
        try file.read(0..<4, into: &start)
        return isParquet(start: start)
    }

    /// Whether a file that begins with the bytes `start`, of which there should be four, is a Parquet file (encrypted
    /// ones as well).
    public static func isParquet(start: some Collection<UInt8>) -> Bool {
        start.prefix(4).elementsEqual("PAR1".utf8) || start.prefix(4).elementsEqual("PARE".utf8)
    }

    /// The footer, and where it begins.
    private static func footerBytes(
        of file: RandomAccessFile
    ) throws(FileError) -> (bytes: [UInt8], start: Int) {
        func error(_ problem: String, _ remedy: String = Malformed.damaged) -> FileError {
            FileError(path: file.path, problem: problem, remedy: remedy)
        }
        var start = [UInt8](repeating: 0, count: min(4, file.count))
        try file.read(0..<start.count, into: &start)
        guard isParquet(start: start) else {
            throw error(
                file.count == 0
                    ? "the file is empty"
                    : "not a Parquet file: it should begin with PAR1, but begins with the bytes "
                        + start.map { String($0, radix: 16) }.joined(separator: " "),
                "check that this is the right file")
        }
        guard file.count >= 12 else {
            throw error("\(file.count) bytes, fewer than the smallest Parquet file has")
        }
        var end = [UInt8](repeating: 0, count: 8)
        try file.read(file.count - 8..<file.count, into: &end)
        guard isParquet(start: end[4...]) else {
            throw error("the file should end with PAR1, but does not: it was cut short")
        }
        guard end[4...].elementsEqual("PAR1".utf8) else {
            throw error(Malformed.encrypted.problem, Malformed.encrypted.remedy)
        }
        let size = Int(unsafe end.span.bytes.uint32(at: 0))
        guard size <= file.count - 12 else {
            throw error("a footer of \(size) bytes in a file of \(file.count)")
        }
        guard size <= Limits.footerBytes else {
            throw error(
                "a footer of \(size) bytes; at most \(Limits.footerBytes) are read",
                "write the data again with fewer columns or larger row groups")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let first = file.count - 8 - size
        try file.read(first..<first + size, into: &bytes)
        return (bytes, first)
    }
}

extension Footer {
    /// The columns called `names`, or all that can be read.
    fileprivate func select(_ names: [String]?) throws(Malformed) -> [Leaf] {
        let fileHas = "the file has " + listed(columns.map { "\(shown($0.name)) (\($0.type))" })
        guard let names else {
            let leaves = leaves.compactMap(\.self)
            guard !leaves.isEmpty else {
                throw Malformed(
                    "no column that can be read: \(fileHas)",
                    remedy: "write texts and numbers as columns of their own")
            }
            return leaves
        }
        guard !names.isEmpty else {
            throw Malformed("no column was asked for", remedy: fileHas)
        }
        var selection: [Leaf] = []
        for name in names {
            let places = columns.indices.filter {
                columns[$0].name.utf8.elementsEqual(name.utf8)
            }
            guard let place = places.first else {
                throw Malformed("no column \(shown(name))", remedy: fileHas)
            }
            guard places.count == 1 else {
                throw Malformed(
                    "\(places.count) columns are called \(shown(name))",
                    remedy: "give them different names")
            }
            guard let leaf = leaves[place] else {
                throw Malformed(
                    "the column \(shown(name)) cannot be read: "
                        + (columns[place].unsupportedReason ?? ""),
                    remedy: "leave it out, or write it as texts or numbers")
            }
            selection.append(leaf)
        }
        return selection
    }
}

/// The first of `names`, and how many more there are.
private func listed(_ names: [String]) -> String {
    if names.isEmpty { return "no columns" }
    let first = names.prefix(20).joined(separator: ", ")
    return names.count > 20 ? first + " and \(names.count - 20) more" : first
}
