/// SentencePiece's normalization map ("precompiled charsmap"): a Darts double-array trie of what is replaced, and the
/// texts that replace it.
///
/// A damaged map may give other text, but never reads beyond its ends: every step is checked.
struct CharacterMap: Equatable, Sendable {
    private let units: [UInt32]
    private let texts: [UInt8]
    /// The bytes of the longest text that replaces another.
    let longest: Int
    /// By ASCII character, whether it stands for itself.
    private let isUnchanged: [Bool]

    /// A replacement longer than this is a sign of damage.
    static let longestText = 1024

    /// Reads the map; `nil` where `bytes` is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
        }
        let size = Int(word(0))
        guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else { return nil }
        units = (0..<size / 4).map { word(4 + 4 * $0) }
        texts = Array(bytes[(4 + size)...])
        longest = texts.split(separator: 0).map(\.count).max() ?? 0
        guard longest <= Self.longestText, String(validating: texts, as: UTF8.self) != nil else {
            return nil
        }
        var unchanged = [Bool](repeating: false, count: 128)
        let map = (units, texts)
        for byte in UInt8(0)..<128 {
            unchanged[Int(byte)] = Self.find([byte], 0..<1, map.0, map.1) == nil
        }
        // With a line feed it is one cluster.
        unchanged[0x0D] = false
        isUnchanged = unchanged
    }

    /// Replaces in `text` what the map knows, by grapheme clusters, and where these are long or unknown by characters.
    func apply(to text: inout NormalizedText) {
        let bytes = text.bytes
        var index = 0
        while index < bytes.count, bytes[index] < 0x80, isUnchanged[Int(bytes[index])] {
            index += 1
        }
        if index == bytes.count { return }
        if text.isAligned {
            if let changes = changes(bytes) { text.transform(changes) }
            return
        }
        var out = NormalizedText(replacing: text)
        walk(bytes) { part, replacement in
            if let replacement {
                for place in replacement {
                    out.append(texts[place], from: text, at: part.lowerBound)
                }
            } else {
                out.append(part, of: text)
            }
        }
        text = out
    }

    /// What the map does to each character; `nil` where it does nothing.
    private func changes(_ bytes: [UInt8]) -> [NormalizedText.Change]? {
        var changes: [NormalizedText.Change] = []
        var isChanged = false
        walk(bytes) { part, replacement in
            guard let replacement else {
                var index = part.lowerBound
                while index < part.upperBound {
                    let (value, length) = bytes.scalar(at: index)
                    if let scalar = Unicode.Scalar(value) { changes.append((scalar, 0)) }
                    index += length
                }
                return
            }
            isChanged = true
            let new = String(decoding: texts[replacement], as: UTF8.self).unicodeScalars
            let difference = new.count - bytes.scalarCount(in: part)
            for (index, scalar) in new.enumerated() {
                changes.append((scalar, index >= new.count - difference ? 1 : 0))
            }
            if difference < 0, !changes.isEmpty { changes[changes.count - 1].change += difference }
        }
        return isChanged ? changes : nil
    }

    /// Calls `body` with each part of the text and where in ``texts`` its replacement stands, if it has one.
    private func walk(_ bytes: [UInt8], _ body: (Range<Int>, Range<Int>?) -> Void) {
        func visit(_ cluster: Range<Int>) {
            if cluster.count < 6, let found = Self.find(bytes, cluster, units, texts) {
                body(cluster, found)
                return
            }
            var index = cluster.lowerBound
            while index < cluster.upperBound {
                let part = index..<index + bytes.scalar(at: index).length
                body(part, Self.find(bytes, part, units, texts))
                index = part.upperBound
            }
        }
        var start = 0
        while start < bytes.count {
            var index = start
            while index < bytes.count, bytes[index] < 0x80, isUnchanged[Int(bytes[index])],
                index + 1 == bytes.count || bytes[index + 1] < 0x80
            {
                index += 1
            }
            if start < index { body(start..<index, nil) }
            guard index < bytes.count else { break }
            start = GraphemeClusters.end(bytes, index)
            if bytes.scalar(at: index).length == start - index {
                visit(index..<start)
            } else {
                GraphemeClusters.split(bytes, index..<start).forEach(visit)
            }
        }
    }

    /// What replaces `text[part]`: the text of the shortest key that it starts with, as in the reference library.
    private static func find(
        _ text: [UInt8], _ part: Range<Int>, _ units: [UInt32], _ texts: [UInt8]
    ) -> Range<Int>? {
        func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 0x200) >> 6)) }
        var node = offset(units[0])
        for index in part {
            let byte = text[index]
            if byte == 0 { return nil }
            node ^= Int(byte)
            guard node < units.count else { return nil }
            let unit = units[node]
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            node ^= offset(unit)
            guard node < units.count else { return nil }
            if unit & 0x100 != 0 {
                let start = Int(units[node] & 0x7FFF_FFFF)
                guard start < texts.count, texts[start] & 0xC0 != 0x80 else { return nil }
                var end = start
                while end < texts.count, texts[end] != 0 { end += 1 }
                return start..<end
            }
        }
        return nil
    }
}

/// Where user-perceived characters end.
enum GraphemeClusters {
    /// An end of a cluster after `start`, the first that is seen without a close look.
    static func end(_ bytes: [UInt8], _ start: Int) -> Int {
        var (value, length) = bytes.scalar(at: start)
        var index = start + length
        while index < bytes.count {
            let (next, nextLength) = bytes.scalar(at: index)
            if !joinsNext(value), !joinsPrevious(next), !(value == 0x0D && next == 0x0A) { break }
            (value, length) = (next, nextLength)
            index += length
        }
        return index
    }

    /// The clusters of `bytes[range]`.
    static func split(_ bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var clusters: [Range<Int>] = []
        var start = range.lowerBound
        for character in String(decoding: bytes[range], as: UTF8.self) {
            let end = start + character.utf8.count
            clusters.append(start..<end)
            start = end
        }
        return clusters
    }

    /// Whether a character may be one cluster with any that follows; many that may not are taken for such too.
    private static func joinsNext(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x600, 0x900..<0xD00, 0x1000...0x200C, 0x200E..<0x11000: false
        default: true
        }
    }

    /// Whether a character may be one cluster with what is before it; many that may not are taken for such too.
    private static func joinsPrevious(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x300, 0x2010...0x2027, 0x3001...0x3029, 0x3041...0x3098, 0x309B...0x9FFF,
            0xFF01...0xFF9D:
            false
        default: true
        }
    }
}
