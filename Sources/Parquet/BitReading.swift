#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reading numbers from the bytes of a page. The bytes end at `end`, which is at most the size of the span.
extension RawSpan {
    /// The 32-bit number at `position`. Traps outside the span.
    func uint32(at position: Int) -> UInt32 {
        UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    /// The 64-bit number at `position`. Traps outside the span.
    func uint64(at position: Int) -> UInt64 {
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// The byte at `position`. Traps outside the span.
    func byte(at position: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: position, as: UInt8.self)
    }

    /// The 64 bits from the bit `position` on, lowest first; those after `end` (in bytes) are 0.
    ///
    /// Traps where no bit is left.
    func bits(at position: Int, end: Int) -> UInt64 {
        let first = position >> 3
        let shift = UInt64(position & 7)
        if first + 9 <= end {
            let low = uint64(at: first) >> shift
            if shift == 0 { return low }
            return low | UInt64(byte(at: first + 8)) << (64 - shift)
        }
        precondition(first < end, "bit \(position) of \(end) bytes")
        var value = UInt64(byte(at: first)) >> shift
        for index in 1..<9 where first + index < end {
            value |= UInt64(byte(at: first + index)) << (UInt64(index * 8) - shift)
        }
        return value
    }

    /// A number of up to 64 bits, seven in each byte; moves `position` behind it.
    func varint(at position: inout Int, end: Int) throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else { throw Malformed("the page ends within a number") }
            let byte = byte(at: position)
            position += 1
            let bits = UInt64(byte & 0x7F)
            guard shift < 64, shift < 63 || bits <= 1 else {
                throw Malformed("a number of more than 64 bits in the page")
            }
            value |= bits << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A signed number of up to 64 bits in zigzag order; moves `position` behind it.
    func zigzag(at position: inout Int, end: Int) throws(Malformed) -> Int64 {
        let value = try varint(at: &position, end: end)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The text in `range`. Traps outside the span.
    func text(in range: Range<Int>) throws(Malformed) -> String {
        // String(validating:as:) looks up generic types for each text, which costs more than a short text itself;
        // this constructor does not, but repairs what is not UTF-8.
        let isValid: Bool
        var text = ""
        (text, isValid) = unsafe extracting(range).withUnsafeBytes { raw in
            unsafe raw.withMemoryRebound(to: UInt8.self) { bytes in
                var text = unsafe String(decoding: bytes, as: UTF8.self)
                let isSame = text.withUTF8 { written in
                    guard let left = written.baseAddress, let right = bytes.baseAddress else {
                        return written.count == bytes.count
                    }
                    return unsafe written.count == bytes.count
                        && memcmp(left, right, bytes.count) == 0
                }
                return (text, isSame)
            }
        }
        guard isValid else {
            throw Malformed(
                "a text that is not valid UTF-8",
                remedy: "leave the column out, or write it as UTF-8 text")
        }
        return text
    }
}
