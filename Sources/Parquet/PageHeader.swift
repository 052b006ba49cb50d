/// The header of a page.
struct PageHeader {
    enum Kind: Equatable {
        /// A data page of version 1; levels are compressed with the values.
        case data(levelEncoding: Int)
        /// A data page of version 2; levels stand before the values, not compressed.
        case dataV2(nullCount: Int, levelBytes: Int, definitionBytes: Int, isCompressed: Bool)
        case dictionary
        /// Something that is passed over.
        case other
    }

    var kind: Kind
    /// The bytes of the page as it is in the file, without this header.
    var compressedSize: Int
    /// The bytes of the page after decompression.
    var size: Int
    var valueCount: Int
    var encoding: Encoding
    /// The CRC-32 of the page as it is in the file, where it has one.
    var checksum: UInt32?

    /// Reads a header, whose sizes and counts are checked not to be negative.
    init(_ reader: inout ThriftReader) throws(ThriftError) {
        var type: Int?
        var size: Int?
        var compressedSize: Int?
        var checksum: UInt32?
        var details = Details()
        try reader.structure { (reader, field) throws(ThriftError) in
            switch (field.id, field.kind) {
            case (1, .int32): type = try reader.int32()
            case (2, .int32): size = try reader.int32()
            case (3, .int32): compressedSize = try reader.int32()
            case (4, .int32): checksum = UInt32(truncatingIfNeeded: try reader.int32())
            case (5, .structure): try details.readData(&reader)
            case (7, .structure): try details.readDictionary(&reader)
            case (8, .structure): try details.readDataV2(&reader)
            default: try reader.skip(field.kind)
            }
        }
        guard let type, let size, let compressedSize else {
            throw .malformed("a page header without type or sizes")
        }
        guard size >= 0, compressedSize >= 0 else {
            throw .malformed("a page of \(compressedSize) bytes, \(size) decompressed")
        }
        self.size = size
        self.compressedSize = compressedSize
        self.checksum = checksum
        guard [0, 2, 3].contains(type) else {
            kind = .other
            valueCount = 0
            encoding = .plain
            return
        }
        guard details.type == type, let kind = details.kind else {
            throw .malformed("a page of type \(type) without the header of that type")
        }
        guard let valueCount = details.valueCount, valueCount >= 0 else {
            throw .malformed("a page without a number of values")
        }
        guard let encoding = details.encoding else {
            throw .malformed("a page without an encoding")
        }
        if case .dataV2(let nulls, let levels, let definition, _) = kind {
            guard (0...valueCount).contains(nulls) else {
                throw .malformed("a page of \(valueCount) values with \(nulls) nulls")
            }
            guard definition >= 0, levels >= definition, levels <= min(size, compressedSize) else {
                throw .malformed("levels of \(definition) and \(levels - definition) bytes")
            }
        }
        self.kind = kind
        self.valueCount = valueCount
        self.encoding = Encoding(code: encoding)
    }

    /// Checks the page against the bytes that are left of the column chunk, and the values that it should still have.
    func check(left: Int, valuesLeft: Int) throws(Malformed) {
        let largest = max(size, compressedSize)
        guard largest <= Limits.pageBytes else {
            throw Malformed(
                "a page of \(largest) bytes; at most \(Limits.pageBytes) are read",
                remedy: "write the file again with smaller pages")
        }
        guard kind != .dictionary || size <= Limits.dictionaryBytes else {
            throw Malformed(
                "a dictionary of \(size) bytes; at most \(Limits.dictionaryBytes) are read",
                remedy: "write the file again with smaller dictionaries")
        }
        guard compressedSize <= left else {
            throw Malformed(
                "a page of \(compressedSize) bytes, but the column chunk has \(left) more")
        }
        guard valueCount <= valuesLeft || kind == .dictionary else {
            throw Malformed(
                "a page of \(valueCount) values, but the column chunk should have \(valuesLeft) "
                    + "more")
        }
    }

    /// What the header of one type of page tells.
    private struct Details {
        var type: Int?
        var kind: Kind?
        var valueCount: Int?
        var encoding: Int?

        mutating func readData(_ reader: inout ThriftReader) throws(ThriftError) {
            var result = Details(type: 0)
            var levelEncoding = 3
            try reader.structure { (reader, field) throws(ThriftError) in
                switch (field.id, field.kind) {
                case (1, .int32): result.valueCount = try reader.int32()
                case (2, .int32): result.encoding = try reader.int32()
                case (3, .int32): levelEncoding = try reader.int32()
                default: try reader.skip(field.kind)
                }
            }
            result.kind = .data(levelEncoding: levelEncoding)
            self = result
        }

        mutating func readDictionary(_ reader: inout ThriftReader) throws(ThriftError) {
            var result = Details(type: 2, kind: .dictionary)
            try reader.structure { (reader, field) throws(ThriftError) in
                switch (field.id, field.kind) {
                case (1, .int32): result.valueCount = try reader.int32()
                case (2, .int32): result.encoding = try reader.int32()
                default: try reader.skip(field.kind)
                }
            }
            self = result
        }

        mutating func readDataV2(_ reader: inout ThriftReader) throws(ThriftError) {
            var result = Details(type: 3)
            var (nulls, definition, repetition) = (0, 0, 0)
            var isCompressed = true
            try reader.structure { (reader, field) throws(ThriftError) in
                switch (field.id, field.kind) {
                case (1, .int32): result.valueCount = try reader.int32()
                case (2, .int32): nulls = try reader.int32()
                case (4, .int32): result.encoding = try reader.int32()
                case (5, .int32): definition = try reader.int32()
                case (6, .int32): repetition = try reader.int32()
                case (7, .yes): isCompressed = true
                case (7, .no): isCompressed = false
                default: try reader.skip(field.kind)
                }
            }
            result.kind = .dataV2(
                nullCount: nulls, levelBytes: definition + repetition,
                definitionBytes: definition, isCompressed: isCompressed)
            self = result
        }
    }
}

/// How the values of a page are written.
enum Encoding: Equatable {
    case plain
    case dictionary
    case rle
    case deltaBinaryPacked
    case deltaLengthByteArray
    case deltaByteArray
    case byteStreamSplit
    /// Not read, or not for values; says the name.
    case unsupported(String)

    init(code: Int) {
        switch code {
        case 0: self = .plain
        case 2, 8: self = .dictionary
        case 3: self = .rle
        case 4: self = .unsupported("BIT_PACKED")
        case 5: self = .deltaBinaryPacked
        case 6: self = .deltaLengthByteArray
        case 7: self = .deltaByteArray
        case 9: self = .byteStreamSplit
        case 10: self = .unsupported("ALP")
        default: self = .unsupported("the unknown encoding \(code)")
        }
    }

    var name: String {
        switch self {
        case .plain: "PLAIN"
        case .dictionary: "RLE_DICTIONARY"
        case .rle: "RLE"
        case .deltaBinaryPacked: "DELTA_BINARY_PACKED"
        case .deltaLengthByteArray: "DELTA_LENGTH_BYTE_ARRAY"
        case .deltaByteArray: "DELTA_BYTE_ARRAY"
        case .byteStreamSplit: "BYTE_STREAM_SPLIT"
        case .unsupported(let name): name
        }
    }
}
