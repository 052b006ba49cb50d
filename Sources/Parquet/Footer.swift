import Files

/// How the pages of a column chunk are compressed.
enum Codec: Equatable {
    case uncompressed
    case snappy
    case gzip
    case zstd
    /// Not read; says the name.
    case unsupported(String)

    init(code: Int) {
        switch code {
        case 0: self = .uncompressed
        case 1: self = .snappy
        case 2: self = .gzip
        case 3: self = .unsupported("LZO")
        case 4: self = .unsupported("BROTLI")
        case 5: self = .unsupported("LZ4")
        case 6: self = .zstd
        case 7: self = .unsupported("LZ4_RAW")
        default: self = .unsupported("the unknown codec \(code)")
        }
    }
}

/// Where the values of one column in one row group are.
struct ColumnChunk {
    /// The first byte of the first page.
    var start: Int
    /// The byte that no page of it reaches.
    var end: Int
    var valueCount: Int
    var codec: Codec
}

/// A row group: its rows, and a chunk for each column that is read.
struct RowGroup {
    var rowCount: Int
    var chunks: [ColumnChunk]
}

/// The metadata at the end of a file.
struct Footer {
    /// A column that can be read, and where.
    struct Leaf {
        var column: ParquetColumn
        var physical: PhysicalType
        /// Its place among the chunks of a row group.
        var index: Int
    }

    /// The columns at the top level.
    private(set) var columns: [ParquetColumn] = []
    /// For each of `columns`, where it can be read.
    private(set) var leaves: [Leaf?] = []
    /// How many chunks a row group has.
    private(set) var leafCount = 0
    private(set) var rowCount = 0
    private var groupsPosition: Int?
    private let bytes: [UInt8]

    /// Reads all but the row groups.
    init(_ bytes: [UInt8]) throws(Malformed) {
        self.bytes = bytes
        var schema: [SchemaElement]?
        var rowCount: Int?
        var isEncrypted = false
        var position: Int?
        try Self.thrift { () throws(ThriftError) in
            var reader = ThriftReader(bytes, range: 0..<bytes.count)
            try reader.structure { (reader, field) throws(ThriftError) in
                switch (field.id, field.kind) {
                case (2, .list):
                    var elements: [SchemaElement] = []
                    try reader.list(of: .structure) { (reader) throws(ThriftError) in
                        guard elements.count < Limits.schemaElements else {
                            throw .malformed("more than \(Limits.schemaElements) columns")
                        }
                        elements.append(try SchemaElement(&reader))
                    }
                    schema = elements
                case (3, .int64): rowCount = try reader.integer()
                case (4, .list):
                    position = reader.position
                    try reader.skip(.list)
                case (8, .structure):
                    isEncrypted = true
                    try reader.skip(field.kind)
                default: try reader.skip(field.kind)
                }
            }
        }
        if isEncrypted { throw .encrypted }
        guard let schema else { throw Malformed("the footer has no schema") }
        guard let rowCount, rowCount >= 0 else {
            throw Malformed(
                "the footer has no number of rows" + (rowCount.map { ", but \($0)" } ?? ""))
        }
        self.rowCount = rowCount
        groupsPosition = position
        try setColumns(schema)
    }

    /// Finds the columns at the top level of `schema`, which lists the tree depth first.
    private mutating func setColumns(_ schema: [SchemaElement]) throws(Malformed) {
        guard let root = schema.first else { throw Malformed("the schema is empty") }
        var next = 1
        for _ in 0..<root.childCount {
            guard next < schema.count else {
                throw Malformed(
                    "the schema ends where a column should stand (\(columns.count) of "
                        + "\(root.childCount))")
            }
            let element = schema[next]
            let firstLeaf = leafCount
            var pending = 1
            while pending > 0 {
                guard next < schema.count else {
                    throw Malformed("the schema ends within \(shown(element.name))")
                }
                if schema[next].physical != nil {
                    guard schema[next].childCount == 0 else {
                        throw Malformed("\(shown(schema[next].name)) is a column and a group")
                    }
                    leafCount += 1
                }
                pending += schema[next].childCount - 1
                next += 1
            }
            let column = ParquetColumn(
                name: element.name, type: element.type,
                isNullable: element.repetition == SchemaElement.optional)
            columns.append(column)
            if column.isSupported, let physical = element.physical {
                leaves.append(Leaf(column: column, physical: physical, index: firstLeaf))
            } else {
                leaves.append(nil)
            }
        }
        guard next == schema.count else {
            throw Malformed("the schema has \(schema.count - next) elements too many")
        }
    }

