/// Learns a WordPiece vocabulary from text: starting from characters, the most frequent pair of neighbours is merged
/// again and again.
///
/// The words are those that BERT's cleaning and cutting make. Equal counts are decided by the ids, and ids by the
/// UTF-8 bytes, so that the same text gives the same vocabulary in any order of the lines.
public struct WordPieceTrainer: Sendable {
    /// The tokens that every vocabulary starts with.
    public static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    /// How many tokens to make, the special ones included; fewer where the text has no more pairs.
    public var vocabularySize: Int
    /// A pair seen less often is not merged.
    public var minimumFrequency: Int
    /// The most characters that become tokens, the most frequent ones.
    public var alphabetLimit: Int

    private let normalizer: BertNormalizer
    private var words: [[UInt8]: Int] = [:]

    /// Words longer than this are unknown to the model and teach nothing.
    private static let maximumCharacters = 100

    /// A trainer that has seen no text.
    ///
    /// Traps where `vocabularySize` leaves no room beside the special tokens, or another number is below 1.
    public init(
        vocabularySize: Int, lowercase: Bool = true, minimumFrequency: Int = 2,
        alphabetLimit: Int = 1000
    ) {
        precondition(
            vocabularySize > Self.specialTokens.count,
            "WordPieceTrainer: vocabularySize \(vocabularySize) holds only special tokens")
        precondition(
            minimumFrequency >= 1 && alphabetLimit >= 1,
            "WordPieceTrainer: minimumFrequency \(minimumFrequency), alphabetLimit \(alphabetLimit)"
        )
        self.vocabularySize = vocabularySize
        self.minimumFrequency = minimumFrequency
        self.alphabetLimit = alphabetLimit
        normalizer = BertNormalizer(lowercase: lowercase)
    }

    /// Counts the words of `text`.
    public mutating func add(_ text: String) {
        var normalized = NormalizedText(Array(text.utf8), isAligned: false)
        normalizer.apply(to: &normalized)
        var pieces = [0..<normalized.bytes.count]
        PreTokenizer.bert.split(&normalized, &pieces)
        for piece in pieces
        where normalized.bytes.scalarCount(in: piece) <= Self.maximumCharacters {
            words[Array(normalized.bytes[piece]), default: 0] += 1
        }
    }

    /// The vocabulary, in the order of the ids: special tokens, characters, pieces as they were merged.
    public func train() -> [String] {
        var learner = PairLearner(
            words.sorted { $0.key.lexicographicallyPrecedes($1.key) },
            special: Self.specialTokens,
            alphabetLimit: min(alphabetLimit, vocabularySize - Self.specialTokens.count))
        learner.merge(until: vocabularySize, minimumFrequency: minimumFrequency)
        return learner.tokens
    }
}
