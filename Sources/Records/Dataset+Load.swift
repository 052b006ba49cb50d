public import Files

extension Dataset {
    /// Loads the records that `specification` names.
    ///
    /// It is a path; or several separated by commas; a folder stands for all files in it of a known
    /// format, sorted by name. Each may end in `#column=value`, which keeps the rows whose column
    /// (as called in the file) holds exactly that: `stsbenchmark.tsv.gz#split=train`. Formats are
    /// told by the ending (`.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`), else by the content; gzip
    /// and Parquet are recognised by the content. A row of text may have up to 16 MiB and 4096
    /// columns.
    ///
    /// A field may also hold a list of texts (FlagEmbedding's `pos` and `neg`) or an instruction
    /// and a text (uniem's MEDI): see ``RecordReader``.
    ///
    /// - Parameters:
    ///   - specification: Where the data are.
    ///   - rename: New names for columns, applied to each file before its fields are recognised.
    /// - Throws: A ``FileError`` that names file, line and field, and says what to do.
    public static func load(
        _ specification: String, rename: [(old: String, new: String)] = []
    ) throws(FileError) -> Dataset {
        let (files, skipped) = try SourcePath.files(of: specification)
        return try load(files, skipped: skipped, renaming: Renaming(rename))
    }

    /// Loads the files at `paths`, one after the other; see ``load(_:rename:)``.
    public static func load(
        files paths: [String], rename: [(old: String, new: String)] = []
    ) throws(FileError) -> Dataset {
        try load(
            paths.map { SourcePath(path: $0, selection: nil) }, skipped: [],
            renaming: Renaming(rename))
    }

    /// Whether a file called `name` would be read as data for its ending: `.jsonl`, `.csv.gz`, `.parquet`, ...
    public static func isDataFile(named name: String) -> Bool { SourcePath.isData(name) }

    /// Loads `files`.
    static func load(
        _ files: [SourcePath], skipped: [String], renaming: Renaming
    ) throws(FileError) -> Dataset {
        var chain = try RecordChain(files: files, renaming: renaming)
        var collector = RecordCollector(kind: chain.kind)
        while let record = try chain.next() { collector.add(record) }
        return Dataset(
            collector.records, provenance: Provenance(sources: chain.sources, skippedFiles: skipped)
        )
    }
}
