/// A step that cuts normalized text into words.
indirect enum PreTokenizer: Equatable, Sendable {
    /// At white space, which is dropped, and around each punctuation character.
    case bert
    /// Runs of `\w` and runs of other characters but white space.
    case whitespace
    /// At white space, which is dropped.
    case whitespaceSplit
    /// Around each punctuation character.
    case punctuation
    case sequence([PreTokenizer])

    /// The names that `tokenizer.json` may use.
    static let supported = [
        "BertPreTokenizer", "Punctuation", "Sequence", "Whitespace", "WhitespaceSplit",
    ]

    /// Cuts each of `pieces`, ranges of bytes of `text`, into smaller ones.
    func split(_ text: inout NormalizedText, _ pieces: inout [Range<Int>]) {
        switch self {
        case .bert: pieces = Self.cut(text.bytes, pieces, atSpace: true, aroundPunctuation: true)
        case .whitespaceSplit:
            pieces = Self.cut(text.bytes, pieces, atSpace: true, aroundPunctuation: false)
        case .punctuation:
            pieces = Self.cut(text.bytes, pieces, atSpace: false, aroundPunctuation: true)
        case .whitespace: pieces = Self.cutWords(text.bytes, pieces)
        case .sequence(let steps): for step in steps { step.split(&text, &pieces) }
        }
    }

    private static func cut(
        _ bytes: [UInt8], _ pieces: [Range<Int>], atSpace: Bool, aroundPunctuation: Bool
    ) -> [Range<Int>] {
        var words: [Range<Int>] = []
        words.reserveCapacity(16)
        let ascii = asciiClasses
        let cuts: ScalarClass =
            atSpace ? (aroundPunctuation ? [.space, .punctuation] : .space) : .punctuation
        for piece in pieces {
            var start = piece.lowerBound
            var index = start
            while index < piece.upperBound {
                var length = 1
                let kind: ScalarClass
                if bytes[index] < 0x80 {
                    kind = ScalarClass(rawValue: ascii[Int(bytes[index])])
                } else {
                    let scalar = bytes.scalar(at: index)
                    length = scalar.length
                    kind = ScalarClass.of(scalar.value)
                }
                if !kind.isDisjoint(with: cuts) {
                    if start < index { words.append(start..<index) }
                    start = index + length
                    if !(atSpace && kind.contains(.space)) { words.append(index..<start) }
                }
                index += length
            }
            if start < index { words.append(start..<index) }
        }
        return words
    }

    private static func cutWords(_ bytes: [UInt8], _ pieces: [Range<Int>]) -> [Range<Int>] {
        enum Kind { case space, word, other }
        var words: [Range<Int>] = []
        for piece in pieces {
            var start = piece.lowerBound
            var index = start
            var run = Kind.space
            while index < piece.upperBound {
                let (value, length) = bytes.scalar(at: index)
                let kind: Kind =
                    if ScalarClass.of(value).contains(.space) {
                        .space
                    } else {
                        Unicode.Scalar(value)?.isWordCharacter == true ? .word : .other
                    }
                if kind != run {
                    if run != .space { words.append(start..<index) }
                    (start, run) = (index, kind)
                }
                index += length
            }
            if run != .space { words.append(start..<index) }
        }
        return words
    }

    private static let asciiClasses: [UInt8] = (UInt8(0)..<128).map { byte in
        let kind: ScalarClass =
            switch byte {
            case 0x09...0x0D, 0x20: .space
            case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: .punctuation
            default: []
            }
        return kind.rawValue
    }
}
