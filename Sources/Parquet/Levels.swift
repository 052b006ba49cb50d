/// Which rows of a page have a value.
enum Levels {
    /// All have one.
    case allPresent
    /// As written today.
    case hybrid(HybridDecoder)
    /// As written long ago (the encoding BIT_PACKED): a bit for each row, the highest of a byte first.
    case packed(bit: Int)

    /// Whether the next rows have a value, and how many rows that holds for: at least one, at most `limit`.
    mutating func peek(_ bytes: RawSpan, limit: Int) throws(Malformed) -> (Bool, count: Int) {
        switch self {
        case .allPresent: return (true, limit)
        case .hybrid(var decoder):
            let run = try decoder.peekRun(bytes, limit: limit)
            self = .hybrid(decoder)
            return run
        case .packed(let bit):
            let byte = bytes.byte(at: bit / 8) << UInt8(bit % 8)
            let isSet = byte & 0x80 != 0
            let same = isSet ? (~byte).leadingZeroBitCount : byte.leadingZeroBitCount
            return (isSet, min(same, 8 - bit % 8, limit))
        }
    }

    /// Takes `count` rows of those that ``peek(_:limit:)`` told of.
    mutating func take(_ count: Int) {
        switch self {
        case .allPresent: break
        case .hybrid(var decoder):
            decoder.take(count)
            self = .hybrid(decoder)
        case .packed(let bit): self = .packed(bit: bit + count)
        }
    }
}
