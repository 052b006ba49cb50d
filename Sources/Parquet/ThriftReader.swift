/// Why Thrift data cannot be read.
enum ThriftError: Error {
    /// The bytes end within a value: more of them may help.
    case endOfData
    /// More bytes would not help.
    case malformed(String)
    /// The data are Thrift, but say what cannot be.
    case refused(Malformed)
}

/// Reads the compact protocol of Thrift, in which footers and page headers are written.
///
/// Every value read takes at least one byte, so the work is bounded by the bytes; nesting is bounded by
/// ``Limits/thriftDepth``.
struct ThriftReader {
    /// How a value is written.
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case byte = 3
        case int16 = 4
        case int32 = 5
        case int64 = 6
        case double = 7
        case binary = 8
        case list = 9
        case set = 10
        case map = 11
        case structure = 12
        case uuid = 13
    }

    /// The head of a field of a structure. Truth values have their value here.
    struct Field {
        var id: Int
        var kind: Kind
    }

    private let bytes: [UInt8]
    private let end: Int
    /// Where the next byte is read.
    var position: Int
    private var depth = 0

    init(_ bytes: [UInt8], range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= bytes.count,
            "range \(range) of \(bytes.count) bytes")
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    private mutating func byte() throws(ThriftError) -> UInt8 {
        guard position < end else { throw .endOfData }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func varint() throws(ThriftError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            let bits = UInt64(byte & 0x7F)
            guard shift < 64, shift < 63 || bits <= 1 else {
                throw .malformed("a number of more than 64 bits")
            }
            value |= bits << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A whole number of any width.
    mutating func integer() throws(ThriftError) -> Int {
        let value = try varint()
        return Int(bitPattern: UInt(value >> 1)) ^ -Int(bitPattern: UInt(value & 1))
    }

    /// A 32-bit number: sizes, counts and codes.
    mutating func int32() throws(ThriftError) -> Int {
        let value = try integer()
        guard Int32(exactly: value) != nil else {
            throw .malformed("a 32-bit number expected, found \(value)")
        }
        return value
    }

    /// A number of one byte.
    mutating func int8() throws(ThriftError) -> Int { Int(Int8(bitPattern: try byte())) }

    /// The bytes of a string.
    mutating func binary() throws(ThriftError) -> ArraySlice<UInt8> {
        let count = try varint()
        guard count <= UInt64(end - position) else {
            if count > UInt64(Limits.footerBytes) {
                throw .malformed("a string of \(count) bytes")
            }
            throw .endOfData
        }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    /// A string, which must be UTF-8.
    mutating func string() throws(ThriftError) -> String {
        guard let text = String(validating: try binary(), as: UTF8.self) else {
            throw .malformed("a string that is not UTF-8")
        }
        return text
    }

    /// Calls `body` with each field of a structure; `body` reads the value, or skips it.
    mutating func structure(
        _ body: (inout ThriftReader, Field) throws(ThriftError) -> Void
    ) throws(ThriftError) {
        try deeper()
        var id = 0
        while true {
            let head = try byte()
            if head == 0 { break }
            guard let kind = Kind(rawValue: head & 0x0F) else {
                throw .malformed("no type of a field has the code \(head & 0x0F)")
            }
            id = head >> 4 == 0 ? try integer() : id + Int(head >> 4)
            guard (0...Int(Int16.max)).contains(id) else {
                throw .malformed("no field has the number \(id)")
            }
            try body(&self, Field(id: id, kind: kind))
        }
        depth -= 1
    }

    /// Calls `body` once for each element of a list of `kind`; `body` reads the element.
    mutating func list(
        of kind: Kind, _ body: (inout ThriftReader) throws(ThriftError) -> Void
    ) throws(ThriftError) {
        let (count, found) = try listHead()
        // An empty list may have any type.
        guard found == kind || count == 0 else {
            throw .malformed("a list of \(kind) expected, found one of \(found)")
        }
        try deeper()
        for _ in 0..<count { try body(&self) }
        depth -= 1
    }

    private mutating func listHead() throws(ThriftError) -> (count: Int, kind: Kind) {
        let head = try byte()
        let count = head >> 4 == 15 ? try varint() : UInt64(head >> 4)
        // An element takes a byte or more.
        guard count <= UInt64(end - position) else {
            if count > UInt64(Limits.footerBytes) {
                throw .malformed("a list of \(count) elements")
            }
            throw .endOfData
        }
        // Some writers leave out the type of an empty list.
        if count == 0 { return (0, .byte) }
        guard let kind = Kind(rawValue: head & 0x0F) else {
            throw .malformed("no type of an element has the code \(head & 0x0F)")
        }
        return (Int(count), kind)
    }

    /// Skips the value of a field of `kind`.
    mutating func skip(_ kind: Kind) throws(ThriftError) {
        switch kind {
        case .yes, .no: break
        default: try skipElement(kind)
        }
    }

    /// Skips a value of `kind` within a list or map, where truth values take a byte.
    private mutating func skipElement(_ kind: Kind) throws(ThriftError) {
        switch kind {
        case .yes, .no, .byte: _ = try byte()
        case .int16, .int32, .int64: _ = try varint()
        case .double: try skip(bytes: 8)
        case .uuid: try skip(bytes: 16)
        case .binary: _ = try binary()
        case .list, .set:
            let (count, kind) = try listHead()
            try deeper()
            for _ in 0..<count { try skipElement(kind) }
            depth -= 1
        case .map:
            let count = try varint()
            guard count > 0 else { return }
            guard count <= UInt64(end - position) else { throw .endOfData }
            let head = try byte()
            guard let key = Kind(rawValue: head >> 4), let value = Kind(rawValue: head & 0x0F)
            else { throw .malformed("no types of a map have the code \(head)") }
            try deeper()
            for _ in 0..<count {
                try skipElement(key)
                try skipElement(value)
            }
            depth -= 1
        case .structure:
            try structure { (reader, field) throws(ThriftError) in try reader.skip(field.kind) }
        }
    }

    private mutating func skip(bytes count: Int) throws(ThriftError) {
        guard count <= end - position else { throw .endOfData }
        position += count
    }

    private mutating func deeper() throws(ThriftError) {
        depth += 1
        guard depth <= Limits.thriftDepth else {
            throw .malformed("more than \(Limits.thriftDepth) levels of structures")
        }
    }
}
