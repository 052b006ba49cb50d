internal import Embedders
internal import Files
internal import Layers
internal import Records
internal import RunStore
internal import Tensors
public import Tracking

extension FineTuner {
    /// Takes up the run in the folder `folder` where its last complete checkpoint left it, with nothing else than the
    /// folder: it ends with the very bits that it would have had without a break.
    ///
    /// The folder may have been moved, to another machine too. What differs from the machine that began the run is
    /// told. A finished run is left as it is: its model is loaded and returned.
    ///
    /// - Parameter runsDirectory: where the database of runs is; the folder that the run lies in, or the one that it
    ///   began in, where left out.
    ///
    /// Throws a `FileError` where the folder holds no run, another process works on it, a file is missing or damaged,
    /// or the data are not those that the run began with.
    public static func resume(
        _ folder: String, runsDirectory: String? = nil, trackers: [any RunTracker]? = nil,
        callbacks: TrainingCallbacks = TrainingCallbacks(), stop: StopRequest? = nil
    ) throws -> Outcome {
        let directory = try RunDirectory(opening: folder)
        let file = try RunFile(folder: folder)
        if let result = try directory.readResult() {
            // Its process may have been killed between its last file and its last word.
            try directory.removeStart()
            try RunRecording.database(of: file, in: directory, runsDirectory)?
                .settleFinished(file.id)
            return try finished(file, result, in: directory)
        }
        var notes = RunEnvironment.differences(file.environment)
        let checkpoint = try directory.checkpoints.newestComplete { notes.append($0) }
        let step = checkpoint?.step ?? 0
        let embedder = try file.configuration.strategy.prepare(
            directory.loadStart(), seed: file.configuration.seed)
        defer { embedder.store.thawAll() }
        let sources = try file.training.map {
            TrainingSource(try $0.load(from: folder), name: $0.name, loss: $0.loss)
        }
        let pool = WorkerPool(threads: file.configuration.threads ?? availableProcessors())
        defer { pool.close() }
        let session = try TrainingSession(
            TrainingSession.Materials(
                embedder: embedder, sources: sources,
                validation: try file.validation.map { try dataset($0, folder) },
                test: try file.test.map { try dataset($0, folder) }, modelName: file.model,
                datasetName: file.training.map(\.name).joined(separator: ",")),
            file.configuration, resolved: file.resolved, pool: pool)
        let recording = try RunRecording(
            resuming: file, in: directory, runsDirectory: runsDirectory,
            trackers: trackers ?? [ConsoleTracker()])
        return try recorded(recording) {
            // What came after the checkpoint is made again.
            try directory.checkpoints.remove(after: step)
            let past = try RunHistory.rewind(folder: folder, to: step)
            try recording.start(session.info(recording, resumedFrom: step), past: past)
            for note in notes { recording.warn(note) }
            return try session.run(
                recording, from: checkpoint, callbacks: callbacks, stop: stop)
        }
    }

    /// As ``resume(_:runsDirectory:trackers:callbacks:stop:)`` on a thread of its own, with callbacks that may wait.
    /// The cancellation of the task is a stop request.
    nonisolated(nonsending) public static func resume(
        _ folder: String, runsDirectory: String? = nil, trackers: [any RunTracker]? = nil,
        asyncCallbacks: AsyncTrainingCallbacks, stop: StopRequest? = nil
    ) async throws -> Outcome {
        let stop = stop ?? StopRequest()
        return try await withTaskCancellationHandler {
            try await Waiting.onThread {
                try resume(
                    folder, runsDirectory: runsDirectory, trackers: trackers,
                    callbacks: asyncCallbacks.blocking(), stop: stop)
            }
        } onCancel: {
            stop.raise()
        }
    }

    private static func dataset(_ stored: StoredDataset, _ folder: String) throws -> Dataset {
        guard case .memory(let dataset) = try stored.load(from: folder) else {
            throw FileError(
                path: folder + "/" + RunFile.name, problem: "\(stored.name) is a stream",
                remedy: "undo the change that was made to the file")
        }
        return dataset
    }

    /// What a finished run came to.
    private static func finished(
        _ file: RunFile, _ result: JSON, in directory: RunDirectory
    ) throws -> Outcome {
        func path(_ key: String) -> String? {
            result[key]?.string.map { directory.path + "/" + $0 }
        }
        guard let saved = path("model") ?? path("adapter") else {
            throw FileError(
                path: directory.path + "/result.json", problem: "names no model",
                remedy: "undo the change that was made to the file")
        }
        var outcome = Outcome(
            embedder: try Pretrained.embedder(in: saved), status: .finished, runID: file.id,
            checkpointPath: try directory.checkpoints.all().first?.path)
        func values(_ key: String) -> [(name: String, value: Double)] {
            (result[key]?.members ?? []).map { ($0.key, $0.value.double ?? .nan) }
        }
        outcome.modelPath = path("model")
        outcome.adapterPath = path("adapter")
        outcome.stopReason = result["stop_reason"]?.string
        outcome.before = values("before")
        outcome.after = values("after")
        outcome.isOld = true
        return outcome
    }
}
