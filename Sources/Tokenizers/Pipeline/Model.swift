/// What turns words into tokens.
enum Model: Sendable {
    case wordPiece(WordPiece)
    case bytePair(BytePair)
    case unigram(Unigram)

    /// The names that `tokenizer.json` may use.
    static let supported = ["BPE", "Unigram", "WordPiece"]

    /// Appends the tokens of `words`, ranges of bytes of `text`.
    @inline(__always)
    func tokenize(_ text: NormalizedText, _ words: [Range<Int>], into out: inout TokenBuffer) {
        switch self {
        case .wordPiece(let model): for word in words { model.tokenize(text, word, into: &out) }
        case .bytePair(let model): for word in words { model.tokenize(text, word, into: &out) }
        case .unigram(let model): for word in words { model.tokenize(text, word, into: &out) }
        }
    }

    /// The tokens and ids without the added ones.
    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        case .bytePair(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        }
    }

    /// The token for what is not in the vocabulary.
    var unknownToken: String? {
        switch self {
        case .wordPiece(let model): model.unknownToken
        case .bytePair(let model): model.settings.unknownToken
        case .unigram(let model): model.vocabulary.token(Int(model.unknownID))
        }
    }
}

/// Tokens as they are found, before special tokens are put around them.
struct TokenBuffer {
    private(set) var ids: [Int32] = []
    /// Where each token came from; empty unless ``isAligned``.
    private(set) var origins: [Origin] = []
    let isAligned: Bool
    /// How many characters of white space stand at the ends of a token that is spelled as the text, by the token's
    /// number.
    private(set) var spaces: [Int: (leading: Int, trailing: Int)] = [:]
    /// Room for the model to work in: hashes of the beginnings of a word, and where these end.
    var ends: [(hash: UInt64, end: Int)] = []
    /// The same for byte pairs: the parts of a word.
    var symbols: [BytePairSymbol] = []
    /// The same for Unigram: the best way to each byte of a word.
    var steps: [Unigram.Step] = []
    /// The same for Unigram: where the tokens of the best way end, the last one first.
    var path: [Int32] = []

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

    /// Appends the token `id` that is spelled as the bytes `range` of `text`, not as in the vocabulary: an added token
    /// with the white space that it took, or an unknown one.
    mutating func appendSpelled(_ id: Int32, _ text: NormalizedText, _ range: Range<Int>) {
        if isAligned {
            var isSpace: [Bool] = []
            var index = range.lowerBound
            while index < range.upperBound {
                let (value, length) = text.bytes.scalar(at: index)
                // Ġ is the space of byte-level models.
                isSpace.append(value == 0x120 || ScalarClass.of(value).contains(.space))
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
