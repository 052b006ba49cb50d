/// A step that rewrites text before it is cut into words.
indirect enum Normalizer: Equatable, Sendable {
    case bert(BertNormalizer)
    case lowercase
    case nfd
    case nfkd
    case nfc
    case nfkc
    /// Drops all marks; to strip accents it follows a decomposition.
    case stripAccents
    /// Drops white space at the ends.
    case strip(left: Bool, right: Bool)
    /// SentencePiece's map.
    case precompiled(CharacterMap)
    case replace(Replacement)
    /// Puts a text before one that is not empty.
    case prepend([UInt8])
    case sequence([Normalizer])

    /// The names that `tokenizer.json` may use.
    static let supported = [
        "BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Precompiled", "Prepend",
        "Replace", "Sequence", "Strip", "StripAccents",
    ]

    /// Normalizes `text`.
    func apply(to text: inout NormalizedText) {
        switch self {
        case .bert(let normalizer): normalizer.apply(to: &text)
        case .lowercase: text.lowercase()
        case .nfd: text.decompose(compatibility: false)
        case .nfkd: text.decompose(compatibility: true)
        case .nfc: text.compose(compatibility: false)
        case .nfkc: text.compose(compatibility: true)
        case .stripAccents: text.filter { !ScalarClass.of($0.value).contains(.mark) }
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .precompiled(let map): map.apply(to: &text)
        case .replace(let replacement): replacement.apply(to: &text)
        case .prepend(let prefix): text.prepend(prefix)
        case .sequence(let steps): for step in steps { step.apply(to: &text) }
        }
    }
}

extension NormalizedText {
    /// Puts `prefix` before the text, unless that is empty; it shares the origin of the first character.
    mutating func prepend(_ prefix: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var out = NormalizedText(replacing: self)
        out.append(prefix, from: self, at: 0)
        out.append(0..<bytes.count, of: self)
        self = out
    }

    /// Drops white space at the ends.
    mutating func strip(left: Bool, right: Bool) {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            ScalarClass.of(scalar.value).contains(.space)
        }
        let all = scalars
        let first = left ? all.firstIndex { !isSpace($0) } ?? all.count : 0
        let end = right ? all.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? first : all.count
        guard first > 0 || end < all.count else { return }
        var changes = all[first..<max(first, end)].map { (scalar: $0, change: 0) }
        if !changes.isEmpty { changes[changes.count - 1].change = end - all.count }
        transform(changes, dropping: first)
    }
}
