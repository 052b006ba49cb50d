public import Embedders
internal import Files
public import Hub
public import Records

/// Finds models and data sets: a path where there is one, else a name on the Hugging Face hub.
public enum Pretrained {
    /// The folder of the model `name`: itself where it is a folder, else the copy in the cache of the hub, fetched where
    /// it is not there.
    ///
    /// Throws a ``HubError`` for what is neither, and where it cannot be had.
    public static func folder(of name: String, hub: Hub = Hub()) throws -> String {
        if FileBytes.isFolder(name) { return name }
        if FileBytes.exists(name) {
            throw FileError(
                path: name, problem: "not a folder",
                remedy: "give the folder of a model, or a name on the hub such as moka-ai/m3e-small"
            )
        }
        let parsed = try HubName.parse(name)
        do throws(HubError) {
            return try hub.blocking.snapshot(parsed)
        } catch {
            // A folder that is misspelt looks like a name.
            let place = error.place == name ? "" : error.place + ": "
            throw HubError(
                error.kind, name,
                problem:
                    "no such folder, and on the hub: \(place)\(error.problem)",
                remedy: error.remedy)
        }
    }

    /// Loads the model in `folder`. Of an adapter whose base model is a name on the hub, that is fetched where it is not
    /// in the cache.
    ///
    /// Throws as `Embedder.load`, and a ``HubError`` where the base model cannot be had.
    public static func embedder(
        in folder: String, pooling: Pooling? = nil, modelType: ModelType? = nil, hub: Hub = Hub()
    ) throws -> Embedder {
        var baseModel: String?
        if let base = try Embedder.adapterBase(of: folder), !FileBytes.isFolder(base),
            !FileBytes.isFolder(folder + "/" + base)
        {
            baseModel = try self.folder(of: base, hub: hub)
        }
        return try Embedder.load(
            folder, pooling: pooling, modelType: modelType, baseModel: baseModel)
    }

    /// The splits of the data set `specification`: what ``DatasetDictionary/load(_:rename:)`` reads where there is such
    /// a file or folder; else the data set of that name on the hub, `owner/name`, `owner/name:configuration`, each with
    /// `@revision` or without, and `#split=name` for one of its splits only.
    ///
    /// Throws a ``HubError`` or a `FileError` for what is neither, and where it cannot be had or read.
    public static func dataset(
        _ specification: String, rename: [(old: String, new: String)] = [], hub: Hub = Hub()
    ) throws -> DatasetDictionary {
        guard let name = hubName(specification) else {
            return try DatasetDictionary.load(specification, rename: rename)
        }
        let found = try hub.blocking.dataset(
            name.repository, configuration: name.configuration,
            splits: name.split.map { [$0] })
        return DatasetDictionary(
            try found.splits.map { split in
                (split.name, try Dataset.load(files: split.files, rename: rename))
            })
    }

    /// The records of `specification` as a stream: files, or the `train` split (or the one named) of a data set on the
    /// hub.
    public static func stream(
        _ specification: String, rename: [(old: String, new: String)] = [], hub: Hub = Hub()
    ) throws -> RecordStream {
        guard let name = hubName(specification) else {
            return try RecordStream(specification, rename: rename)
        }
        let split = name.split ?? "train"
        let found = try hub.blocking.dataset(
            name.repository, configuration: name.configuration, splits: [split])
        return try RecordStream(files: found[split] ?? [], rename: rename)
    }

    /// The name on the hub that `specification` is, unless it names files.
    private static func hubName(
        _ specification: String
    ) -> (repository: HubName, configuration: String?, split: String?)? {
        var text = specification
        var split: String?
        if let range = text.range(ofLast: "#split=") {
            split = String(text[range.upperBound...])
            text = String(text[..<range.lowerBound])
        }
        // What exists is a path; so is a list of paths, and what has the ending of a file.
        if FileBytes.exists(text) || text.contains(",") || Dataset.isDataFile(named: text) {
            return nil
        }
        guard let name = try? HubDatasetName.parse(text), name.repository.owner != nil else {
            return nil
        }
        return (name.repository, name.configuration, split)
    }
}

extension String {
    /// Where `part` stands last.
    fileprivate func range(ofLast part: String) -> Range<String.Index>? {
        let (all, wanted) = (Array(utf8), Array(part.utf8))
        guard all.count >= wanted.count else { return nil }
        for start in (0...all.count - wanted.count).reversed()
        where all[start..<start + wanted.count].elementsEqual(wanted) {
            let lower = utf8.index(startIndex, offsetBy: start)
            return lower..<utf8.index(lower, offsetBy: wanted.count)
        }
        return nil
    }
}
