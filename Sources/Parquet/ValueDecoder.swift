/// How the stored values of a column become values.
enum ValueKind {
    case null
    case bool
    case int(bits: Int)
    case unsigned(bits: Int)
    case float
    case double
    case text

    init?(_ type: ParquetType) {
        switch type {
        case .null: self = .null
        case .bool: self = .bool
        case .int(let bits): self = .int(bits: bits)
        case .unsigned(let bits): self = .unsigned(bits: bits)
        case .float: self = .float
        case .double: self = .double
        case .text: self = .text
        case .unsupported: return nil
        }
    }

    /// The value of the number stored as `bits`, of which those above the width of the type do not count.
    func value(_ bits: UInt64) throws(Malformed) -> ParquetValue {
        switch self {
        case .int(64): return .int(Int64(bitPattern: bits))
        case .int(let width):
            let value = Int32(truncatingIfNeeded: bits)
            guard width == 32 || value >> Int32(width - 1) == value >> 31 else {
                throw Malformed("an integer of \(width) bits expected, found \(value)")
            }
            return .int(Int64(value))
        case .unsigned(64): return .unsigned(bits)
        case .unsigned(let width):
            let value = UInt32(truncatingIfNeeded: bits)
            guard width == 32 || value >> UInt32(width) == 0 else {
                throw Malformed("an unsigned integer of \(width) bits expected, found \(value)")
            }
            return .unsigned(UInt64(value))
        case .float: return .float(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .double: return .double(Double(bitPattern: bits))
        case .bool: return .bool(bits & 1 == 1)
        case .null, .text: throw Malformed("a number in a column of another type")
        }
    }
}

/// Decodes the values of a page, in order.
enum ValueDecoder {
    /// Values that should not be there.
    case none
    case numbers(position: Int, width: Int)
    case texts(position: Int)
    case bools(bit: Int)
    case hybridBools(HybridDecoder)
    case dictionary(HybridDecoder)
    case delta(DeltaDecoder)
    case deltaLength(DeltaLengthDecoder)
    case deltaByteArray(DeltaByteArrayDecoder)
    /// The first bytes of all numbers stand from `start` on, the second ones `stride` bytes later.
    case split(start: Int, index: Int, stride: Int, width: Int)

    /// A decoder of the values in `range` of a page.
    init(
        _ encoding: Encoding, _ range: Range<Int>, _ bytes: RawSpan, kind: ValueKind,
        physical: PhysicalType, hasDictionary: Bool
    ) throws(Malformed) {
        // Where no value is present there may be nothing at all, whatever the encoding.
        if range.isEmpty {
            self = .none
            return
        }
        if case .null = kind {
            self = .none
            return
        }
        let start = range.lowerBound
        switch (encoding, physical) {
        case (.plain, .boolean): self = .bools(bit: start * 8)
        case (.plain, .byteArray): self = .texts(position: start)
        case (.plain, _):
            guard let width = physical.width else { throw .notSupported(encoding, physical) }
            self = .numbers(position: start, width: width)
        case (.rle, .boolean):
            guard range.count >= 4 else { throw Malformed("the page ends within a number") }
            let size = Int(bytes.uint32(at: start))
            guard size <= range.count - 4 else {
                throw Malformed(
                    "\(size) bytes of truth values expected, but the page has \(range.count - 4)")
            }
            self = .hybridBools(HybridDecoder(start + 4..<start + 4 + size, width: 1))
        case (.dictionary, _):
            guard hasDictionary else {
                throw Malformed("the page needs a dictionary, but none came before it")
            }
            let width = Int(bytes.byte(at: start))
            guard width <= 32 else { throw Malformed("indices of \(width) bits") }
            self = .dictionary(HybridDecoder(range.dropFirst(), width: width))
        case (.deltaBinaryPacked, .int32), (.deltaBinaryPacked, .int64):
            self = .delta(try DeltaDecoder(range, bytes))
        case (.deltaLengthByteArray, .byteArray):
            self = .deltaLength(try DeltaLengthDecoder(range, bytes))
        case (.deltaByteArray, .byteArray):
            self = .deltaByteArray(try DeltaByteArrayDecoder(range, bytes))
        case (.byteStreamSplit, _):
            guard let width = physical.width else { throw .notSupported(encoding, physical) }
            guard range.count % width == 0 else {
                throw Malformed(
                    "numbers of \(width) bytes each expected, found \(range.count) bytes")
            }
            self = .split(start: start, index: 0, stride: range.count / width, width: width)
        default: throw .notSupported(encoding, physical)
        }
    }

