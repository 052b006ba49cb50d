/// What the footer tells of a column chunk.
struct ChunkMetadata {
    private var type: Int?
    private var codec: Int?
    private var valueCount: Int?
    private var size: Int?
    private var dataOffset: Int?
    private var dictionaryOffset: Int?
    private var path: [String]?
    private var otherFile: String?
    private var isEncrypted = false
    private let name: String

    /// Reads the structure ColumnChunk, which should be of the column `name`.
    init(_ reader: inout ThriftReader, name: String) throws(ThriftError) {
        var result = ChunkMetadata(name: name)
        try reader.structure { (reader, field) throws(ThriftError) in
            switch (field.id, field.kind) {
            case (1, .binary): result.otherFile = try reader.string()
            case (3, .structure): try result.read(&reader)
            case (8, _), (9, _):
                result.isEncrypted = true
                try reader.skip(field.kind)
            default: try reader.skip(field.kind)
            }
        }
        self = result
    }

    private init(name: String) { self.name = name }

    /// Reads the structure ColumnMetaData.
    private mutating func read(_ reader: inout ThriftReader) throws(ThriftError) {
        var result = self
        try reader.structure { (reader, field) throws(ThriftError) in
            switch (field.id, field.kind) {
            case (1, .int32): result.type = try reader.int32()
            case (3, .list):
                var path: [String] = []
                try reader.list(of: .binary) { (reader) throws(ThriftError) in
                    path.append(try reader.string())
                }
                result.path = path
            case (4, .int32): result.codec = try reader.int32()
            case (5, .int64): result.valueCount = try reader.integer()
            case (7, .int64): result.size = try reader.integer()
            case (9, .int64): result.dataOffset = try reader.integer()
            case (11, .int64): result.dictionaryOffset = try reader.integer()
            default: try reader.skip(field.kind)
            }
        }
        self = result
    }

    /// The chunk, checked: as many values of type `physical` as rows, within the first `dataEnd` bytes.
    func chunk(
        physical: PhysicalType, rowCount: Int, dataEnd: Int
    ) throws(Malformed) -> ColumnChunk {
        if isEncrypted { throw .encrypted }
        if let otherFile, !otherFile.isEmpty {
            throw Malformed(
                "the values are in another file, \(shown(otherFile))",
                remedy: "read that file; this one is a summary")
        }
        guard let type, let codec, let valueCount, let size, let dataOffset, let path else {
            throw Malformed("the metadata is not complete")
        }
        guard type == physical.rawValue else {
            let found = PhysicalType(rawValue: type)?.name ?? "the unknown type \(type)"
            throw Malformed("the schema says \(physical.name), the chunk \(found)")
        }
        guard path.count == 1, path[0].utf8.elementsEqual(name.utf8) else {
            throw Malformed(
                "the chunk is of the column \(shown(path.joined(separator: ".")))")
        }
        guard valueCount == rowCount else {
            throw Malformed("\(rowCount) values expected, one for each row, found \(valueCount)")
        }
        let kind = Codec(code: codec)
        if case .unsupported(let name) = kind {
            throw Malformed(
                "compressed with \(name), which is not supported",
                remedy: "write the file again with snappy, gzip, zstd or no compression")
        }
        // Nothing is read of an empty chunk, and some writers give no place for it.
        guard valueCount > 0 else {
            return ColumnChunk(start: 0, end: 0, valueCount: 0, codec: kind)
        }
        // Some writers leave the place of the dictionary at 0, or give the place of the dictionary as that of the data.
        var start = dataOffset
        if let dictionaryOffset, dictionaryOffset > 0 { start = min(start, dictionaryOffset) }
        guard start >= 4, size > 0, start < dataEnd, size <= dataEnd - start else {
            throw Malformed(
                "\(size) bytes from byte \(start) expected, but the data end at byte \(dataEnd)")
        }
        return ColumnChunk(start: start, end: start + size, valueCount: valueCount, codec: kind)
    }
}
