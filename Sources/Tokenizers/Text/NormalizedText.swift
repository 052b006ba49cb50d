/// A range of code points in the text that the user gave.
struct Origin: Equatable, Sendable {
    var start: Int32
    var end: Int32
}

/// UTF-8 text on its way through the normalizers; where asked for, each byte remembers which characters of the
/// user's text it came from.
struct NormalizedText {
    private(set) var bytes: [UInt8]
    /// One for each byte; empty unless ``isAligned``.
    private(set) var origins: [Origin] = []
    let isAligned: Bool

    /// Text as the user gave it; its first character is number `firstScalar` of the whole.
    init(_ bytes: [UInt8], firstScalar: Int = 0, isAligned: Bool) {
        self.bytes = bytes
        self.isAligned = isAligned
        guard isAligned else { return }
        origins.reserveCapacity(bytes.count)
        var next = Int32(truncatingIfNeeded: firstScalar)
        for byte in bytes {
            if byte & 0xC0 != 0x80 { next += 1 }
            origins.append(Origin(start: next - 1, end: next))
        }
    }

    /// An empty text to which a normalizer appends what it makes of `source`.
    init(replacing source: NormalizedText) {
        bytes = []
        bytes.reserveCapacity(source.bytes.count + source.bytes.count / 2)
        isAligned = source.isAligned
        if isAligned { origins.reserveCapacity(bytes.capacity) }
    }

    /// The characters of the user's text that a range of bytes, not empty, came from.
    func origin(of range: Range<Int>) -> Origin {
        Origin(start: origins[range.lowerBound].start, end: origins[range.upperBound - 1].end)
    }

    /// Appends an ASCII character that came from byte `index` of `source`.
    @inline(__always)
    mutating func append(_ byte: UInt8, from source: NormalizedText, at index: Int) {
        bytes.append(byte)
        if isAligned { origins.append(source.origins[index]) }
    }

    /// Appends a character that came from byte `index` of `source`.
    @inline(__always)
    mutating func append(
        _ scalar: Unicode.Scalar, from source: NormalizedText, at index: Int
    ) {
        for byte in scalar.utf8 { append(byte, from: source, at: index) }
    }

    /// Appends all of `addition`, which came from byte `index` of `source`.
    mutating func append(_ addition: [UInt8], from source: NormalizedText, at index: Int) {
        bytes.append(contentsOf: addition)
        if isAligned {
            origins.append(
                contentsOf: repeatElement(source.origins[index], count: addition.count))
        }
    }

    /// Appends the bytes `range` of `source`.
    mutating func append(_ range: Range<Int>, of source: NormalizedText) {
        bytes.append(contentsOf: source.bytes[range])
        if isAligned { origins.append(contentsOf: source.origins[range]) }
    }

    /// The characters.
    var scalars: [Unicode.Scalar] { Array(String(decoding: bytes, as: UTF8.self).unicodeScalars) }

    /// A new character and what it does to the old ones: 0 replaces the next, `-n` replaces it and drops `n` after
    /// it, 1 is put in after what stands.
    typealias Change = (scalar: Unicode.Scalar, change: Int)

    /// Replaces the text by `changes`, after dropping its first `dropped` characters.
    ///
    /// A replaced character keeps its origin; an added one shares that of the byte before it.
    mutating func transform(_ changes: [Change], dropping dropped: Int = 0) {
        let old = self
        self = NormalizedText(replacing: old)
        var position = 0
        func skip(_ count: Int) {
            for _ in 0..<count where position < old.bytes.count {
                position += old.bytes.scalar(at: position).length
            }
        }
        skip(dropped)
        for (scalar, change) in changes {
            let origin: Origin? =
                if !isAligned {
                    nil
                } else if change > 0 {
                    position == 0 ? Origin(start: 0, end: 0) : old.origins[position - 1]
                } else {
                    old.origins[min(position, old.origins.count - 1)]
                }
            for byte in scalar.utf8 {
                bytes.append(byte)
                if let origin { origins.append(origin) }
            }
            if change <= 0 { skip(1 - change) }
        }
    }

    /// Keeps the characters that `keep` wants.
    mutating func filter(_ keep: (Unicode.Scalar) -> Bool) {
        var changes: [Change] = []
        var dropped = 0
        for scalar in scalars {
            if keep(scalar) {
                changes.append((scalar, 0))
            } else if changes.isEmpty {
                dropped += 1
            } else {
                changes[changes.count - 1].change -= 1
            }
        }
        transform(changes, dropping: dropped)
    }

    /// Replaces each character by those that `body` appends; all share its origin.
    mutating func map(_ body: (Unicode.Scalar, inout [Unicode.Scalar]) -> Void) {
        var changes: [Change] = []
        var made: [Unicode.Scalar] = []
        for scalar in scalars {
            made.removeAll(keepingCapacity: true)
            body(scalar, &made)
            for (index, new) in made.enumerated() { changes.append((new, index == 0 ? 0 : 1)) }
        }
        transform(changes)
    }
}
