internal import Embedders

/// Token ids of texts; each text of data in memory is tokenised once in a run.
struct TokenCache {
    private let embedder: Embedder
    private let maxLength: Int?
    private let prompt: String
    private let remembers: Bool
    /// How many tokens at the start of each text are not pooled.
    let skippedTokens: Int
    private var known: [[UInt8]: (ids: [Int32], truncated: Int)] = [:]

    /// - Parameters:
    ///   - maxLength: the most tokens; what the embedder allows where left out.
    ///   - prompt: is put before each text; the embedder's default where left out.
    ///   - remembers: whether ids are kept, at the cost of memory that grows with the data.
    init(embedder: Embedder, maxLength: Int?, prompt: String? = nil, remembers: Bool = true) {
        self.remembers = remembers
        self.embedder = embedder
        self.maxLength = maxLength
        self.prompt = prompt ?? embedder.prompts.defaultText
        skippedTokens = embedder.promptTokens(self.prompt)
    }

    /// The ids of `text`, and how many tokens were cut off.
    mutating func ids(of text: String) -> (ids: [Int32], truncated: Int) {
        guard remembers else {
            return embedder.tokenIDs(of: text, prompt: prompt, maxLength: maxLength)
        }
        // Keyed by bytes: strings that are canonically equal may have different tokens.
        let key = Array(text.utf8)
        if let result = known[key] { return result }
        let result = embedder.tokenIDs(of: text, prompt: prompt, maxLength: maxLength)
        known[key] = result
        return result
    }
}
