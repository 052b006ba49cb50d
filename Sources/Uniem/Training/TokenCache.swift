internal import Embedders
internal import Records

/// What is put before the texts of a row.
struct ColumnPrompts: Equatable {
    /// Before the first text of a row, the query.
    var first: String
    /// Before its other texts, the documents.
    var others: String

    /// The prompts of training and evaluation: `prompt` before every text where it is given, else the default one of
    /// `embedder`. Where that is called `query` and there is one called `document`, each stands before its own.
    init(_ prompt: String?, of embedder: Embedder) {
        let prompts = embedder.prompts
        first = prompt ?? prompts.defaultText
        others = first
        if prompt == nil, prompts.defaultName == "query",
            let document = prompts.texts.first(where: { $0.name == "document" })
        {
            others = document.text
        }
    }
}

/// Token ids of texts; each text of data in memory is tokenised once in a run.
final class TokenCache {
    private let embedder: Embedder
    private let maxLength: Int?
    private let prompts: ColumnPrompts
    private let remembers: Bool
    /// How many tokens at the start of each text are not pooled.
    let skippedTokens: Int
    private var known: (first: [[UInt8]: Entry], others: [[UInt8]: Entry]) = ([:], [:])

    typealias Entry = (ids: [Int32], truncated: Int)

    /// - Parameters:
    ///   - maxLength: the most tokens; what the embedder allows where left out.
    ///   - prompt: is put before each text; the embedder's own prompts where left out.
    ///   - remembers: whether ids are kept, at the cost of memory that grows with the data.
    init(embedder: Embedder, maxLength: Int?, prompt: String? = nil, remembers: Bool = true) {
        self.remembers = remembers
        self.embedder = embedder
        self.maxLength = maxLength
        prompts = ColumnPrompts(prompt, of: embedder)
        skippedTokens = embedder.promptTokens(prompts.first)
    }

    /// The ids of `text`, which stands in column `column` of its row, and how many tokens were cut off.
    func ids(of text: String, column: Int = 0) -> Entry {
        let isFirst = column == 0 || prompts.first == prompts.others
        let prompt = isFirst ? prompts.first : prompts.others
        guard remembers else {
            return embedder.tokenIDs(of: text, prompt: prompt, maxLength: maxLength)
        }
        // Keyed by bytes: strings that are canonically equal may have different tokens.
        let key = Array(text.utf8)
        if let result = isFirst ? known.first[key] : known.others[key] { return result }
        let result = embedder.tokenIDs(of: text, prompt: prompt, maxLength: maxLength)
        if isFirst { known.first[key] = result } else { known.others[key] = result }
        return result
    }

    /// The texts of a batch as ids, column by column.
    struct Columns {
        var columns: [[[Int32]]]
        /// All tokens.
        var tokens = 0
        /// Texts that were cut.
        var truncatedTexts = 0
        /// For each row, the tokens that were cut off.
        var truncatedTokens: [Int]
    }

    /// The ids of all texts of `records`.
    func columns(of records: Records) -> Columns {
        var result = Columns(
            columns: [], truncatedTokens: Array(repeating: 0, count: records.count))
        for (column, texts) in records.columns.enumerated() {
            var ids: [[Int32]] = []
            ids.reserveCapacity(texts.count)
            for (row, text) in texts.enumerated() {
                let entry = self.ids(of: text, column: column)
                ids.append(entry.ids)
                result.tokens += entry.ids.count
                result.truncatedTokens[row] += entry.truncated
                if entry.truncated > 0 { result.truncatedTexts += 1 }
            }
            result.columns.append(ids)
        }
        return result
    }
}
