import Uniem

/// What there is to say about a data set.
struct DatasetReport {
    private let data: Dataset
    private let problems: [FileError]
    private let lengths: [(column: String, characters: Distribution)]
    private let oddities: OddityReport
    private let labels: LabelReport?
    private let tokens: TokenReport?

    /// What there is to say about `data`.
    ///
    /// - Parameters:
    ///   - problems: what is wrong with rows that could not be read.
    ///   - tokens: the lengths for a model.
    init(_ data: Dataset, problems: [FileError] = [], tokens: TokenReport? = nil) {
        (self.data, self.problems, self.tokens) = (data, problems, tokens)
        lengths = zip(data.kind.fieldNames, data.records.columns).map { name, texts in
            (name, Distribution(texts.map(\.unicodeScalars.count)))
        }
        oddities = OddityReport(data)
        labels = data.records.labels.flatMap { $0.isEmpty ? nil : LabelReport($0) }
    }

    /// One fact a line, then the labels.
    var text: String {
        var facts: [(name: String, value: String)] = []
        for source in data.provenance.sources {
            facts.append(("Source", source.path + (source.selection.map { "#\($0)" } ?? "")))
            facts.append(("  Format", source.format))
            facts.append(("  Recognised", source.recognition))
            if !source.ignoredColumns.isEmpty {
                facts.append(("  Ignored", source.ignoredColumns.joined(separator: ", ")))
            }
            let all = source.selectedRowCount == source.rowCount ? "" : " of \(source.rowCount)"
            facts.append(("  Rows", "\(source.selectedRowCount)\(all)"))
        }
        facts.append(("Kind", data.kind.plural))
        facts.append(("Rows", "\(data.count)"))
        for (column, characters) in lengths {
            facts.append((column, characters.text("characters")))
        }
        facts += tokens?.facts ?? []
        facts += oddities.facts(data.kind)
        if let labels { facts.append(("label", labels.summary)) }
        return Facts.text(facts) + (labels?.histogram ?? "") + problemLines
    }

    /// The first rows that could not be read.
    private var problemLines: String {
        if problems.isEmpty { return "" }
        let shown = problems.prefix(10).map { "  \($0)\n" }.joined()
        let rest = problems.count > 10 ? "  and \(problems.count - 10) more\n" : ""
        return "\nRows that training refuses: \(problems.count)\n" + shown + rest
    }

    /// The same facts for programs.
    func json(specification: String) -> JSON {
        var json: JSON = [
            "kind": "dataset", "path": .string(specification),
            "record_kind": .string(data.kind.rawValue), "rows": .int(data.count),
            "fingerprint": .string(data.fingerprintText),
            "problems": .array(problems.map { .string("\($0)") }),
        ]
        for (key, value) in oddities.json { json.set(key, value) }
        json.set("sources", .array(data.provenance.sources.map(DatasetReport.json)))
        json.set(
            "columns",
            .array(
                lengths.map { .object([("name", .string($0.column))] + $0.characters.json) }))
        if let tokens { json.set("tokens", tokens.json) }
        if let labels { json.set("labels", labels.json) }
        return json
    }

    private static func json(_ source: Provenance.Source) -> JSON {
        [
            "path": .string(source.path), "selection": .optional(source.selection),
            "format": .string(source.format), "recognition": .string(source.recognition),
            "ignored_columns": .array(source.ignoredColumns.map(JSON.string)),
            "rows": .int(source.rowCount), "selected": .int(source.selectedRowCount),
        ]
    }
}