    /// The row groups, with the chunks of the columns of `selection` (in that order), all within the first
    /// `dataEnd` bytes of the file.
    func rowGroups(of selection: [Leaf], dataEnd: Int) throws(Malformed) -> [RowGroup] {
        guard let groupsPosition else { throw Malformed("the footer has no list of row groups") }
        var places: [[Int]] = Array(repeating: [], count: leafCount)
        for (place, leaf) in selection.enumerated() { places[leaf.index].append(place) }

        var groups: [RowGroup] = []
        try Self.thrift { () throws(ThriftError) in
            var reader = ThriftReader(bytes, range: groupsPosition..<bytes.count)
            try reader.list(of: .structure) { (reader) throws(ThriftError) in
                let group = try RowGroup(
                    &reader, selection: selection, places: places, index: groups.count,
                    dataEnd: dataEnd)
                groups.append(group)
            }
        }
        var total = 0
        for group in groups {
            let (sum, overflow) = total.addingReportingOverflow(group.rowCount)
            guard !overflow else { throw Malformed("the row groups have more than 2^63 rows") }
            total = sum
        }
        // Chunks do not overlap: nobody reads more than the file, however many row groups there are.
        var chunkBytes = 0
        for group in groups {
            for place in places.compactMap(\.first) {
                chunkBytes += group.chunks[place].end - group.chunks[place].start
                guard chunkBytes <= dataEnd else {
                    throw Malformed(
                        "the column chunks have \(chunkBytes) bytes or more, but all data \(dataEnd)"
                    )
                }
            }
        }
        guard total == rowCount else {
            throw Malformed(
                "the footer declares \(rowCount) rows, but its \(groups.count) row groups have "
                    + "\(total)")
        }
        return groups
    }

    /// Runs `body`; its failures tell of the footer.
    private static func thrift(_ body: () throws(ThriftError) -> Void) throws(Malformed) {
        do {
            try body()
        } catch {
            switch error {
            case .endOfData: throw Malformed("the footer ends within a value")
            case .malformed(let problem): throw Malformed("damaged footer: \(problem)")
            case .refused(let problem): throw problem
            }
        }
    }
}

extension RowGroup {
    /// Reads the row group `index`. `places` tells for each of its chunks where it stands in `selection`.
    fileprivate init(
        _ reader: inout ThriftReader, selection: [Footer.Leaf], places: [[Int]], index: Int,
        dataEnd: Int
    ) throws(ThriftError) {
        var rowCount: Int?
        var leaf = 0
        var found: [ChunkMetadata?] = Array(repeating: nil, count: selection.count)
        try reader.structure { (reader, field) throws(ThriftError) in
            switch (field.id, field.kind) {
            case (1, .list):
                try reader.list(of: .structure) { (reader) throws(ThriftError) in
                    if leaf < places.count, let first = places[leaf].first {
                        let metadata = try ChunkMetadata(
                            &reader, name: selection[first].column.name)
                        for place in places[leaf] { found[place] = metadata }
                    } else {
                        try reader.skip(.structure)
                    }
                    leaf += 1
                }
            case (3, .int64): rowCount = try reader.integer()
            default: try reader.skip(field.kind)
            }
        }
        guard let rowCount, rowCount >= 0 else {
            throw .refused(Malformed("row group \(index): no number of rows"))
        }
        guard leaf == places.count else {
            throw .refused(
                Malformed(
                    "row group \(index): \(leaf) columns, but the schema has \(places.count)"))
        }
        self.rowCount = rowCount
        chunks = []
        for (place, metadata) in found.enumerated() {
            do throws(Malformed) {
                guard let metadata else { throw Malformed("no metadata") }
                let physical = selection[place].physical
                chunks.append(
                    try metadata.chunk(physical: physical, rowCount: rowCount, dataEnd: dataEnd))
            } catch {
                var error = error
                error.problem =
                    "column \(shown(selection[place].column.name)), row group \(index): "
                    + error.problem
                throw .refused(error)
            }
        }
    }
}

extension Malformed {
    /// A file that cannot be read without a key.
    static var encrypted: Malformed {
        Malformed(
            "an encrypted Parquet file, which is not supported",
            remedy: "write the data again without encryption")
    }
}

/// `name` as a JSON string, cut where it is long: one line whatever it holds.
func shown(_ name: String) -> String {
    let cut = name.unicodeScalars.prefix(60)
    let isWhole = cut.endIndex == name.unicodeScalars.endIndex
    return JSON.string(String(cut) + (isWhole ? "" : "...")).text()
}
