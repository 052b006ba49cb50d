internal import Files
internal import RunStore
internal import Tracking

/// Where a run is written down: its folder, the database, and trackers.
final class RunRecording {
    /// The identity of the run.
    let runID: String
    /// The folder of the run, as told to the user; a dash where nothing is written.
    let path: String
    /// The folder; `nil` where nothing is written.
    let directory: RunDirectory?
    private let database: RunDatabase?
    private let group: TrackerGroup
    private var history: RunHistory?

    /// A new run. Makes its folder, unless nothing is to be written.
    ///
    /// Throws where the folder or the identity is taken, and where the database cannot be opened.
    init(
        _ configuration: TrainingConfiguration, modelName: String, datasetName: String,
        trackers: [any RunTracker]
    ) throws {
        let home = configuration.runsDirectory
        let runID =
            configuration.runID
            ?? RunID.make(model: modelName, dataset: datasetName, in: home ?? ".")
        self.runID = runID
        guard !runID.isEmpty, !runID.contains("/"), runID != ".", runID != ".." else {
            throw TrainingError.invalid("run id \"\(runID)\"", "give a name without slashes")
        }
        database = try home.map { try RunDatabase(path: $0 + "/runs.sqlite") }
        if let database, let home, let known = try? database.run(runID), known.id == runID {
            throw TrainingError.invalid(
                "a run \(runID) is recorded in \(home) already, its folder is \(known.directory)",
                "choose another --run-id, or delete it with uniem runs delete")
        }
        let folder = configuration.outputDirectory ?? home.map { $0 + "/" + runID }
        path = folder ?? "-"
        directory = try folder.map { folder throws(FileError) in
            try RunDirectory(creating: folder)
        }
        group = TrackerGroup(
            RunRecording.trackers(trackers, database, runID, configuration, folder))
    }

    /// A run that goes on, in the folder `directory`; its database is the one beside it, or the one it began in.
    init(
        resuming file: RunFile, in directory: RunDirectory, runsDirectory: String?,
        trackers: [any RunTracker]
    ) throws {
        runID = file.id
        path = directory.path
        self.directory = directory
        database = try RunRecording.database(of: file, in: directory, runsDirectory)
        group = TrackerGroup(
            RunRecording.trackers(
                trackers, database, runID, file.configuration, directory.path))
    }

    /// The database of a run that was begun: that in `runsDirectory`, that beside its folder, or the one it began in.
    static func database(
        of file: RunFile, in directory: RunDirectory, _ runsDirectory: String?
    ) throws -> RunDatabase? {
        let parent = FileBytes.parent(of: FileBytes.absolute(directory.path)) ?? "."
        var home = runsDirectory
        for place in [parent, file.runsDirectory].compactMap({ $0 }) where home == nil {
            if FileBytes.exists(place + "/runs.sqlite") { home = place }
        }
        if home == nil, file.runsDirectory != nil { home = parent }
        return try home.map { try RunDatabase(path: $0 + "/runs.sqlite") }
    }

    private static func trackers(
        _ trackers: [any RunTracker], _ database: RunDatabase?, _ runID: String,
        _ configuration: TrainingConfiguration, _ folder: String?
    ) -> [any RunTracker] {
        var result = trackers
        if let database { result.append(SQLiteTracker(database: database, runID: runID)) }
        if configuration.tensorBoard, let folder {
            result.append(TensorBoardTracker(folder: folder))
        }
        return result
    }

    /// Tells all trackers that the run starts or goes on; `past` are its steps up to now, as its folder knows them.
    func start(
        _ info: RunInfo,
        past: (steps: [StepMetrics], evaluations: [EvaluationMetrics]) = ([], [])
    ) throws {
        history = try directory.map { directory throws(FileError) in
            try RunHistory(folder: directory.path)
        }
        try group.track(.started(info))
        if let database, info.resumedFromStep > 0 {
            // What the database does not know: it is another one, or could not be written for a while.
            _ = try database.restore(
                steps: past.steps, evaluations: past.evaluations, run: runID)
        }
    }

    /// Tells of an event; throws where the folder of the run cannot be written.
    func track(_ event: RunEvent) throws {
        try history?.track(event)
        try group.track(event)
    }

    /// Brings to disk what was told, before a checkpoint says that it happened.
    func flush() throws {
        try history?.flush()
        group.flush()
    }

    func warn(_ text: String) { try? group.track(.message(level: .warning, text: text)) }
    func say(_ text: String) { try? group.track(.message(level: .info, text: text)) }

    func finish(_ status: RunStatus, seconds: Double, message: String) {
        try? history?.flush()
        try? group.track(.finished(status: status, seconds: seconds, message: message))
        group.finish()
    }
}
