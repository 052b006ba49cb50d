internal import Embedders

/// Token ids of texts, each text tokenised once in a run.
struct TokenCache {
    private let embedder: Embedder
    private let maxLength: Int?
    private var known: [[UInt8]: (ids: [Int32], truncated: Int)] = [:]

    /// - Parameter maxLength: the most tokens; what the embedder allows where left out.
    init(embedder: Embedder, maxLength: Int?) {
        self.embedder = embedder
        self.maxLength = maxLength
    }

    /// The ids of `text`, and how many tokens were cut off.
    mutating func ids(of text: String) -> (ids: [Int32], truncated: Int) {
        // Keyed by bytes: strings that are canonically equal may have different tokens.
        let key = Array(text.utf8)
        if let result = known[key] { return result }
        let result = embedder.tokenIDs(of: text, maxLength: maxLength)
        known[key] = result
        return result
    }
}
