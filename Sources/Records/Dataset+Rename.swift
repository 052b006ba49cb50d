public import Files

extension Dataset {
    /// The same records with other names for their fields, as `datasets.Dataset.rename_columns`:
    /// what they are is recognised anew.
    ///
    /// `[("sentence1", "text"), ("sentence2", "text_pos")]` takes scored pairs for pairs,
    /// `[("text", "text_pos"), ("text_pos", "text")]` swaps the texts, and `[("text_neg",
    /// "unused")]` takes triplets for pairs. Columns of a file that were not recognised when it was
    /// loaded are gone; they are renamed by ``load(_:rename:)``.
    ///
    /// Throws a ``FileError`` where a name is none of ``RecordKind/fieldNames``, or where no kind
    /// has the new names.
    public func rename(_ names: [(old: String, new: String)]) throws(FileError) -> Dataset {
        let rows = FieldRows(records: records, name: name)
        let renaming = Renaming(names)
        guard !isEmpty else {
            throw FileError(
                path: name, problem: "no rows to rename the fields of",
                remedy: "give the data set rows first")
        }
        var reader = try RecordReader(rows: rows, renaming: renaming)
        var collector = RecordCollector(kind: reader.kind)
        while let record = try reader.next() { collector.add(record) }
        var provenance = provenance
        for index in provenance.sources.indices {
            provenance.sources[index].recognition += ", renamed to " + reader.source.recognition
        }
        return Dataset(collector.records, provenance: provenance)
    }
}

/// Records as rows whose columns are their fields.
private struct FieldRows: RowReader {
    let path: String
    let format = "records"
    let hasNames = true
    let countsRows = true
    private let records: Records
    private let columns: [String]
    private var position = 0

    init(records: Records, name: String) {
        self.records = records
        path = name
        columns = records.kind.fieldNames
    }

    mutating func next() throws(FileError) -> Row? {
        guard position < records.count else { return nil }
        let record = records[position]
        position += 1
        var values = record.texts.map(JSON.string)
        if let label = record.label { values.append(.number("\(label)")) }
        return Row(line: position, columns: columns, values: values)
    }
}
