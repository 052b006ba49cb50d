internal import Checkpoints
internal import Embedders
internal import Files
internal import Layers
internal import Tensors

/// The folder of one run: `run.json`, `checkpoints/`, and the finished `model/`.
struct RunDirectory {
    /// The folder.
    let path: String

    /// Where the finished model is.
    var modelPath: String { path + "/model" }

    /// Makes the folder, new or empty, with `run.json`; throws a ``FileError`` where that fails or another run lives
    /// there.
    init(creating path: String, runJSON: JSON) throws {
        self.path = path
        if FileBytes.exists(path + "/run.json") {
            throw FileError(
                path: path, problem: "another run lives here",
                remedy: "choose another --output-dir, or delete that run")
        }
        try FileBytes.makeFolder(path)
        try FileBytes.writeAtomically(runJSON.text(indent: 2) + "\n", to: path + "/run.json")
    }

    /// Where a run stands after a step.
    struct State {
        var step: Int
        var epoch: Int
        /// Batches of the epoch that are done.
        var batchesDone: Int
        var epochLossSum: Double
        var seed: UInt64
    }

    /// Writes a checkpoint: everything that the next step depends on. The folder appears complete or not at all.
    func writeCheckpoint(
        _ state: State, store: ParameterStore, optimizer: AdamW
    ) throws -> (path: String, bytes: Int) {
        let digits = String(state.step)
        let name = "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        let target = path + "/checkpoints/" + name
        try FileBytes.replaceFolder(target) { folder in
            try SafetensorsWriter.write(
                store.parameters.map { ($0.name, $0.value) }, metadata: [("format", "pt")],
                to: folder + "/model.safetensors")
            try SafetensorsWriter.write(optimizer.state, to: folder + "/optimizer.safetensors")
            let json: JSON = [
                "step": .int(state.step), "epoch": .int(state.epoch),
                "batches_done": .int(state.batchesDone),
                "epoch_loss_sum": .double(state.epochLossSum), "seed": .number(String(state.seed)),
            ]
            try FileBytes.writeAtomically(json.text(indent: 2) + "\n", to: folder + "/state.json")
            try Manifest.write(for: folder, about: [("step", .int(state.step))])
        }
        let bytes = try FileBytes.names(in: target).reduce(0) { sum, name in
            sum + (try FileBytes.size(target + "/" + name))
        }
        return (target, bytes)
    }
}
