public import Files

/// Records of one kind and where they come from.
///
/// ```swift
/// let data = try Dataset.load("stsbenchmark.tsv.gz#split=train")
/// print(data)  // ... sentence1, sentence2, label (score) -> scored pairs; ignored: genre, ...
/// let parts = try data.trainTestSplit(testSize: 0.1)  // parts["train"], parts["test"]
/// ```
public struct Dataset: Sendable {
    /// The records.
    public let records: Records
    /// Where they come from.
    public let provenance: Provenance

    /// `records` from `provenance`.
    public init(_ records: Records, provenance: Provenance = Provenance()) {
        self.records = records
        self.provenance = provenance
    }

    /// A data set of pairs.
    public init(pairs: [PairRecord]) { self.init(.pairs(pairs)) }
    /// A data set of triplets.
    public init(triplets: [TripletRecord]) { self.init(.triplets(triplets)) }
    /// A data set of scored pairs.
    public init(scoredPairs: [ScoredPairRecord]) { self.init(.scoredPairs(scoredPairs)) }

    /// A data set of dictionaries, recognised by their keys as the fields of a file are.
    ///
    /// Throws a ``FileError`` (path `rows`, line: the number of the row from 1) for what
    /// ``load(_:rename:)`` refuses.
    public init(rows: [[String: FieldValue]], rename: [(old: String, new: String)] = [])
        throws(FileError)
    {
        let reader = DictionaryReader(rows: rows)
        var records = try RecordReader(rows: reader, renaming: Renaming(rename))
        var collector = RecordCollector(kind: records.kind)
        while let record = try records.next() { collector.add(record) }
        self.init(collector.records, provenance: Provenance(sources: [records.source]))
    }

    /// What the records are.
    public var kind: RecordKind { records.kind }
    /// How many records there are.
    public var count: Int { records.count }
    /// Whether there are none.
    public var isEmpty: Bool { records.isEmpty }

    /// The records at `indices`, in that order. Traps where an index is not below ``count``.
    public func selecting(_ indices: some Sequence<Int>) -> Dataset {
        Dataset(records[indices], provenance: provenance)
    }

    /// Checks what files are checked for: no text is empty or blank, every label is finite.
    ///
    /// For records that come from arrays. Throws a ``FileError`` (path `records`, line: the number
    /// from 1).
    public func validate() throws(FileError) {
        let names = kind.fieldNames
        for index in 0..<count {
            let record = records[index]
            for (text, name) in zip(record.texts, names) where isBlank(text) {
                throw .blank(path: "records", line: index + 1, what: name)
            }
            if let label = record.label, !label.isFinite {
                throw .badLabel(
                    path: "records", line: index + 1, field: names[2], found: "\(label)")
            }
        }
    }
}

extension Dataset: CustomStringConvertible {
    /// One line for each source: path, rows, how the fields were recognised, what was ignored.
    public var description: String {
        provenance.sources.isEmpty
            ? "\(count) \(kind.plural) from memory"
            : provenance.sources.map(\.description).joined(separator: "\n")
    }
}

/// Where records come from: no source for records given as arrays.
public struct Provenance: Sendable, Equatable {
    /// One file, with how it was understood.
    public struct Source: Sendable, Equatable, CustomStringConvertible {
        /// The file, as it was named.
        public var path: String
        /// The `#column=value` that rows were selected by.
        public var selection: String?
        /// How the file was read: `JSON lines`, `TSV without header`, ...
        public var format: String
        /// How the fields were recognised: `sentence1, sentence2, label (score) -> scored pairs`.
        public var recognition: String
        /// The columns that were not used.
        public var ignoredColumns: [String]
        /// How many rows were read.
        public var rowCount: Int
        /// How many of them were selected; all where nothing was selected by.
        public var selectedRowCount: Int
        /// How many records they hold: more than rows where fields hold lists of texts.
        public var recordCount: Int

        /// The path, with what was selected.
        var place: String { path + (selection.map { "#" + $0 } ?? "") }

        /// One line: path, rows, fields, ignored columns.
        public var description: String {
            var text = "\(place): \(selectedRowCount) rows"
            if selectedRowCount != rowCount { text += " of \(rowCount)" }
            text += " (\(format)), \(recognition)"
            if recordCount != selectedRowCount { text += ": \(recordCount) records" }
            return text + ignored
        }

        /// One line without what is known only after reading: path, fields, ignored columns.
        var opening: String { "\(place): \(format), \(recognition)\(ignored)" }

        private var ignored: String {
            ignoredColumns.isEmpty ? "" : "; ignored: " + listed(ignoredColumns)
        }
    }

    /// The files, in the order they were read.
    public var sources: [Source]
    /// Files of a folder that were left out because their names end in nothing that is read.
    public var skippedFiles: [String]
    /// Which part of the sources this is, after
    /// ``Dataset/trainTestSplit(testSize:trainSize:seed:shuffle:)``: `train part, ...`.
    public var part: String?

    /// A provenance of `sources`.
    public init(sources: [Source] = [], skippedFiles: [String] = [], part: String? = nil) {
        self.sources = sources
        self.skippedFiles = skippedFiles
        self.part = part
    }
}
