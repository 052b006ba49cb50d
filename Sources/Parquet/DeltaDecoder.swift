/// Decodes whole numbers written as differences (the encoding DELTA_BINARY_PACKED).
///
/// Nothing is decoded ahead: a run of equal differences takes no memory.
struct DeltaDecoder {
    private var position: Int
    private let end: Int
    private let miniblocks: Int
    private let valuesPerMiniblock: Int
    /// The numbers left.
    private(set) var left: Int
    private var isFirst = true
    private var last: Int64
    private var smallest: Int64 = 0
    /// Where the widths of the current block stand.
    private var widths = 0
    private var miniblock: Int
    private var leftInMiniblock = 0
    private var width = 0
    private var bit = 0

    /// Reads the head of the numbers in `range`.
    init(_ range: Range<Int>, _ bytes: RawSpan) throws(Malformed) {
        position = range.lowerBound
        end = range.upperBound
        let size = try bytes.varint(at: &position, end: end)
        let miniblocks = try bytes.varint(at: &position, end: end)
        let count = try bytes.varint(at: &position, end: end)
        last = try bytes.zigzag(at: &position, end: end)
        guard size <= 1 << 30, miniblocks > 0, size % miniblocks == 0,
            size / miniblocks % 32 == 0, size > 0
        else { throw Malformed("blocks of \(size) differences in \(miniblocks) parts") }
        guard count <= UInt64(Int32.max) else { throw Malformed("a page of \(count) numbers") }
        self.miniblocks = Int(miniblocks)
        valuesPerMiniblock = Int(size / miniblocks)
        left = Int(count)
        miniblock = Int(miniblocks)
    }

    /// The next number.
    mutating func next(_ bytes: RawSpan) throws(Malformed) -> Int64 {
        guard left > 0 else { throw Malformed("the page ends before its last value") }
        if isFirst {
            isFirst = false
        } else {
            if leftInMiniblock == 0 { try startMiniblock(bytes) }
            var difference: UInt64 = 0
            if width > 0 {
                difference = bytes.bits(at: bit, end: end)
                if width < 64 { difference &= (1 << UInt64(width)) - 1 }
                bit += width
            }
            last = last &+ smallest &+ Int64(bitPattern: difference)
            leftInMiniblock -= 1
        }
        left -= 1
        return last
    }

    /// Starts the next part of a block, or the next block. All of its bits are in the page.
    private mutating func startMiniblock(_ bytes: RawSpan) throws(Malformed) {
        if miniblock == miniblocks {
            smallest = try bytes.zigzag(at: &position, end: end)
            guard miniblocks <= end - position else {
                throw Malformed("the page ends within a block of differences")
            }
            widths = position
            position += miniblocks
            miniblock = 0
        }
        width = Int(bytes.byte(at: widths + miniblock))
        guard width <= 64 else { throw Malformed("differences of \(width) bits") }
        let size = valuesPerMiniblock / 8 * width
        guard size <= end - position else {
            throw Malformed("the page ends within a block of differences")
        }
        bit = position * 8
        position += size
        miniblock += 1
        leftInMiniblock = valuesPerMiniblock
    }

    /// Where the bytes of these numbers end. Walks over the blocks that are left.
    func endOfNumbers(_ bytes: RawSpan) throws(Malformed) -> Int {
        var walker = self
        if walker.isFirst, walker.left > 0 {
            walker.isFirst = false
            walker.left -= 1
        }
        walker.left -= min(walker.left, walker.leftInMiniblock)
        while walker.left > 0 {
            try walker.startMiniblock(bytes)
            walker.left -= min(walker.left, valuesPerMiniblock)
        }
        return walker.position
    }
}

/// Decodes texts whose lengths stand before them (the encoding DELTA_LENGTH_BYTE_ARRAY).
struct DeltaLengthDecoder {
    private var lengths: DeltaDecoder
    private var position: Int
    private let end: Int

    init(_ range: Range<Int>, _ bytes: RawSpan) throws(Malformed) {
        lengths = try DeltaDecoder(range, bytes)
        position = try lengths.endOfNumbers(bytes)
        end = range.upperBound
    }

    /// Where the next text stands.
    mutating func next(_ bytes: RawSpan) throws(Malformed) -> Range<Int> {
        let length = try lengths.next(bytes)
        guard length >= 0, length <= Int64(end - position) else {
            throw Malformed(
                "a text of \(length) bytes expected, but the page has \(end - position) more")
        }
        let start = position
        position += Int(length)
        return start..<position
    }
}

/// Decodes texts that share their beginning with the one before (the encoding DELTA_BYTE_ARRAY).
struct DeltaByteArrayDecoder {
    private var prefixes: DeltaDecoder
    private var suffixes: DeltaLengthDecoder
    private var last: [UInt8] = []

    init(_ range: Range<Int>, _ bytes: RawSpan) throws(Malformed) {
        prefixes = try DeltaDecoder(range, bytes)
        let start = try prefixes.endOfNumbers(bytes)
        suffixes = try DeltaLengthDecoder(start..<range.upperBound, bytes)
    }

    /// The next text.
    mutating func next(_ bytes: RawSpan) throws(Malformed) -> String {
        let prefix = try prefixes.next(bytes)
        let suffix = try suffixes.next(bytes)
        guard prefix >= 0, prefix <= Int64(last.count) else {
            throw Malformed(
                "a text shares \(prefix) bytes with the one before, which has \(last.count)")
        }
        // No text of a page is longer than the page: its bytes stand there once.
        last.removeLast(last.count - Int(prefix))
        unsafe bytes.extracting(suffix).withUnsafeBytes { unsafe last.append(contentsOf: $0) }
        return try unsafe last.span.bytes.text(in: 0..<last.count)
    }
}
