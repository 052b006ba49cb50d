/// What a text, or a pair of texts, became.
public struct Encoding: Equatable, Sendable {
    /// The token ids, special tokens included.
    public var ids: [Int32]
    /// 0 for the first text, 1 for the second (as the model's template says), one for each token.
    public var typeIDs: [Int32]
    /// Whether the token was put around the text, one for each token. A special token that stands in the text
    /// itself is not counted.
    public var specialTokensMask: [Bool]
    /// The characters (Unicode code points) of the text that the token stands for; empty at 0 for special tokens
    /// put around it. For a pair, of the text that the token belongs to.
    public var offsets: [Range<Int>]
    /// How many tokens were cut off.
    public var truncatedCount: Int

    /// Whether tokens were cut off.
    public var isTruncated: Bool { truncatedCount > 0 }

    /// The tokens as `tokenizer` spells them.
    ///
    /// Traps where an id is not one of the tokenizer's.
    public func tokens(using tokenizer: Tokenizer) -> [String] {
        ids.map { id in
            guard let token = tokenizer.token(id) else {
                preconditionFailure("Encoding.tokens: no token has the id \(id)")
            }
            return token
        }
    }
}
