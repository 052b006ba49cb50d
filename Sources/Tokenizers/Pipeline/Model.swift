/// What turns words into tokens.
enum Model: Sendable {
    case wordPiece(WordPiece)

    /// The names that `tokenizer.json` may use.
    static let supported = ["WordPiece"]

    /// Appends the tokens of the word `text[word]`.
    @inline(__always)
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into out: inout TokenBuffer) {
        switch self {
        case .wordPiece(let model): model.tokenize(text, word, into: &out)
        }
    }

    /// The tokens and ids without the added ones.
    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        }
    }

    /// The token for what is not in the vocabulary.
    var unknownToken: String? {
        switch self {
        case .wordPiece(let model): model.unknownToken
        }
    }
}

/// Tokens as they are found, before special tokens are put around them.
struct TokenBuffer {
    private(set) var ids: [Int32] = []
    /// Where each token came from; empty unless ``isAligned``.
    private(set) var origins: [Origin] = []
    let isAligned: Bool
    /// How many characters of white space an added token took at its ends, by the token's number.
    private(set) var spaces: [Int: (leading: Int, trailing: Int)] = [:]
    /// Room for the model to work in: hashes of the beginnings of a word, and where these end.
    var ends: [(hash: UInt64, end: Int)] = []

    init(isAligned: Bool) {
        self.isAligned = isAligned
        ids.reserveCapacity(64)
        if isAligned { origins.reserveCapacity(64) }
    }

    var count: Int { ids.count }

    /// Appends the token `id` that stands for the bytes `range` of `text`.
    @inline(__always)
    mutating func append(_ id: Int32, _ text: NormalizedText, _ range: Range<Int>) {
        ids.append(id)
        if isAligned { origins.append(text.origin(of: range)) }
    }

    /// Appends the added token `id` that stands for the bytes `range` of `text`, with the white space that it took.
    mutating func appendAdded(_ id: Int32, _ text: NormalizedText, _ range: Range<Int>) {
        if isAligned {
            var isSpace: [Bool] = []
            var index = range.lowerBound
            while index < range.upperBound {
                let (value, length) = text.bytes.scalar(at: index)
                isSpace.append(ScalarClass.of(value).contains(.space))
                index += length
            }
            let leading = isSpace.prefix { $0 }.count
            let trailing = isSpace.reversed().prefix { $0 }.count
            if leading + trailing > 0 { spaces[count] = (leading, trailing) }
        }
        append(id, text, range)
    }

    /// Takes back all but the first `count` tokens.
    mutating func removeAll(after count: Int) {
        ids.removeLast(ids.count - count)
        if isAligned { origins.removeLast(origins.count - count) }
    }
}
