/// The local files of a data set.
public struct HubDataset: Sendable, Equatable {
    /// The files of one split, in the order in which they are to be read.
    public struct Split: Sendable, Equatable {
        /// `train`, `validation`, `test`, or a name of the data set's own.
        public var name: String
        /// Paths in the cache; their names end as in the repository (`.parquet`, `.jsonl`, `.csv.gz`, ...).
        public var files: [String]
    }

    /// The repository.
    public var name: HubName
    /// The configuration; `nil` where the data set has none.
    public var configuration: String?
    /// The commit that the files come from.
    public var commit: String
    /// Whether the files are the hub's own copy as parquet, not the author's files.
    public var isConverted: Bool
    /// The splits that were asked for.
    public var splits: [Split]
    /// The names of all splits of the configuration.
    public var splitNames: [String]

    /// The files of the split `name`; `nil` where it was not asked for or does not exist.
    public subscript(name: String) -> [String]? {
        splits.first { $0.name == name }?.files
    }
}
