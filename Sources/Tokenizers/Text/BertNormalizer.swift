/// BERT's text cleaning: control characters away, ideographs set apart, accents stripped, lower case.
struct BertNormalizer: Equatable, Sendable {
    var cleanText = true
    var handleChineseCharacters = true
    /// `nil`: as ``lowercase``.
    var stripAccents: Bool?
    var lowercase = true

    /// Normalizes `text`.
    func apply(to text: inout NormalizedText) {
        if let result = onePass(text) { text = result } else { stepByStep(&text) }
    }

    /// All steps at once; `nil` where marks might have to change places first.
    private func onePass(_ text: NormalizedText) -> NormalizedText? {
        let strips = stripAccents ?? lowercase
        let ascii = asciiMap
        var out = NormalizedText(replacing: text)
        var index = 0
        while index < text.bytes.count {
            let byte = text.bytes[index]
            if byte < 0x80 {
                let mapped = ascii[Int(byte)]
                if mapped != dropped { out.append(mapped, from: text, at: index) }
                index += 1
                continue
            }
            let (value, length) = text.bytes.scalar(at: index)
            let start = index
            index += length
            let kind = ScalarClass.of(value)
            if cleanText {
                if kind.contains(.control) { continue }
                if kind.contains(.space) {
                    out.append(UInt8(ascii: " "), from: text, at: start)
                    continue
                }
            }
            let isApart = handleChineseCharacters && kind.contains(.ideograph)
            if isApart { out.append(UInt8(ascii: " "), from: text, at: start) }
            if kind.isDisjoint(with: [.decomposes, .mark, .upper]) {
                for offset in 0..<length {
                    out.append(text.bytes[start + offset], from: text, at: start)
                }
            } else if let scalar = Unicode.Scalar(value) {
                guard fold(scalar, kind, strips, into: &out, from: text, at: start) else {
                    return nil
                }
            }
            if isApart { out.append(UInt8(ascii: " "), from: text, at: start) }
        }
        return out
    }

    /// Appends a character without accents and case; `false` where it is a mark that stays and has an order.
    private func fold(
        _ scalar: Unicode.Scalar, _ kind: ScalarClass, _ strips: Bool,
        into out: inout NormalizedText, from text: NormalizedText, at index: Int
    ) -> Bool {
        guard strips else {
            lower(scalar, into: &out, from: text, at: index)
            return true
        }
        if kind.contains(.decomposes) {
            if Hangul.syllables.contains(scalar.value) {
                var letters: [Unicode.Scalar] = []
                Hangul.decompose(scalar.value) { letters.append($0) }
                for letter in letters { out.append(letter, from: text, at: index) }
                return true
            }
            for part in Decompositions.canonical[scalar] ?? [] {
                let partKind = ScalarClass.of(part.value)
                if partKind.contains(.nonspacingMark) { continue }
                if partKind.contains(.mark), part.combiningClass != 0 { return false }
                lower(part, into: &out, from: text, at: index)
            }
            return true
        }
        if kind.contains(.nonspacingMark) { return true }
        if kind.contains(.mark), scalar.combiningClass != 0 { return false }
        lower(scalar, into: &out, from: text, at: index)
        return true
    }

    @inline(__always)
    private func lower(
        _ scalar: Unicode.Scalar, into out: inout NormalizedText, from text: NormalizedText,
        at index: Int
    ) {
        if lowercase, ScalarClass.of(scalar.value).contains(.upper) {
            for part in scalar.properties.lowercaseMapping.unicodeScalars {
                out.append(part, from: text, at: index)
            }
        } else {
            out.append(scalar, from: text, at: index)
        }
    }

    /// The steps one after the other, as they are defined.
    func stepByStep(_ text: inout NormalizedText) {
        if cleanText {
            text.filter { !ScalarClass.of($0.value).contains(.control) }
            text.map { $1.append(ScalarClass.of($0.value).contains(.space) ? " " : $0) }
        }
        if handleChineseCharacters {
            text.map { scalar, made in
                if ScalarClass.of(scalar.value).contains(.ideograph) {
                    made += [" ", scalar, " "]
                } else {
                    made.append(scalar)
                }
            }
        }
        if stripAccents ?? lowercase {
            text.decompose(compatibility: false)
            text.filter { !ScalarClass.of($0.value).contains(.nonspacingMark) }
        }
        if lowercase { text.lowercase() }
    }

    private var asciiMap: [UInt8] {
        switch (cleanText, lowercase) {
        case (true, true): Self.cleanedLower
        case (true, false): Self.cleaned
        case (false, true): Self.lower
        case (false, false): Self.unchanged
        }
    }

    private static let cleanedLower = makeMap(clean: true, lowercase: true)
    private static let cleaned = makeMap(clean: true, lowercase: false)
    private static let lower = makeMap(clean: false, lowercase: true)
    private static let unchanged = makeMap(clean: false, lowercase: false)

    private static func makeMap(clean: Bool, lowercase: Bool) -> [UInt8] {
        (UInt8(0)..<128).map { byte in
            switch byte {
            case 0x09, 0x0A, 0x0D: clean ? 0x20 : byte
            case 0..<0x20, 0x7F: clean ? dropped : byte
            case 0x41...0x5A: lowercase ? byte | 0x20 : byte
            default: byte
            }
        }
    }
}

/// In an ASCII map: the character is dropped.
private let dropped: UInt8 = 0xFF

extension NormalizedText {
    /// Lower case, each character by itself: no rule looks at its neighbours (a final sigma stays `σ`).
    mutating func lowercase() {
        map { scalar, made in
            if ScalarClass.of(scalar.value).contains(.upper) {
                made.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            } else {
                made.append(scalar)
            }
        }
    }
}
