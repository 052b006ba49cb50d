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
    private var entries: [String: (file: SafetensorsFile, entry: SafetensorsFile.Entry)] = [:]
    private var used: Set<String> = []
    private var renamed: [String: String] = [:]

    /// Opens `model.safetensors`, or the files that `model.safetensors.index.json` lists, in `folder`.
    ///
    /// Throws a ``FileError`` where there are no weights, a shard is missing, or a file is damaged.
    public init(folder: String, rules: [KeyRule]) throws(FileError) {
        self.folder = folder
        for path in try CheckpointSource.files(in: folder) {
            let file = try SafetensorsFile(path: path)
            for entry in file.entries {
                guard let name = KeyRule.apply(rules, to: entry.name) else { continue }
                if name != entry.name { renamed[entry.name] = name }
                if let other = entries[name] {
                    throw FileError(
                        path: path,
                        problem: "tensor \(entry.name) stands also in \(other.file.path)",
                        remedy: "the folder mixes two checkpoints; keep one")
                }
                entries[name] = (file, entry)
            }
        }
    }

    private static func files(in folder: String) throws(FileError) -> [String] {
        let single = folder + "/model.safetensors"
        let index = folder + "/model.safetensors.index.json"
        if FileBytes.exists(single) { return [single] }
        guard FileBytes.exists(index) else {
            let others = (try? FileBytes.names(in: folder)) ?? []
            let pickle = others.contains { $0.hasPrefix("pytorch_model") && $0.hasSuffix(".bin") }
            throw FileError(
                path: folder,
                problem: "no weights: expected model.safetensors or model.safetensors.index.json",
                remedy: pickle
                    ? "pytorch_model.bin is not read yet; save the model with safe_serialization=True"
                    : "check that this is a model folder")
        }
        let json: JSON
        do {
            json = try JSON(contentsOf: index)
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(path: index, problem: "\(error)")
        }
        guard let map = json["weight_map"]?.members, !map.isEmpty else {
            throw FileError(path: index, problem: "no weight_map", remedy: "fetch the file again")
        }
        var names: [String] = []
        for (key, value) in map {
            guard let name = value.string, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/"))
            else {
                throw FileError(
                    path: index, problem: "weight_map gives \(key) no file name of this folder",
                    remedy: "fetch the file again")
            }
            if !names.contains(name) { names.append(name) }
        }
        for name in names where !FileBytes.exists(folder + "/" + name) {
            throw FileError(
                path: folder + "/" + name,
                problem: "the index names this shard, but it is not there",
                remedy: "fetch the missing file")
        }
        return names.map { folder + "/" + $0 }
    }

    /// The tensor of that name; throws a ``FileError`` where its shape or type does not fit.
    public func value(name: String, shape: Shape, initializer: Initializer) throws -> Tensor? {
        guard let (file, entry) = entries[name] else { return nil }
        guard entry.shape == shape else {
            throw FileError(
                path: file.path,
                problem:
                    "tensor \(entry.name) has shape \(entry.shape), config.json asks for \(shape)",
                remedy: "config.json and the weights belong to different models")
        }
        used.insert(name)
        return try file.tensor(entry)
    }

    /// What was not asked for so far, and what was renamed.
    public var report: LoadReport {
        var report = LoadReport()
        report.unused = entries.filter { !used.contains($0.key) }.map(\.value.entry.name).sorted()
        report.renamed = renamed
        return report
    }
}
