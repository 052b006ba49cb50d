internal import Tracking

/// Rows of training data as text: a line of numbers, then their texts.
extension RunTable {
    /// The columns that a text may take.
    private static let textColumns = 100

    static func examples(_ title: String, _ blocks: [[String]]) -> String {
        if blocks.isEmpty { return "" }
        return "\n\(title)\n" + blocks.flatMap { $0 }.map { "  \($0)\n" }.joined()
    }

    static func example(_ row: ExampleSummary) -> [String] {
        [
            "\(number(row.meanLoss))  \(place(row.dataset, row.row)), \(epochs(row.epochs)), "
                + "last loss \(number(row.lastLoss)), similarity \(number(row.similarity))"
        ] + texts(row.content)
    }

    static func falseNegative(_ row: FalseNegative) -> [String] {
        // The positive of the other row is what was closer.
        let other = row.negativeContent.texts.prefix(2).last
        return [
            "\(place(row.dataset, row.row)) and row \(row.negative), \(epochs(row.epochs)), "
                + "own similarity \(number(row.similarity))"
        ] + texts(row.content, also: other.map { [("closer", $0)] } ?? [])
    }

    private static func place(_ dataset: Int, _ row: Int) -> String {
        dataset == 0 ? "row \(row)" : "data set \(dataset), row \(row)"
    }

    private static func epochs(_ count: Int) -> String {
        count == 1 ? "1 epoch" : "\(count) epochs"
    }

    private static func texts(
        _ content: ExampleTexts, also more: [(name: String, text: String)] = []
    ) -> [String] {
        let names =
            content.label == nil ? ["text", "text_pos", "text_neg"] : ["sentence1", "sentence2"]
        var lines = (Array(zip(names, content.texts)) + more).map { name, text in
            [name, TextColumns.clipped(text, to: textColumns)]
        }
        if let label = content.label { lines.append(["label", NumberText.shortest(label)]) }
        return TextColumns.aligned(lines, right: []).split(separator: "\n").map { "    \($0)" }
    }
}
