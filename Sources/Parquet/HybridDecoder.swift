/// Decodes small whole numbers written as runs of one number and bit-packed runs (the encoding RLE): levels,
/// indices into a dictionary, truth values.
struct HybridDecoder {
    private var position: Int
    private let end: Int
    private let width: Int
    /// The numbers left in the current run.
    private var left = 0
    /// The number of the current run; `nil` where it is bit-packed.
    private var repeated: UInt32?
    /// The next bit of a bit-packed run.
    private var bit = 0

    /// Decodes numbers of `width` bits (at most 32) from `range`.
    init(_ range: Range<Int>, width: Int) {
        position = range.lowerBound
        end = range.upperBound
        self.width = width
    }

    /// Starts the next run where the current one is used up.
    private mutating func startRun(_ bytes: RawSpan) throws(Malformed) {
        // A run of no numbers takes a byte or more: the loop ends.
        while left == 0 {
            guard position < end else { throw Malformed("the page ends before its last value") }
            let head = try bytes.varint(at: &position, end: end)
            if head & 1 == 0 {
                let size = (width + 7) / 8
                guard size <= end - position else {
                    throw Malformed("the page ends within a run")
                }
                var value: UInt32 = 0
                for index in 0..<size {
                    value |= UInt32(bytes.byte(at: position + index)) << UInt32(index * 8)
                }
                guard width == 32 || value >> UInt32(width) == 0 else {
                    throw Malformed("a number of \(width) bits expected, found \(value)")
                }
                position += size
                repeated = value
                guard head >> 1 <= UInt64(Int32.max) else {
                    throw Malformed("a run of \(head >> 1) values")
                }
                left = Int(head >> 1)
            } else {
                let groups = head >> 1
                guard groups <= UInt64(Int32.max) else {
                    throw Malformed("a run of \(groups) times 8 values")
                }
                repeated = nil
                bit = position * 8
                left = Int(groups) * 8
                // Writers may leave out the end of the last run.
                position = min(end, position + Int(groups) * width)
                if width == 0 { repeated = 0 }
            }
        }
    }

    /// The next number, which must be 0 or 1, and how often it follows, at most `limit`; takes nothing.
    mutating func peekRun(_ bytes: RawSpan, limit: Int) throws(Malformed) -> (Bool, count: Int) {
        try startRun(bytes)
        if let repeated { return (repeated != 0, min(left, limit)) }
        guard bit < end * 8 else { throw Malformed("the page ends within a run") }
        let bits = bytes.bits(at: bit, end: end)
        let isSet = bits & 1 == 1
        let same = isSet ? (~bits).trailingZeroBitCount : bits.trailingZeroBitCount
        return (isSet, min(same, left, limit, end * 8 - bit))
    }

    /// Takes `count` numbers of the run that ``peekRun(_:limit:)`` told of.
    mutating func take(_ count: Int) {
        precondition(count <= left, "take \(count) of \(left)")
        left -= count
        if repeated == nil { bit += count * width }
    }

    /// Appends the values of `dictionary` that the next `count` numbers stand for.
    mutating func append(
        _ count: Int, of dictionary: [ParquetValue], from bytes: RawSpan,
        to values: inout [ParquetValue]
    ) throws(Malformed) {
        func outside(_ index: UInt64) -> Malformed {
            Malformed("the dictionary has \(dictionary.count) values, found the index \(index)")
        }
        var missing = count
        while missing > 0 {
            try startRun(bytes)
            let step = min(left, missing)
            if let repeated {
                guard Int(repeated) < dictionary.count else { throw outside(UInt64(repeated)) }
                values.append(
                    contentsOf: repeatElement(dictionary[Int(repeated)], count: step))
            } else {
                guard step * width <= end * 8 - bit else {
                    throw Malformed("the page ends within a run")
                }
                let mask: UInt64 = (1 << UInt64(width)) - 1
                for _ in 0..<step {
                    let index = bytes.bits(at: bit, end: end) & mask
                    guard index < UInt64(dictionary.count) else { throw outside(index) }
                    values.append(dictionary[Int(index)])
                    bit += width
                }
            }
            left -= step
            missing -= step
        }
    }
}
