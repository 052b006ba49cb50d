/// What joins tokens to a text again.
indirect enum Decoder: Equatable, Sendable {
    /// Pieces that start with the prefix join what stands before; others follow a space.
    case wordPiece(prefix: String, cleanup: Bool)
    /// Tokens spell bytes.
    case byteLevel
    /// Marks are spaces; those of the first token go, where the text got one.
    case metaspace(mark: [UInt8], dropsFirst: Bool)
    /// A suffix ends each word.
    case bytePair(suffix: [UInt8])
    /// Tokens `<0x..>` are bytes.
    case byteFallback
    /// All tokens become one.
    case fuse
    /// Takes a character off the ends of each token, as often as it stands there but no more than told.
    case strip(content: [UInt8], start: Int, stop: Int)
    case replace(Replacement)
    case sequence([Decoder])

    /// The names that `tokenizer.json` may use.
    static let supported = [
        "BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence",
        "Strip", "WordPiece",
    ]

    /// The text of `tokens`.
    func decode(_ tokens: [String]) -> String {
        let parts = apply(tokens.map { Array($0.utf8) })
        return String(decoding: parts.joined(), as: UTF8.self)
    }

    /// Tokens, each in UTF-8, as the next step reads them.
    private func apply(_ tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .wordPiece(let prefix, let cleanup):
            let prefix = Array(prefix.utf8)
            return tokens.enumerated().map { index, token in
                var bytes = token
                if index > 0 {
                    if bytes.starts(with: prefix) {
                        bytes.removeFirst(prefix.count)
                    } else {
                        bytes.insert(UInt8(ascii: " "), at: 0)
                    }
                }
                if cleanup { Self.cleanUp(&bytes) }
                return bytes
            }
        case .byteLevel:
            let bytes = tokens.flatMap {
                ByteAlphabet.bytes(of: String(decoding: $0, as: UTF8.self)) ?? $0
            }
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .metaspace(let mark, let dropsFirst):
            return tokens.enumerated().map { index, token in
                Self.replace(mark, in: token, by: index == 0 && dropsFirst ? [] : [space])
            }
        case .bytePair(let suffix):
            return tokens.enumerated().map { index, token in
                Self.replace(suffix, in: token, by: index == tokens.count - 1 ? [] : [space])
            }
        case .byteFallback: return Self.joinBytes(tokens)
        case .fuse: return [Array(tokens.joined())]
        case .strip(let content, let start, let stop):
            return tokens.map { Self.strip($0, content, start, stop) }
        case .replace(let replacement):
            return tokens.map { token in
                var text = NormalizedText(token, isAligned: false)
                replacement.apply(to: &text)
                return text.bytes
            }
        case .sequence(let steps): return steps.reduce(tokens) { $1.apply($0) }
        }
    }

    private var space: UInt8 { UInt8(ascii: " ") }

    private static func replace(
        _ old: [UInt8], in text: [UInt8], by new: [UInt8]
    ) -> [UInt8] {
        guard !old.isEmpty else { return text }
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == old[0], text[index...].starts(with: old) {
                result += new
                index += old.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// Bytes side by side become text, or, where they are none, a sign for each that something is missing.
    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var bytes: [UInt8] = []
        func flush() {
            if String(validating: bytes, as: UTF8.self) != nil {
                if !bytes.isEmpty { result.append(bytes) }
            } else {
                result += bytes.map { _ in Array("\u{FFFD}".utf8) }
            }
            bytes = []
        }
        for token in tokens {
            if token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
                let byte = UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    private static func strip(
        _ token: [UInt8], _ content: [UInt8], _ start: Int, _ stop: Int
    ) -> [UInt8] {
        var rest = token[...]
        var count = 0
        while count < start, rest.starts(with: content) {
            rest = rest.dropFirst(content.count)
            count += 1
        }
        count = 0
        while count < stop, rest.count >= content.count, rest.suffix(content.count) == content[...]
        {
            rest = rest.dropLast(content.count)
            count += 1
        }
        return Array(rest)
    }

    /// Repairs, in one token, the spaces that cutting at punctuation left.
    private static func cleanUp(_ bytes: inout [UInt8]) {
        guard bytes.contains(UInt8(ascii: " ")) else { return }
        for (old, new) in repairs { bytes = replace(old, in: bytes, by: new) }
    }

    private static let repairs: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
}
