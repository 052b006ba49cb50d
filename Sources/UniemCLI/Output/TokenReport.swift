import Tokenizers
import Uniem

/// How long the texts of a data set are for a model, and how many of them it would cut.
struct TokenReport {
    private struct Column {
        var name: String
        var lengths: Distribution
        var truncated: Int
    }

    private let columns: [Column]
    private let maxLength: Int
    private let texts: Int

    init(_ data: Dataset, embedder: Embedder, maxLength: Int?) {
        let limit = min(maxLength ?? embedder.maxLength, embedder.encoder.maximumLength ?? .max)
        let prompt = embedder.prompts.defaultText
        self.maxLength = limit
        columns = zip(data.kind.fieldNames, data.records.columns).map { name, texts in
            let tokens = texts.map {
                embedder.tokenIDs(of: $0, prompt: prompt, maxLength: limit)
            }
            return Column(
                name: name, lengths: Distribution(tokens.map { $0.ids.count + $0.truncated }),
                truncated: tokens.count { $0.truncated > 0 })
        }
        texts = data.count * columns.count
    }

    private var truncated: Int { columns.reduce(0) { $0 + $1.truncated } }

    var facts: [(name: String, value: String)] {
        let share = NumberText.fixed(
            100 * Double(truncated) / Double(max(1, texts)), decimals: 2)
        return columns.map { ("\($0.name) tokens", $0.lengths.text("tokens")) } + [
            ("Cut at \(maxLength) tokens", "\(truncated) of \(texts) texts (\(share) %)")
        ]
    }

    var json: JSON {
        [
            "max_length": .int(maxLength), "truncated_texts": .int(truncated),
            "columns": .array(
                columns.map {
                    .object(
                        [("name", .string($0.name))] + $0.lengths.json
                            + [("truncated", .int($0.truncated))])
                }),
        ]
    }
}
