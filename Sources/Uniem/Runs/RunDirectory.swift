internal import Checkpoints
internal import Embedders
internal import Files

/// The folder of one run: `run.json`, `data/`, the model it started from in `start/`, `checkpoints/`, `history.jsonl`,
/// and the finished `model/`. One process works in it at a time.
final class RunDirectory: Sendable {
    /// The folder.
    let path: String
    private let lock: FileLock?

    /// Where the finished model is.
    var modelPath: String { path + "/model" }
    /// Where the adapter of a finished LoRA run is.
    var adapterPath: String { path + "/adapter" }
    /// The model as it was before the first step.
    var startPath: String { path + "/start" }
    /// The checkpoints.
    var checkpoints: CheckpointStore { CheckpointStore(folder: path + "/checkpoints") }

    /// Makes the folder, new or empty; throws a `FileError` where that fails or another run lives there.
    init(creating path: String) throws(FileError) {
        self.path = path
        try FileBytes.makeFolder(path)
        // Looked for twice: nothing is to be left in the folder of another run, and one may begin just now.
        try RunDirectory.refuseOthers(path)
        lock = try RunDirectory.lock(path)
        try RunDirectory.refuseOthers(path)
        // What a run left that was killed before it began.
        try sweep()
        for name in ["data", "start", "checkpoints", RunHistory.fileName] {
            try FileBytes.remove(path + "/" + name)
        }
        try FileBytes.makeFolder(path + "/data")
    }

    /// Opens the folder of a run that was begun; throws a `FileError` where another process works in it.
    init(opening path: String) throws(FileError) {
        self.path = path
        guard FileBytes.isFolder(path) else {
            throw FileError(
                path: path, problem: "no such run",
                remedy: "give the folder of a run, or its name in the list of runs")
        }
        lock = try RunDirectory.lock(path)
        try sweep()
    }

    /// Removes what a process left that was killed while it wrote.
    private func sweep() throws(FileError) {
        for folder in [path, path + "/data", path + "/evaluations"]
        where FileBytes.isFolder(folder) {
            for name in try FileBytes.names(in: folder)
            where name.contains(".partial-") || name.contains(".old-") {
                try FileBytes.remove(folder + "/" + name)
            }
        }
        try checkpoints.sweep()
    }

    private static func refuseOthers(_ path: String) throws(FileError) {
        guard FileBytes.exists(path + "/" + RunFile.name) else { return }
        throw FileError(
            path: path, problem: "another run lives here",
            remedy: "choose another --output-dir, delete that run, or resume it with uniem resume")
    }

    private static func lock(_ path: String) throws(FileError) -> FileLock? {
        switch try FileLock.take(path + "/lock") {
        case .held(let lock): return lock
        // A file system without locks: nothing can be known of others.
        case .unsupported: return nil
        case .busy:
            throw FileError(
                path: path, problem: "another process is working on this run",
                remedy: "wait until it ends, or end it; uniem runs watch shows how it goes")
        }
    }

    /// Writes `run.json`: from now on the run can be resumed.
    func begin(_ file: RunFile) throws(FileError) {
        try FileBytes.writeAtomically(
            file.json.text(indent: 2) + "\n", to: path + "/" + RunFile.name)
    }

    // MARK: The start

    /// Writes the model that the run starts from, which holds what is frozen for all checkpoints. ``sealStart()`` adds
    /// its hashes: nobody need wait for them before the first step.
    func writeStart(_ embedder: Embedder) throws {
        try embedder.save(to: startPath, verifying: false) {
            try Manifest.write(for: $0, hashes: false)
        }
    }

    /// Adds what tells later whether the start was changed or damaged; a finished run has none.
    func sealStart() throws {
        guard FileBytes.exists(startPath + "/" + Manifest.fileName) else { return }
        try Manifest.seal(startPath)
    }

    /// The model that the run started from. Throws a `FileError` where it is missing or damaged.
    func loadStart() throws -> Embedder {
        guard FileBytes.exists(startPath + "/" + Manifest.fileName) else {
            throw FileError(
                path: startPath, problem: "the model that the run started from is not there",
                remedy: FileBytes.exists(resultPath)
                    ? "the run is finished; its model lies in \(modelPath)"
                    : "put the folder back, or begin the run anew")
        }
        try Manifest.verify(startPath)
        return try Embedder.load(startPath)
    }

    /// Throws a `FileError` where the checkpoint at `path` is not what its manifest says.
    func verifyCheckpoint(_ path: String) throws { try Manifest.verify(path) }

    // MARK: The end

    private var resultPath: String { path + "/result.json" }

    /// What a finished run came to.
    func readResult() throws(FileError) -> JSON? {
        FileBytes.exists(resultPath) ? try JSON(contentsOf: resultPath) : nil
    }

    /// Writes what the run came to: from now on it is finished. What was only needed to go on is removed.
    func finish(_ result: JSON) throws(FileError) {
        try FileBytes.writeAtomically(result.text(indent: 2) + "\n", to: resultPath)
        try removeStart()
    }

    /// Removes the model that the run started from: a finished run has its own.
    func removeStart() throws(FileError) { try FileBytes.remove(startPath) }

    // MARK: Evaluations

    /// Keeps what was measured before the first step, for comparison after the last.
    func writeBefore(_ evaluation: JSON, of name: String) throws(FileError) {
        try FileBytes.makeFolder(path + "/evaluations")
        try FileBytes.writeAtomically(
            evaluation.text() + "\n", to: path + "/evaluations/before-\(name).json")
    }

    /// What ``writeBefore(_:of:)`` kept.
    func readBefore(of name: String) throws(FileError) -> JSON? {
        let file = path + "/evaluations/before-\(name).json"
        return FileBytes.exists(file) ? try JSON(contentsOf: file) : nil
    }
}
