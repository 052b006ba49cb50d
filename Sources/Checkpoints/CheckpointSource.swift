public import Files
public import Layers
public import Tensors

/// What was found in a checkpoint beside the parameters that were asked for.
public struct LoadReport: Sendable, Equatable {
    /// Tensors nobody asked for.
    public var unused: [String] = []
    /// Names in the file that were changed, with the new name.
    public var renamed: [String: String] = [:]

    /// Nothing to report.
    public init() {}
}

/// The parameters in the weight files of a model folder.
public final class CheckpointSource: ParameterSource {
    private let folder: String
    private var entries: [String: Entry] = [:]
    private var used: Set<String> = []
    private var renamed: [String: String] = [:]

    /// A tensor and the file it stands in.
    private struct Entry {
        let file: any WeightFile
        let index: Int
        let name: String
        let shape: Shape
    }

    /// Opens the weights in `folder`: the first that is there of `model.safetensors`, the files that
    /// `model.safetensors.index.json` lists, `pytorch_model.bin`, and the files that `pytorch_model.bin.index.json`
    /// lists.
    ///
    /// Throws a ``FileError`` where there are no weights, a shard is missing, or a file is damaged.
    public init(folder: String, rules: [KeyRule]) throws(FileError) {
        self.folder = folder
        for file in try CheckpointSource.files(in: folder) {
            for (index, (original, shape)) in file.table.enumerated() {
                guard let name = KeyRule.apply(rules, to: original) else { continue }
                if name != original { renamed[original] = name }
                if let other = entries[name] {
                    throw FileError(
                        path: file.path,
                        problem: "tensor \(shown(original.utf8)) stands also in \(other.file.path)",
                        remedy: "the folder mixes two checkpoints; keep one")
                }
                entries[name] = Entry(file: file, index: index, name: original, shape: shape)
            }
        }
    }

    private static func files(in folder: String) throws(FileError) -> [any WeightFile] {
        for (name, isTorch) in [("model.safetensors", false), ("pytorch_model.bin", true)] {
            let single = folder + "/" + name
            let index = single + ".index.json"
            let paths: [String]
            if FileBytes.exists(single) {
                paths = [single]
            } else if FileBytes.exists(index) {
                paths = try shards(in: folder, index: index)
            } else {
                continue
            }
            return try paths.map { (path) throws(FileError) -> any WeightFile in
                if isTorch { return try TorchFile(path: path) }
                return try SafetensorsFile(path: path)
            }
        }
        let shard = ((try? FileBytes.names(in: folder)) ?? []).first {
            $0.contains("-of-") && ($0.hasSuffix(".bin") || $0.hasSuffix(".safetensors"))
        }
        throw FileError(
            path: folder,
            problem:
                "no weights: expected model.safetensors or pytorch_model.bin, or one of them with .index.json",
            remedy: shard.map { "fetch the .index.json that belongs to \($0)" }
                ?? "check that this is a model folder")
    }

    /// The files that the `weight_map` of `index` names, each once.
    private static func shards(in folder: String, index: String) throws(FileError) -> [String] {
        let names = try shardNames(in: JSON(contentsOf: index), index: index)
        for name in names where !FileBytes.exists(folder + "/" + name) {
            throw FileError(
                path: folder + "/" + name,
                problem: "the index names this shard, but it is not there",
                remedy: "fetch the missing file")
        }
        return names.map { folder + "/" + $0 }
    }

    /// The file names in the `weight_map` of `json`, each once, in the order of the map; `index` is what errors name.
    static func shardNames(in json: JSON, index: String) throws(FileError) -> [String] {
        guard let map = json["weight_map"]?.members, !map.isEmpty else {
            throw FileError(path: index, problem: "no weight_map", remedy: "fetch the file again")
        }
        var names: [String] = []
        var seen: Set<[UInt8]> = []
        for (key, value) in map {
            guard let name = value.string, !name.isEmpty,
                !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 })
            else {
                throw FileError(
                    path: index,
                    problem: "weight_map gives \(shown(key.utf8)) no file name of this folder",
                    remedy: "fetch the file again")
            }
            if seen.insert(Array(name.utf8)).inserted { names.append(name) }
        }
        return names
    }

    /// The tensor of that name; throws a ``FileError`` where its shape or type does not fit.
    public func value(name: String, shape: Shape, initializer: Initializer) throws -> Tensor? {
        guard let entry = entries[name] else { return nil }
        guard entry.shape == shape else {
            throw FileError(
                path: entry.file.path,
                problem:
                    "tensor \(shown(entry.name.utf8)) has shape \(entry.shape), config.json asks for \(shape)",
                remedy: "config.json and the weights belong to different models")
        }
        used.insert(name)
        return try entry.file.tensor(at: entry.index)
    }

    /// What was not asked for so far, and what was renamed.
    public var report: LoadReport {
        var report = LoadReport()
        report.unused = entries.filter { !used.contains($0.key) }.map(\.value.name).sorted()
        report.renamed = renamed
        return report
    }
}
