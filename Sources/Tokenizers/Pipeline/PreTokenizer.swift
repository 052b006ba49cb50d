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
    /// Words of a byte-level model; the text stays as it is, and the model reads it as bytes. The last step.
    case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool)
    case metaspace(Metaspace)
    /// At the matches of a pattern.
    case split(TextSplit)
    case sequence([PreTokenizer])

    /// The names that `tokenizer.json` may use.
    static let supported = [
        "BertPreTokenizer", "ByteLevel", "Digits", "Metaspace", "Punctuation", "Sequence", "Split",
        "Whitespace", "WhitespaceSplit",
    ]

    /// Whether words are bytes to the model.
    var isByteLevel: Bool {
        switch self {
        case .byteLevel: true
        case .sequence(let steps): steps.contains(where: \.isByteLevel)
        default: false
        }
    }

    /// Whether a step asks where in the user's text its words stand.
    var needsOrigins: Bool {
        switch self {
        case .metaspace(let metaspace): metaspace.prepend == .first
        case .sequence(let steps): steps.contains(where: \.needsOrigins)
        default: false
        }
    }

    /// Cuts each of `pieces`, ranges of bytes of `text`, into smaller ones.
    func split(_ text: inout NormalizedText, _ pieces: inout [Range<Int>]) {
        switch self {
        case .bert: pieces = Self.cut(text.bytes, pieces, atSpace: true, aroundPunctuation: true)
        case .whitespaceSplit:
            pieces = Self.cut(text.bytes, pieces, atSpace: true, aroundPunctuation: false)
        case .punctuation:
            pieces = Self.cut(text.bytes, pieces, atSpace: false, aroundPunctuation: true)
        case .whitespace: pieces = Self.cutWords(text.bytes, pieces)
        case .byteLevel(let addsPrefixSpace, let usesPattern):
            if addsPrefixSpace { Self.addSpaces(&text, &pieces) }
            if usesPattern {
                pieces = TextSplit(pattern: .words(.gpt2), behavior: .isolated)
                    .split(text.bytes, pieces)
            }
        case .metaspace(let metaspace): metaspace.split(&text, &pieces)
        case .split(let split): pieces = split.split(text.bytes, pieces)
        case .sequence(let steps): for step in steps { step.split(&text, &pieces) }
        }
    }

    /// Puts a space before each piece that does not start with one.
    private static func addSpaces(_ text: inout NormalizedText, _ pieces: inout [Range<Int>]) {
        let space = UInt8(ascii: " ")
        if pieces.allSatisfy({ $0.isEmpty || text.bytes[$0.lowerBound] == space }) { return }
        var out = NormalizedText(replacing: text)
        for (index, piece) in pieces.enumerated() where !piece.isEmpty {
            let start = out.bytes.count
            if text.bytes[piece.lowerBound] != space {
                out.append(space, from: text, at: piece.lowerBound)
            }
            out.append(piece, of: text)
            pieces[index] = start..<out.bytes.count
        }
        text = out
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
