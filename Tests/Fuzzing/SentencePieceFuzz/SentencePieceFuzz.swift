internal import FuzzSupport
internal import Tokenizers

/// SentencePiece models, which are protocol buffers.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    _ = try? fuzzSentencePiece(unsafe fuzzInput(start, count))
    return 0
}

/// libFuzzer's mutations; mostly of one field, so that the sizes of what is around it stay right.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
    var random = MutationRandom(seed: seed)
    return unsafe replaceInput(start, count, limit: limit) { bytes in
        mutated(bytes, limit, &random, depth: 0)
    }
}

private func mutated(
    _ bytes: [UInt8], _ limit: Int, _ random: inout MutationRandom, depth: Int
) -> [UInt8] {
    guard depth < 3, !random.isOne(in: 4), var fields = fields(of: bytes),
        let index = fields.indices.randomElement(using: &random)
    else { return libraryMutation(bytes, limit: limit) }
    switch Int.random(in: 0..<10, using: &random) {
    case 0: fields.remove(at: index)
    case 1: fields.append(fields[index])
    case 2: fields.swapAt(index, fields.indices.randomElement(using: &random) ?? index)
    default:
        guard fields[index].isSized else { return libraryMutation(bytes, limit: limit) }
        let room = limit - bytes.count + fields[index].content.count - 2
        fields[index].content = mutated(
            fields[index].content, max(1, room), &random, depth: depth + 1)
    }
    return fields.flatMap(\.bytes)
}

/// A field of a message: its tag, and what follows it.
private struct Field {
    var tag: [UInt8]
    var content: [UInt8]
    /// Whether the number of bytes stands between the two.
    var isSized: Bool

    var bytes: [UInt8] { tag + (isSized ? varint(content.count) : []) + content }
}

private func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
}

/// The fields of a message; `nil` where `bytes` is none.
private func fields(of bytes: [UInt8]) -> [Field]? {
    var fields: [Field] = []
    var position = 0
    func varintEnd(_ start: Int) -> Int? {
        bytes[start...].prefix(9).firstIndex { $0 < 0x80 }.map { $0 + 1 }
    }
    while position < bytes.count {
        guard let tagEnd = varintEnd(position) else { return nil }
        var start = tagEnd
        var count = 0
        let type = bytes[position] & 7
        switch type {
        case 0:
            guard let end = varintEnd(tagEnd) else { return nil }
            count = end - tagEnd
        case 1: count = 8
        case 2:
            guard let end = varintEnd(tagEnd) else { return nil }
            count = bytes[tagEnd..<end].reversed().reduce(0) { $0 << 7 | Int($1 & 0x7F) }
            start = end
        case 5: count = 4
        default: return nil
        }
        guard count <= bytes.count - start else { return nil }
        fields.append(
            Field(
                tag: Array(bytes[position..<tagEnd]),
                content: Array(bytes[start..<start + count]), isSized: type == 2))
        position = start + count
    }
    return fields
}
