/// A value of Thrift data, for files that no writer would write.
enum Thrift: Sendable {
    case bool(Bool)
    case int32(Int)
    case int64(Int)
    case binary([UInt8])
    case list([Thrift])
    case structure([(id: Int, value: Thrift)])

    static func text(_ text: String) -> Thrift { .binary(Array(text.utf8)) }

    /// The code of the type.
    var code: UInt8 {
        switch self {
        case .bool(let value): value ? 1 : 2
        case .int32: 5
        case .int64: 6
        case .binary: 8
        case .list: 9
        case .structure: 12
        }
    }

    /// The bytes of the compact protocol.
    var bytes: [UInt8] {
        switch self {
        case .bool(let value): [value ? 1 : 2]
        case .int32(let value), .int64(let value): varint(UInt64(bitPattern: zigzag(value)))
        case .binary(let bytes): varint(UInt64(bytes.count)) + bytes
        case .list(let values):
            (values.count < 15
                ? [UInt8(values.count) << 4 | (values.first?.code ?? 5)]
                : [0xF0 | values[0].code] + varint(UInt64(values.count)))
                + values.flatMap(\.bytes)
        case .structure(let fields): Self.bytes(fields)
        }
    }

    /// The bytes of a structure; of two fields with one number the last counts.
    private static func bytes(_ fields: [(id: Int, value: Thrift)]) -> [UInt8] {
        var bytes: [UInt8] = []
        var last = 0
        let byNumber = Dictionary(fields.map { ($0.id, $0.value) }) { $1 }
        for (id, value) in byNumber.sorted(by: { $0.key < $1.key }) {
            if id - last < 16 {
                bytes.append(UInt8(id - last) << 4 | value.code)
            } else {
                bytes += [value.code] + ParquetTests.zigzag(Int64(id))
            }
            if case .bool = value {} else { bytes += value.bytes }
            last = id
        }
        return bytes + [0]
    }

    private func zigzag(_ value: Int) -> Int64 { Int64(value) << 1 ^ Int64(value) >> 63 }
}

/// `value` in pieces of seven bits.
func varint(_ value: UInt64) -> [UInt8] {
    var (bytes, value) = ([UInt8](), value)
    while value >= 0x80 {
        bytes.append(UInt8(value & 0x7F) | 0x80)
        value >>= 7
    }
    return bytes + [UInt8(value)]
}

/// `value` in zigzag order, in pieces of seven bits.
func zigzag(_ value: Int64) -> [UInt8] {
    varint(UInt64(bitPattern: value << 1 ^ value >> 63))
}

/// The bytes of `value`, the lowest first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// `text` as the encoding PLAIN writes it.
func plain(_ text: String) -> [UInt8] { littleEndian(UInt32(text.utf8.count)) + text.utf8 }

/// A Parquet file with one column, of which every part can be set, right or wrong.
struct OneColumnFile {
    /// A page with its header.
    struct Page {
        var header: [(id: Int, value: Thrift)]
        var body: [UInt8]

        /// A data page of version 1.
        static func data(
            _ body: [UInt8], count: Int, encoding: Int = 0, levels: Int = 3, size: Int? = nil,
            compressedSize: Int? = nil, checksum: Int? = nil
        ) -> Page {
            let details: [(Int, Thrift)] = [
                (1, .int32(count)), (2, .int32(encoding)), (3, .int32(levels)), (4, .int32(3)),
            ]
            return Page(
                type: 0, body, size, compressedSize, checksum, 5, .structure(details))
        }

        /// A data page of version 2.
        static func dataV2(
            _ body: [UInt8], count: Int, nulls: Int = 0, encoding: Int = 0, definition: Int = 0,
            repetition: Int = 0, isCompressed: Bool? = nil, size: Int? = nil
        ) -> Page {
            var details: [(Int, Thrift)] = [
                (1, .int32(count)), (2, .int32(nulls)), (3, .int32(count)), (4, .int32(encoding)),
                (5, .int32(definition)), (6, .int32(repetition)),
            ]
            if let isCompressed { details.append((7, .bool(isCompressed))) }
            return Page(type: 3, body, size, nil, nil, 8, .structure(details))
        }

        /// A dictionary.
        static func dictionary(
            _ body: [UInt8], count: Int, encoding: Int = 0, size: Int? = nil
        ) -> Page {
            let details: [(Int, Thrift)] = [(1, .int32(count)), (2, .int32(encoding))]
            return Page(type: 2, body, size, nil, nil, 7, .structure(details))
        }

        /// A page of an index, which readers pass over.
        static func index(_ body: [UInt8]) -> Page {
            Page(type: 1, body, nil, nil, nil, 6, .structure([]))
        }

        init(
            type: Int, _ body: [UInt8], _ size: Int?, _ compressedSize: Int?, _ checksum: Int?,
            _ id: Int, _ details: Thrift
        ) {
            header = [
                (1, .int32(type)), (2, .int32(size ?? body.count)),
                (3, .int32(compressedSize ?? body.count)),
            ]
            if let checksum { header.append((4, .int32(checksum))) }
            header.append((id, details))
            self.body = body
        }

        var bytes: [UInt8] { Thrift.structure(header).bytes + body }
    }

    /// BYTE_ARRAY.
    var type = 6
    var converted: Int? = 0
    var isNullable = false
    var codec = 0
    var pages: [Page]
    /// What the footer says; `nil` for what is right.
    var rowCount: Int
    var valueCount: Int?
    var groupRows: Int?
    var chunkType: Int?
    var chunkSize: Int?
    var chunkOffset: Int?
    var path = ["column"]
    /// More fields of FileMetaData, SchemaElement, ColumnChunk and ColumnMetaData.
    var footerFields: [(id: Int, value: Thrift)] = []
    var schemaFields: [(id: Int, value: Thrift)] = []
    var chunkFields: [(id: Int, value: Thrift)] = []
    var metadataFields: [(id: Int, value: Thrift)] = []

    init(_ pages: [Page], rowCount: Int) {
        self.pages = pages
        self.rowCount = rowCount
    }

    var footer: Thrift {
        var column: [(Int, Thrift)] = [
            (1, .int32(type)), (3, .int32(isNullable ? 1 : 0)), (4, .text("column")),
        ]
        if let converted { column.append((6, .int32(converted))) }
        let size = pages.reduce(0) { $0 + $1.bytes.count }
        let metadata: [(Int, Thrift)] = [
            (1, .int32(chunkType ?? type)), (2, .list([.int32(0)])),
            (3, .list(path.map(Thrift.text))), (4, .int32(codec)),
            (5, .int64(valueCount ?? rowCount)), (6, .int64(size)), (7, .int64(chunkSize ?? size)),
            (9, .int64(chunkOffset ?? 4)),
        ]
        let chunk: [(Int, Thrift)] = [
            (2, .int64(0)), (3, .structure(metadata + metadataFields)),
        ]
        let group: [(Int, Thrift)] = [
            (1, .list([.structure(chunk + chunkFields)])), (2, .int64(size)),
            (3, .int64(groupRows ?? rowCount)),
        ]
        let root: [(Int, Thrift)] = [(4, .text("schema")), (5, .int32(1))]
        let file: [(Int, Thrift)] = [
            (1, .int32(1)),
            (2, .list([.structure(root), .structure(column + schemaFields)])),
            (3, .int64(rowCount)), (4, .list([.structure(group)])),
        ]
        return .structure(file + footerFields)
    }

    var bytes: [UInt8] {
        let footer = footer.bytes
        return "PAR1".utf8 + pages.flatMap(\.bytes) + footer + littleEndian(UInt32(footer.count))
            + "PAR1".utf8
    }
}
