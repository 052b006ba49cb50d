package import Files

// Ways in for fuzzing and for tests with random files: bytes in memory instead of a file.

/// Reads `bytes` as a Parquet file: all columns that can be read, up to 2^14 rows or 2^22 bytes of text.
///
/// Returns the number of rows read; throws what is wrong with the file.
@discardableResult
package func fuzzParquet(_ bytes: [UInt8]) throws(FileError) -> Int {
    var reader = try ParquetReader(bytes: bytes)
    var left = 1 << 22
    while left > 0, reader.rowsRead < 1 << 14, let row = try reader.next() {
        precondition(row.count == reader.selectedColumns.count, "\(row.count) values in a row")
        for case .text(let text) in row { left -= text.utf8.count }
    }
    return reader.rowsRead
}

/// Reads the pages of one column without a footer, up to 2^14 values or 2^22 bytes of text.
///
/// The first byte of `bytes` chooses the type, the second the compression (2 bits) and whether there may be nulls (the
/// bit of value 4), the third and fourth are the number of values. Returns the number of values read; throws what is
/// wrong with the pages.
@discardableResult
package func fuzzParquetPages(_ bytes: [UInt8]) throws(FileError) -> Int {
    guard bytes.count >= 4 else { return 0 }
    let types: [(ParquetType, PhysicalType)] = [
        (.text, .byteArray), (.bool, .boolean), (.int(bits: 32), .int32), (.int(bits: 64), .int64),
        (.float, .float), (.double, .double), (.unsigned(bits: 8), .int32), (.null, .int96),
    ]
    let (type, physical) = types[Int(bytes[0]) % types.count]
    let codec = [Codec.uncompressed, .snappy, .gzip, .zstd][Int(bytes[1] & 3)]
    let column = ParquetColumn(name: "column", type: type, isNullable: bytes[1] & 4 != 0)
    let count = Int(bytes[2]) | Int(bytes[3]) << 8
    var reader = ColumnReader(
        Footer.Leaf(column: column, physical: physical, index: 0),
        of: RandomAccessFile(bytes: bytes, name: "memory"), batching: Batching(columnCount: 1))
    var shared = SharedState()
    let chunk = ColumnChunk(start: 4, end: bytes.count, valueCount: count, codec: codec)
    reader.start(chunk, group: 0, firstRow: 1, shared: &shared)
    var (read, left) = (0, 1 << 22)
    while left > 0, read < min(count, 1 << 14) {
        if case .text(let text) = try reader.value(&shared) { left -= text.utf8.count }
        read += 1
    }
    return read
}
