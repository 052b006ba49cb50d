/// Turns text into token ids and back, as the tokenizer files of a Hugging Face model say.
///
/// A text passes through: added tokens are set apart, the rest is normalized, cut into words, each word into tokens
/// of the vocabulary, and special tokens are put around. Results are those of the reference library to the id.
public struct Tokenizer: Sendable {
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let model: Model
    let postProcessor: PostProcessor
    let decoder: Decoder?
    let added: AddedTokens
    let special: SpecialIDs
    /// The files it came from, by name: ``save(to:)`` writes them again.
    let files: [SourceFile]

    /// The longest input, in tokens with the special ones, that the model folder names; `nil` where it names none.
    public let modelMaxLength: Int?

    /// Ids of the tokens that have a part to play.
    struct SpecialIDs: Equatable, Sendable {
        var pad: Int32?
        var cls: Int32?
        var sep: Int32?
        var unknown: Int32?
        var mask: Int32?
    }

    /// A file with its content.
    struct SourceFile: Equatable, Sendable {
        var name: String
        var bytes: [UInt8]
    }

    /// The kind of model, as `tokenizer.json` calls it: `WordPiece`, `BPE` or `Unigram`.
    public var kind: String {
        switch model {
        case .wordPiece: "WordPiece"
        case .bytePair: "BPE"
        case .unigram: "Unigram"
        }
    }

    /// One more than the highest id, added tokens included: the rows that an embedding table needs.
    public var vocabularySize: Int { max(model.vocabulary.end, added.end) }

    /// The id that fills up short texts of a batch.
    public var padID: Int32? { special.pad }
    /// The id that starts a text.
    public var clsID: Int32? { special.cls }
    /// The id that ends a text.
    public var sepID: Int32? { special.sep }
    /// The id of what the vocabulary does not know.
    public var unkID: Int32? { special.unknown }
    /// The id of a masked token.
    public var maskID: Int32? { special.mask }

    /// How many special tokens are put around a single text.
    public var specialTokenCount: Int { PostProcessor.specialCount(postProcessor.single) }
    /// How many special tokens are put around and between two texts.
    public var pairSpecialTokenCount: Int { PostProcessor.specialCount(postProcessor.pair) }

    /// The token whose id is `id`; `nil` where there is none.
    public func token(_ id: Int32) -> String? {
        added.token(id)?.content ?? model.vocabulary.token(Int(id))
    }

    /// The id of `token`, spelled exactly so; `nil` where there is none.
    public func id(of token: String) -> Int32? {
        added.id(of: token) ?? model.vocabulary.id(of: token).map { Int32($0) }
    }

    /// The text of `ids`; those that have no token are left out, special tokens too where `skipSpecialTokens`.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
        var tokens: [String] = []
        for id in ids {
            if skipSpecialTokens, added.token(id)?.isSpecial == true { continue }
            if let token = token(id) { tokens.append(token) }
        }
        return decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }
}
