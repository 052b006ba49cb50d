public import Files

extension Dataset {
    /// Loads the records that `specification` names.
    ///
    /// It is a path; or several separated by commas; a folder stands for all files in it of a known
    /// format, sorted by name. Each may end in `#column=value`, which keeps the rows whose column
    /// (as called in the file) holds exactly that: `stsbenchmark.tsv.gz#split=train`. Formats are
    /// told by the ending (`.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`), else by the content; gzip
    /// is recognised by the content.
    ///
    /// - Parameters:
    ///   - specification: Where the data are.
    ///   - rename: New names for columns, applied to each file before its fields are recognised.
    /// - Throws: A ``FileError`` that names file, line and field, and says what to do.
    public static func load(
        _ specification: String, rename: [(old: String, new: String)] = []
    ) throws(FileError) -> Dataset {
        let (files, skipped) = try SourcePath.files(of: specification)
        var collector: RecordCollector?
        var sources: [Provenance.Source] = []
        for file in files {
            let renaming = Renaming(rename)
            var reader = try RecordReader(
                rows: try openRows(
                    path: file.path,
                    rule: HeaderRule(renaming: renaming, selected: file.selection?.column)),
                renaming: renaming, selection: file.selection)
            if let kind = collector?.kind, let first = sources.first, kind != reader.kind {
                throw FileError(
                    path: file.path,
                    problem: "holds \(reader.kind.plural) (\(reader.source.recognition)), but "
                        + "\(first.path) holds \(kind.plural)",
                    remedy: "one data set is of one kind; name only files of that kind")
            }
            var records = collector ?? RecordCollector(kind: reader.kind)
            collector = nil
            while let record = try reader.next() { records.add(record) }
            collector = records
            sources.append(reader.source)
        }
        guard let collector else {
            throw FileError(path: specification, problem: "no file", remedy: "name one")
        }
        return Dataset(
            collector.records, provenance: Provenance(sources: sources, skippedFiles: skipped))
    }
}