    /// Appends the next values, at least one and at most `count`, to `values`. Stops early where texts have taken the
    /// bytes of `room`, which become fewer.
    ///
    /// The values stand before the byte `end`.
    mutating func append(
        _ count: Int, from bytes: RawSpan, end: Int, kind: ValueKind, dictionary: [ParquetValue],
        room: inout Int, to values: inout [ParquetValue]
    ) throws(Malformed) {
        switch self {
        case .none: throw .tooFewValues
        case .numbers(let position, let width):
            guard count <= (end - position) / width else { throw .tooFewValues }
            if width == 4 {
                for index in 0..<count {
                    let bits = UInt64(bytes.uint32(at: position + index * 4))
                    values.append(try kind.value(bits))
                }
            } else {
                for index in 0..<count {
                    values.append(try kind.value(bytes.uint64(at: position + index * 8)))
                }
            }
            self = .numbers(position: position + count * width, width: width)
        case .bools(let bit):
            guard count <= end * 8 - bit else { throw .tooFewValues }
            for index in bit..<bit + count {
                let isSet = bytes.byte(at: index >> 3) >> UInt8(index & 7) & 1 == 1
                values.append(.bool(isSet))
            }
            self = .bools(bit: bit + count)
        case .hybridBools(var decoder):
            var left = count
            while left > 0 {
                let (isSet, step) = try decoder.peekRun(bytes, limit: left)
                decoder.take(step)
                values.append(contentsOf: repeatElement(.bool(isSet), count: step))
                left -= step
            }
            self = .hybridBools(decoder)
        case .dictionary(var decoder):
            try decoder.append(count, of: dictionary, from: bytes, to: &values)
            self = .dictionary(decoder)
        case .delta(var decoder):
            for _ in 0..<count {
                values.append(try kind.value(UInt64(bitPattern: try decoder.next(bytes))))
            }
            self = .delta(decoder)
        case .split(let start, let index, let stride, let width):
            guard count <= stride - index else { throw .tooFewValues }
            for place in start + index..<start + index + count {
                var bits: UInt64 = 0
                for byte in 0..<width {
                    bits |= UInt64(bytes.byte(at: place + byte * stride)) << UInt64(byte * 8)
                }
                values.append(try kind.value(bits))
            }
            self = .split(start: start, index: index + count, stride: stride, width: width)
        case .texts(var position):
            try append(count, room: &room, to: &values) { () throws(Malformed) in
                guard end - position >= 4 else { throw .tooFewValues }
                let size = Int(bytes.uint32(at: position))
                position += 4
                guard size <= end - position else {
                    throw Malformed(
                        "a text of \(size) bytes expected, but the page has \(end - position) more"
                    )
                }
                position += size
                return try bytes.text(in: position - size..<position)
            }
            self = .texts(position: position)
        case .deltaLength(var decoder):
            try append(count, room: &room, to: &values) { () throws(Malformed) in
                try bytes.text(in: try decoder.next(bytes))
            }
            self = .deltaLength(decoder)
        case .deltaByteArray(var decoder):
            // Else the bytes of the last text would be held twice, and copied.
            self = .none
            try append(count, room: &room, to: &values) { () throws(Malformed) in
                try decoder.next(bytes)
            }
            self = .deltaByteArray(decoder)
        }
    }

    /// Appends up to `count` texts, one at least, until they have taken the bytes of `room`.
    @inline(__always)
    private func append(
        _ count: Int, room: inout Int, to values: inout [ParquetValue],
        next: () throws(Malformed) -> String
    ) throws(Malformed) {
        var left = count
        repeat {
            let text = try next()
            values.append(.text(text))
            room -= text.utf8.count
            left -= 1
        } while left > 0 && room > 0
    }
}

extension Malformed {
    fileprivate static var tooFewValues: Malformed {
        Malformed("the page ends before its last value")
    }

    fileprivate static func notSupported(_ encoding: Encoding, _ type: PhysicalType) -> Malformed {
        Malformed(
            "\(type.name) values written as \(encoding.name), which is not supported",
            remedy: "write the file again with another encoding")
    }
}
