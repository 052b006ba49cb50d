internal import Checkpoints
internal import Files
internal import Layers
internal import Tensors

/// The checkpoints of one run, in `checkpoints/step-NNNNNN`.
///
/// A checkpoint is complete when its folder has that name: it is built beside, with a manifest of sizes and SHA-256
/// written last, brought to disk, and renamed. What is frozen is not in it: it is in the model that the run started
/// from.
struct CheckpointStore {
    /// The folder that holds them.
    let folder: String

    /// A checkpoint on disk.
    struct Checkpoint {
        let path: String
        let step: Int
    }

    /// Writes a checkpoint of `state`; the folder appears complete or not at all. Throws a ``FileError`` where that
    /// fails; earlier checkpoints are as they were then.
    func write(
        _ state: TrainingState, store: ParameterStore, optimizer: AdamW
    ) throws -> (path: String, bytes: Int) {
        let target = path(ofStep: state.step)
        try FileBytes.replaceFolder(target) { folder in
            try SafetensorsWriter.write(
                store.parameters.filter { !$0.isFrozen }.map { ($0.name, $0.value) },
                metadata: [("format", "pt")], to: folder + "/model.safetensors", waits: false)
            try SafetensorsWriter.write(
                optimizer.state, to: folder + "/optimizer.safetensors", waits: false)
            try FileBytes.write(
                Array((state.json.text(indent: 2) + "\n").utf8), to: folder + "/state.json")
            try Manifest.write(for: folder, about: [("step", .int(state.step))])
        }
        let bytes = try FileBytes.names(in: target).reduce(0) { sum, name in
            sum + (try FileBytes.size(target + "/" + name))
        }
        return (target, bytes)
    }

    /// Where the checkpoint of `step` is, or would be.
    func path(ofStep step: Int) -> String {
        let digits = String(step)
        return folder + "/step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// The checkpoints, the newest first.
    func all() throws(FileError) -> [Checkpoint] {
        guard FileBytes.isFolder(folder) else { return [] }
        return try FileBytes.names(in: folder).compactMap { name in
            guard name.hasPrefix("step-"), let step = Int(name.dropFirst("step-".count)),
                path(ofStep: step) == folder + "/" + name
            else { return nil }
            return Checkpoint(path: folder + "/" + name, step: step)
        }.sorted { $0.step > $1.step }
    }

    /// The newest checkpoint whose files are what its manifest says; `report` gets a line for each that is not.
    func newestComplete(_ report: (String) -> Void) throws(FileError) -> Checkpoint? {
        for checkpoint in try all() {
            do {
                try Manifest.verify(checkpoint.path)
                return checkpoint
            } catch {
                report("checkpoint of step \(checkpoint.step) is not used: \(error)")
            }
        }
        return nil
    }

    /// Removes all checkpoints but the `count` newest and that of step `best`, and what unfinished writes left.
    func prune(keeping count: Int, best: Int?) throws(FileError) {
        for checkpoint in try all().dropFirst(count) where checkpoint.step != best {
            // Renamed first: a folder that is half removed must not look like a checkpoint.
            let doomed = checkpoint.path + ".old-0"
            try FileBytes.remove(doomed)
            try FileBytes.move(checkpoint.path, to: doomed)
        }
        try sweep()
    }

    /// Removes what unfinished writes left.
    func sweep() throws(FileError) {
        guard FileBytes.isFolder(folder) else { return }
        for name in try FileBytes.names(in: folder)
        where name.contains(".partial-") || name.contains(".old-") {
            try FileBytes.remove(folder + "/" + name)
        }
    }

    /// Removes `checkpoint` and those after it, which a run that goes on from before them will write again.
    func remove(after step: Int) throws(FileError) {
        for checkpoint in try all() where checkpoint.step > step {
            try FileBytes.remove(checkpoint.path)
        }
    }
}

extension CheckpointStore.Checkpoint {
    /// The state, once the weights are in `store` and the moments in `optimizer`.
    ///
    /// Throws a ``FileError`` where a parameter that learns is missing or has another shape, or the moments do not
    /// fit.
    func restore(store: ParameterStore, optimizer: AdamW? = nil) throws -> TrainingState {
        try restoreWeights(store)
        if let optimizer {
            let moments = try SafetensorsFile(path: path + "/optimizer.safetensors")
            try optimizer.restore { try moments.tensor(named: $0) }
        }
        return try TrainingState(contentsOf: path + "/state.json")
    }

    private func restoreWeights(_ store: ParameterStore) throws {
        let file = try SafetensorsFile(path: path + "/model.safetensors")
        for parameter in store.parameters where !parameter.isFrozen {
            guard let tensor = try file.tensor(named: parameter.name) else {
                throw FileError(
                    path: file.path, problem: "no tensor \(parameter.name), which learns",
                    remedy: "the checkpoint belongs to another model or strategy")
            }
            guard tensor.shape == parameter.shape else {
                throw FileError(
                    path: file.path,
                    problem:
                        "\(parameter.name) has shape \(tensor.shape), expected \(parameter.shape)",
                    remedy: "the checkpoint belongs to another model")
            }
            parameter.assign(tensor)
        }
    }
}
