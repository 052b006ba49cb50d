import Files
import Testing

/// An event file, read without the code that wrote it.
struct TensorBoardFile {
    struct Point: Equatable {
        var step: Int
        var value: Float
    }

    /// All records, in order.
    var events: [ProtobufMessage] = []

    init(_ path: String) throws { try self.init(bytes: try FileBytes.read(path)) }

    init(bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Int(try take(8, &rest).littleEndian)
            let lengthSum = try take(4, &rest)
            #expect(
                Self.maskedChecksum(bytes[(rest.startIndex - 12)..<(rest.startIndex - 4)])
                    == UInt32(lengthSum.littleEndian))
            let data = try take(length, &rest)
            #expect(Self.maskedChecksum(data) == UInt32(try take(4, &rest).littleEndian))
            events.append(try ProtobufMessage(data))
        }
    }

    /// All files of a folder in the order in which TensorBoard reads them.
    static func all(in folder: String) throws -> [TensorBoardFile] {
        try FileBytes.names(in: folder).filter { $0.contains("tfevents") }
            .map { try TensorBoardFile(folder + "/" + $0) }
    }

    /// The values of the summaries, with their steps.
    func values() throws -> [(step: Int, tag: String, value: ProtobufMessage)] {
        try events.flatMap { event in
            try (try event.message(5)?.messages(1) ?? []).map { value in
                (event.int(2) ?? 0, try value.text(1) ?? "", value)
            }
        }
    }

    func scalars(_ tag: String) throws -> [Point] {
        try values().filter { $0.tag == tag }.compactMap { step, _, value in
            value.fixed32(2).map { Point(step: step, value: Float(bitPattern: $0)) }
        }
    }

    func texts(_ tag: String) throws -> [(step: Int, text: String)] {
        try values().filter { $0.tag == tag }.map { step, _, value in
            (step, try value.message(8)?.text(8) ?? "")
        }
    }

    /// The content of the plugin data of the first value of `tag`.
    func pluginContent(_ tag: String) throws -> ProtobufMessage? {
        try values().first { $0.tag == tag }?.value.message(9)?.message(1)?.message(2)
    }

    /// Bit by bit, without a table.
    static func maskedChecksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc: UInt32 = ~0
        for byte in bytes {
            for bit in 0..<8 {
                let isOdd = (crc ^ UInt32(byte >> bit)) & 1 == 1
                crc = isOdd ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1
            }
        }
        crc = ~crc
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}

/// The fields of a message, in order.
struct ProtobufMessage {
    enum Field {
        case number(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    struct Malformed: Error {}

    var fields: [(number: Int, value: Field)] = []

    init(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        while !rest.isEmpty {
            let key = try varint(&rest)
            let value: Field =
                switch key & 7 {
                case 0: .number(try varint(&rest))
                case 1: .fixed64(try take(8, &rest).littleEndian)
                case 2: .bytes(try take(Int(try varint(&rest)), &rest))
                case 5: .fixed32(UInt32(try take(4, &rest).littleEndian))
                default: throw Malformed()
                }
            fields.append((Int(key >> 3), value))
        }
    }

    private func all(_ number: Int) -> [Field] {
        fields.filter { $0.number == number }.map(\.value)
    }

    func messages(_ number: Int) throws -> [ProtobufMessage] {
        try all(number).compactMap { field in
            guard case .bytes(let bytes) = field else { return nil }
            return try ProtobufMessage(bytes)
        }
    }
    func message(_ number: Int) throws -> ProtobufMessage? { try messages(number).last }
    func text(_ number: Int) throws -> String? {
        guard case .bytes(let bytes) = all(number).last else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed() }
        return text
    }
    func int(_ number: Int) -> Int? {
        guard case .number(let value) = all(number).last else { return nil }
        return Int(truncatingIfNeeded: value)
    }
    func double(_ number: Int) -> Double? {
        guard case .fixed64(let bits) = all(number).last else { return nil }
        return Double(bitPattern: bits)
    }
    func fixed32(_ number: Int) -> UInt32? {
        guard case .fixed32(let bits) = all(number).last else { return nil }
        return bits
    }
}

private func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= rest.count else { throw ProtobufMessage.Malformed() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
}

private func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
        let byte = try take(1, &rest).littleEndian
        value |= (byte & 0x7F) << UInt64(shift)
        if byte < 0x80 { return value }
    }
    throw ProtobufMessage.Malformed()
}

extension ArraySlice<UInt8> {
    fileprivate var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
