/// Full decompositions of characters, and the pairs that compose again.
///
/// The data is that of the reference tokenizers (see ``ScalarRanges``); Hangul syllables are computed.
struct Decompositions: Sendable {
    /// Canonical decompositions (NFD).
    static let canonical = Decompositions(parsing: canonicalText)
    /// Compatibility decompositions (NFKD) of what has no equal canonical one.
    static let compatibility = Decompositions(parsing: compatibilityText)

    private(set) var sources: [UInt32] = []
    private var ends: [Int] = []
    private var targets: [Unicode.Scalar] = []
    private var isRecomposed: [Bool] = []

    /// What `scalar` decomposes to; `nil` where it stands for itself. Hangul syllables are not in the table.
    subscript(scalar: Unicode.Scalar) -> ArraySlice<Unicode.Scalar>? {
        var low = 0
        var high = sources.count
        while low < high {
            let middle = (low + high) / 2
            if sources[middle] < scalar.value { low = middle + 1 } else { high = middle }
        }
        guard low < sources.count, sources[low] == scalar.value else { return nil }
        return targets(at: low)
    }

    private func targets(at index: Int) -> ArraySlice<Unicode.Scalar> {
        targets[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// What two characters compose to (NFC), keyed by first and second code point.
    static let compositions: [UInt64: Unicode.Scalar] = {
        var pairs: [UInt64: Unicode.Scalar] = [:]
        let table = canonical
        for length in 2...4 {
            for (index, source) in table.sources.enumerated() where table.isRecomposed[index] {
                let target = table.targets(at: index)
                guard target.count == length, let head = target.first, let last = target.last,
                    let composite = Unicode.Scalar(source)
                else { continue }
                var first: Unicode.Scalar? = head
                for mark in target.dropFirst().dropLast() {
                    first = first.flatMap { pairs[key($0, mark)] }
                }
                if let first { pairs[key(first, last)] = composite }
            }
        }
        return pairs
    }()

    private static func key(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt64 {
        UInt64(first.value) << 32 | UInt64(second.value)
    }

    /// What `first` and `second` compose to; `nil` where they stay apart.
    static func compose(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        Hangul.compose(first.value, second.value) ?? compositions[key(first, second)]
    }

    private init(parsing text: String) {
        var number: UInt32 = 0
        var source: UInt32 = 0
        var last: UInt32?
        var recomposed = true
        func scalar(_ value: UInt32) -> Unicode.Scalar {
            guard let scalar = Unicode.Scalar(value) else {
                preconditionFailure("decomposition table: \(value) is no character")
            }
            return scalar
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = number << 4 | UInt32(byte - UInt8(ascii: "0"))
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                number = number << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
                continue
            case UInt8(ascii: "-"): source = number
            case UInt8(ascii: "="), UInt8(ascii: "~"):
                if source == 0 { source = number } else { last = number }
                recomposed = byte == UInt8(ascii: "=")
            case UInt8(ascii: "."): targets.append(scalar(number))
            default:
                if let last {
                    for offset in 0...(last - source) {
                        add(source + offset, [scalar(number + offset)], recomposed)
                    }
                } else {
                    add(source, [scalar(number)], recomposed)
                }
                source = 0
                last = nil
            }
            number = 0
        }
        add(source, [scalar(number)], recomposed)
    }

    private mutating func add(_ source: UInt32, _ more: [Unicode.Scalar], _ recomposed: Bool) {
        targets += more
        sources.append(source)
        ends.append(targets.count)
        isRecomposed.append(recomposed)
    }
}

/// The arithmetic of Hangul syllables (Unicode, section 3.12).
enum Hangul {
    static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
    private static let (leading, vowel, trailing): (UInt32, UInt32, UInt32) = (
        0x1100, 0x1161, 0x11A7
    )

    /// Calls `body` with the two or three letters of a syllable.
    @inline(__always)
    static func decompose(_ syllable: UInt32, _ body: (Unicode.Scalar) -> Void) {
        let index = syllable - syllables.lowerBound
        for value in [leading + index / 588, vowel + index % 588 / 28, trailing + index % 28]
        where value != trailing {
            if let scalar = Unicode.Scalar(value) { body(scalar) }
        }
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> Unicode.Scalar? {
        if (leading..<leading + 19).contains(first), (vowel..<vowel + 21).contains(second) {
            let pair = (first - leading) * 588 + (second - vowel) * 28
            return Unicode.Scalar(syllables.lowerBound + pair)
        }
        if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0,
            (trailing + 1..<trailing + 28).contains(second)
        {
            return Unicode.Scalar(first + second - trailing)
        }
        return nil
    }
}
