import Files

/// How much of each column is decoded at a time; less where there are many columns.
struct Batching {
    /// Values.
    let rows: Int
    /// Bytes of texts, which the last text may exceed.
    let textBytes: Int
    /// Bytes read from the file at once, where pages are small.
    let windowBytes: Int

    init(columnCount: Int) {
        let count = max(columnCount, 1)
        rows = max(16, min(1024, (1 << 18) / count))
        textBytes = max(1 << 12, min(1 << 18, (1 << 24) / count))
        windowBytes = max(1 << 10, min(1 << 16, (1 << 24) / count))
    }
}

/// Reads the values of one column, decoding some of them ahead.
struct ColumnReader {
    private var pages: PageSource
    private var page = OpenPage(valueCount: 0)
    private let batching: Batching
    /// The values decoded last.
    private var values: [ParquetValue] = []
    private var next = 0
    /// The 1-based number of the row of the first of them.
    private var firstRow = 1

    /// Reads the column `leaf`. Traps for one that is not supported.
    init(_ leaf: Footer.Leaf, of file: RandomAccessFile, batching: Batching) {
        pages = PageSource(leaf, of: file, windowBytes: batching.windowBytes)
        self.batching = batching
        values.reserveCapacity(batching.rows)
    }

    /// Goes to the chunk of row group `group`, whose first row has the 1-based number `firstRow`.
    mutating func start(
        _ chunk: ColumnChunk, group: Int, firstRow: Int, shared: inout SharedState
    ) {
        pages.start(chunk, group: group, shared: &shared)
        page = OpenPage(valueCount: 0)
        values.removeAll(keepingCapacity: true)
        next = 0
        self.firstRow = firstRow
    }

    /// The next value. Traps at the end of the chunk.
    mutating func value(_ shared: inout SharedState) throws(FileError) -> ParquetValue {
        if next == values.count { try fill(&shared) }
        next += 1
        return values[next - 1]
    }

    /// Decodes the next values, at least one.
    private mutating func fill(_ shared: inout SharedState) throws(FileError) {
        firstRow += values.count
        values.removeAll(keepingCapacity: true)
        next = 0
        while page.valueCount == 0 { page = try pages.next(&shared) }
        do {
            try decode()
        } catch {
            var place = pages.place
            place.row = firstRow + values.count
            throw place.error(error)
        }
        page.valueCount -= values.count
    }

    private mutating func decode() throws(Malformed) {
        // The span of a local array, so that the properties stay free to change.
        let array = pages.bytes
        let bytes = unsafe array.span.bytes
        var room = batching.textBytes
        let limit = min(batching.rows, page.valueCount)
        while values.count < limit, room > 0 {
            let (isPresent, count) = try page.levels.peek(bytes, limit: limit - values.count)
            let before = values.count
            if isPresent {
                try page.decoder.append(
                    count, from: bytes, end: page.end, kind: pages.kind,
                    dictionary: pages.dictionary, room: &room, to: &values)
            } else {
                values.append(contentsOf: repeatElement(.null, count: count))
            }
            page.levels.take(values.count - before)
        }
    }
}
