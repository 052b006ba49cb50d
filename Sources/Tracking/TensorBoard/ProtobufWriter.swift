/// Writes messages in the wire format of protocol buffers, fields in the order of the calls.
///
/// As in proto3, plain fields that are zero or empty are left out. Members of a `oneof` are not: there, being present
/// means something, hence their own functions.
struct ProtobufWriter {
    /// What was written so far.
    private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    /// A whole number or an enumeration; negative ones take ten bytes.
    mutating func int(_ field: UInt64, _ value: Int) {
        if value == 0 { return }
        key(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// A `double`.
    mutating func double(_ field: UInt64, _ value: Double) {
        if value.bitPattern != 0 { doubleChoice(field, value) }
    }

    /// A `string`.
    mutating func string(_ field: UInt64, _ value: String) {
        if !value.utf8.isEmpty { stringChoice(field, value) }
    }

    /// A `bytes`, or a string given by its UTF-8.
    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
        if value.isEmpty { return }
        key(field, .lengthDelimited)
        varint(UInt64(value.count))
        bytes += value
    }

    /// A `double` of a `oneof`.
    mutating func doubleChoice(_ field: UInt64, _ value: Double) {
        key(field, .fixed64)
        appendLittleEndian(value.bitPattern)
    }

    /// A `float` of a `oneof`.
    mutating func floatChoice(_ field: UInt64, _ value: Float) {
        key(field, .fixed32)
        appendLittleEndian(value.bitPattern)
    }

    /// A `bool` of a `oneof`.
    mutating func boolChoice(_ field: UInt64, _ value: Bool) {
        key(field, .varint)
        varint(value ? 1 : 0)
    }

    /// A `string` of a `oneof`, or an element of a repeated field.
    mutating func stringChoice(_ field: UInt64, _ value: String) {
        key(field, .lengthDelimited)
        varint(UInt64(value.utf8.count))
        bytes += value.utf8
    }

    /// A message, present even where `body` writes nothing.
    mutating func message(_ field: UInt64, _ body: (inout ProtobufWriter) -> Void) {
        key(field, .lengthDelimited)
        let start = bytes.count
        // Nearly all lengths take one byte; longer ones move the message up.
        bytes.append(0)
        body(&self)
        var length = ProtobufWriter()
        length.varint(UInt64(bytes.count - start - 1))
        if length.bytes.count == 1 {
            bytes[start] = length.bytes[0]
        } else {
            bytes.replaceSubrange(start...start, with: length.bytes)
        }
    }

    private mutating func key(_ field: UInt64, _ type: WireType) {
        varint(field << 3 | type.rawValue)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        bytes.appendLittleEndian(value)
    }
}

extension [UInt8] {
    /// Appends the bytes of `value`, the lowest first.
    mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
