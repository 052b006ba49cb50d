import Uniem

/// What there is to say about a data set.
struct DatasetReport {
    /// The lengths of the texts of a column, in characters (Unicode code points).
    struct Lengths {
        var column: String
        var shortest: Int
        var median: Int
        var mean: Double
        /// 95 of 100 texts are at most so long.
        var percentile95: Int
        var longest: Int
    }

    private let data: Dataset
    private let lengths: [Lengths]
    private let duplicates: Int
    private let labels: LabelReport?

    init(_ data: Dataset) {
        self.data = data
        lengths = zip(data.kind.fieldNames, data.records.columns).map { name, texts in
            let counts = texts.map(\.unicodeScalars.count).sorted()
            func share(_ percent: Int) -> Int {
                counts.isEmpty ? 0 : counts[min(counts.count - 1, counts.count * percent / 100)]
            }
            return Lengths(
                column: name, shortest: counts.first ?? 0, median: share(50),
                mean: Double(counts.reduce(0, +)) / Double(max(1, counts.count)),
                percentile95: share(95), longest: counts.last ?? 0)
        }
        duplicates = DatasetReport.duplicates(data)
        labels = data.records.labels.map(LabelReport.init)
    }

    /// How many rows repeat an earlier one, byte for byte in all texts and in the label.
    private static func duplicates(_ data: Dataset) -> Int {
        var seen: Set<[UInt8]> = []
        var count = 0
        for index in 0..<data.count {
            let record = data.records[index]
            var key: [UInt8] = []
            for text in record.texts {
                key += text.utf8
                // UTF-8 never holds this byte.
                key.append(0xFF)
            }
            if let label = record.label { key += "\(label)".utf8 }
            if !seen.insert(key).inserted { count += 1 }
        }
        return count
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
            let all = source.recordCount == source.rowCount ? "" : " of \(source.rowCount)"
            facts.append(("  Rows", "\(source.recordCount)\(all)"))
        }
        facts.append(("Kind", data.kind.plural))
        facts.append(("Rows", "\(data.count)"))
        facts.append(("Repeated rows", "\(duplicates)"))
        for column in lengths {
            let mean = NumberText.fixed(column.mean, decimals: 1)
            facts.append(
                (
                    column.column,
                    "\(column.shortest) to \(column.longest) characters, mean \(mean), "
                        + "median \(column.median), 95 % up to \(column.percentile95)"
                ))
        }
        if let labels { facts.append(("label", labels.summary)) }
        return Facts.text(facts) + (labels?.histogram ?? "")
    }

    /// The same facts for programs.
    func json(specification: String) -> JSON {
        var json: JSON = [
            "kind": "dataset", "path": .string(specification),
            "record_kind": .string(data.kind.rawValue), "rows": .int(data.count),
            "repeated_rows": .int(duplicates), "fingerprint": .string(data.fingerprintText),
        ]
        json.set("sources", .array(data.provenance.sources.map(DatasetReport.json)))
        json.set(
            "columns",
            .array(
                lengths.map {
                    [
                        "name": .string($0.column), "shortest": .int($0.shortest),
                        "median": .int($0.median), "mean": .double($0.mean),
                        "percentile_95": .int($0.percentile95), "longest": .int($0.longest),
                    ]
                }))
        if let labels { json.set("labels", labels.json) }
        return json
    }

    private static func json(_ source: Provenance.Source) -> JSON {
        [
            "path": .string(source.path), "selection": .optional(source.selection),
            "format": .string(source.format), "recognition": .string(source.recognition),
            "ignored_columns": .array(source.ignoredColumns.map(JSON.string)),
            "rows": .int(source.rowCount), "selected": .int(source.recordCount),
        ]
    }
}
