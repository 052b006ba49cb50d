/// What the pipeline asks of a character, one bit a question.
struct ScalarClass: OptionSet {
    let rawValue: UInt8

    /// White space.
    static let space = ScalarClass(rawValue: 1)
    /// Dropped by BERT's cleaning.
    static let control = ScalarClass(rawValue: 2)
    /// ASCII punctuation or a category P.
    static let punctuation = ScalarClass(rawValue: 4)
    /// Category Mn.
    static let nonspacingMark = ScalarClass(rawValue: 8)
    /// Categories Mn, Mc, Me.
    static let mark = ScalarClass(rawValue: 16)
    /// Changes under NFD (Hangul syllables too).
    static let decomposes = ScalarClass(rawValue: 32)
    /// Changes when lower-cased.
    static let upper = ScalarClass(rawValue: 64)
    /// An ideograph that BERT sets apart.
    static let ideograph = ScalarClass(rawValue: 128)

    /// The classes of `scalar`.
    @inline(__always)
    static func of(_ scalar: UInt32) -> ScalarClass { ScalarClass(rawValue: table[Int(scalar)]) }

    /// Whether `value` lies in one of the large blocks in which no script has capitals: what a character is changed to
    /// takes the standard library 60 ns to find out.
    static func isWithoutCase(_ value: UInt32) -> Bool {
        switch value {
        // From Devanagari to Myanmar; from Hangul Jamo to Ethiopic; from Canadian syllabics to Vedic signs.
        case 0x0900...0x109F, 0x1100...0x139F, 0x1400...0x1C7F: true
        // From supplemental punctuation to Vai; Hangul syllables, surrogates, private use.
        case 0x2E00...0xA63F, 0xAC00...0xFAFF: true
        // From cuneiform to hieroglyphs; from Tangut to Mende Kikakui; numbers and symbols.
        case 0x12000...0x167FF, 0x17000...0x1E8FF, 0x1E960...0x1FFFF: true
        default: false
        }
    }

    /// One byte for each code point (1.1 MB), made when first asked for.
    static let table: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 0x110000)
        func mark(_ ranges: [UInt32], _ kind: ScalarClass) {
            for index in stride(from: 0, to: ranges.count, by: 2) {
                for value in ranges[index]...ranges[index + 1] {
                    table[Int(value)] |= kind.rawValue
                }
            }
        }
        mark(ScalarRanges.space, .space)
        // White space for splitting, though BERT's cleaning drops these before.
        mark([0x0B, 0x0C, 0x85, 0x85], .space)
        mark(ScalarRanges.control, .control)
        mark(ScalarRanges.punctuation, .punctuation)
        mark(ScalarRanges.nonspacingMark, .nonspacingMark)
        mark(ScalarRanges.mark, .mark)
        mark(ScalarRanges.ideograph, .ideograph)
        mark([Hangul.syllables.lowerBound, Hangul.syllables.upperBound], .decomposes)
        for source in Decompositions.canonical.sources {
            table[Int(source)] |= ScalarClass.decomposes.rawValue
        }
        // No letter with case is known beyond these planes.
        for value in UInt32(0x41)..<0x20000 where !isWithoutCase(value) {
            if let scalar = Unicode.Scalar(value), scalar.properties.changesWhenLowercased {
                table[Int(value)] |= ScalarClass.upper.rawValue
            }
        }
        return table
    }()
}

extension Unicode.Scalar {
    /// The class that orders marks in a decomposition, by the reference's knowledge of marks.
    var combiningClass: UInt8 {
        guard ScalarClass.of(value).contains(.mark) else { return 0 }
        return properties.canonicalCombiningClass.rawValue
    }

    /// Whether a regular expression's `\w` matches.
    var isWordCharacter: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default: return false
        }
    }
}
