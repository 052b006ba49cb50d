public import Files

/// Data sets by the name of their split, in order: Hugging Face's `datasets.DatasetDict`.
///
/// ```swift
/// let data = try DatasetDictionary.load("my-data")  // train.jsonl, dev.jsonl, test.jsonl
/// let own: DatasetDictionary = ["train": rows, "dev": others]
/// let parts = try rows.trainTestSplit(testSize: 0.1)
/// ```
public struct DatasetDictionary: Sendable {
    /// The splits in order; no name stands twice.
    public private(set) var splits: [(name: String, dataset: Dataset)]
    /// Files of a folder that are no part of a split.
    public private(set) var skippedFiles: [String] = []

    /// A dictionary of `splits`. Traps where a name stands twice.
    public init(_ splits: [(name: String, dataset: Dataset)] = []) {
        self.splits = []
        for (name, dataset) in splits {
            precondition(self[name] == nil, "DatasetDictionary: two splits called \(name)")
            self.splits.append((name, dataset))
        }
    }

    /// Loads the splits that `path` names.
    ///
    /// A folder is searched, with the folders in it, as `datasets.load_dataset` does: which split a
    /// file is, its name says (`train.jsonl`, `dev-0.csv`, `test/a.tsv`,
    /// `data/train-00000-of-00002.parquet`), or that of a folder it is in. `dev`, `val` and `valid`
    /// become `validation`, `eval` and `evaluation` become `test`; where nothing is said, all is
    /// `train`. Anything else is one split `train`, read as by ``Dataset/load(_:rename:)``.
    ///
    /// - Parameters:
    ///   - path: Where the data are; `#column=value` at its end selects rows of every file.
    ///   - rename: New names for columns, applied to each file before its fields are recognised.
    /// - Throws: A ``FileError`` that names file, line and field, and says what to do.
    public static func load(
        _ path: String, rename: [(old: String, new: String)] = []
    ) throws(FileError) -> DatasetDictionary {
        if !FileBytes.exists(path), path.utf8.contains(UInt8(ascii: ",")) {
            return ["train": try Dataset.load(path, rename: rename)]
        }
        let place = try SourcePath(path)
        guard FileBytes.isFolder(place.path) else {
            return ["train": try Dataset.load(path, rename: rename)]
        }
        let folder = try SplitFolder(place.path)
        var data = DatasetDictionary()
        for (name, files) in folder.splits {
            data[name] = try Dataset.load(
                files.map { SourcePath(path: $0, selection: place.selection) }, skipped: [],
                renaming: Renaming(rename))
        }
        data.skippedFiles = folder.skipped
        return data
    }

    /// Loads each split from a path of its own: `["train": "a.jsonl", "dev": "b.csv#split=dev"]`.
    ///
    /// A path is all that ``Dataset/load(_:rename:)`` takes, which says what `rename` does and what
    /// is thrown. Traps where a name stands twice.
    public static func load(
        _ paths: KeyValuePairs<String, String>, rename: [(old: String, new: String)] = []
    ) throws(FileError) -> DatasetDictionary {
        var splits: [(name: String, dataset: Dataset)] = []
        for (name, path) in paths {
            splits.append((name, try Dataset.load(path, rename: rename)))
        }
        return DatasetDictionary(splits)
    }

    /// The data set called `name`, compared byte by byte; `nil` where there is none. Setting `nil`
    /// removes it, setting a new name adds it at the end.
    public subscript(name: String) -> Dataset? {
        get { splits.first { sameBytes($0.name, name) }?.dataset }
        set {
            let index = splits.firstIndex { sameBytes($0.name, name) }
            switch (index, newValue) {
            case (let index?, let dataset?): splits[index].dataset = dataset
            case (let index?, nil): splits.remove(at: index)
            case (nil, let dataset?): splits.append((name, dataset))
            case (nil, nil): break
            }
        }
    }

    /// The data set called `name`. Throws a ``FileError`` that lists the names where there is none.
    public func split(_ name: String) throws(FileError) -> Dataset {
        if let dataset = self[name] { return dataset }
        throw FileError(
            path: "dataset", problem: "there is no split \(shownName(name))",
            remedy: splits.isEmpty ? "there are no splits" : "the splits are \(listed(names))")
    }

    /// The names of the splits.
    public var names: [String] { splits.map(\.name) }
    /// How many splits there are.
    public var count: Int { splits.count }
    /// Whether there are none.
    public var isEmpty: Bool { splits.isEmpty }

    /// The rows to train on: `train`.
    public var train: Dataset? { self["train"] }
    /// The rows to watch training by: `dev`, else `validation` (as uniem chooses), else `valid`,
    /// else `val`.
    public var validation: Dataset? {
        self["dev"] ?? self["validation"] ?? self["valid"] ?? self["val"]
    }
    /// The rows to evaluate with: `test`.
    public var test: Dataset? { self["test"] }

    /// Every split with other names for its fields; see ``Dataset/rename(_:)``.
    public func rename(
        _ names: [(old: String, new: String)]
    ) throws(FileError) -> DatasetDictionary {
        var renamed = self
        for index in splits.indices {
            renamed.splits[index].dataset = try splits[index].dataset.rename(names)
        }
        return renamed
    }
}

extension DatasetDictionary: ExpressibleByDictionaryLiteral {
    /// The splits as written. Traps where a name stands twice.
    public init(dictionaryLiteral elements: (String, Dataset)...) {
        self.init(elements.map { (name: $0.0, dataset: $0.1) })
    }
}

extension DatasetDictionary: CustomStringConvertible {
    /// For each split a line with its name and size, then its sources, indented.
    public var description: String {
        splits.map { name, dataset in
            let sources = dataset.provenance.sources.map { "\n    \($0)" }.joined()
            let part = dataset.provenance.part.map { " (\($0))" } ?? ""
            return "\(shownName(name)): \(dataset.count) \(dataset.kind.plural)\(part)\(sources)"
        }.joined(separator: "\n")
    }
}
