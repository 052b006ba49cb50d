internal import Files
internal import RunStore
internal import Synchronization
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
    /// All trackers. A new database is still being made while other things are done.
    private let group: Background<TrackerGroup>
    private var history: RunHistory?
    /// The writing of what the run needs to go on, and then the word to all trackers that it starts.
    private var beginning: Background<Void>?
    /// What is left of it until the first step has been made, and then is done beside the next ones.
    private var sealing: Background<Void>?
    private let held = HeldEvents()

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
        let databasePath = home.map { $0 + "/runs.sqlite" }
        let isKnown = databasePath.map(FileBytes.exists) ?? false
        database = isKnown ? try databasePath.map { try RunDatabase(path: $0) } : nil
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
        // A new database knows no run that this one could be taken for, so that nobody has to wait for it here.
        group = Background { [database] in
            let database = try database ?? databasePath.map { try RunDatabase(path: $0) }
            return RunRecording.group(trackers, database, runID, configuration, folder)
        }
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
        group = Background { [database, runID] in
            RunRecording.group(trackers, database, runID, file.configuration, directory.path)
        }
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

    private static func group(
        _ trackers: [any RunTracker], _ database: RunDatabase?, _ runID: String,
        _ configuration: TrainingConfiguration, _ folder: String?
    ) -> TrackerGroup {
        var result = trackers
        if let database { result.append(SQLiteTracker(database: database, runID: runID)) }
        if configuration.tensorBoard, let folder {
            result.append(TensorBoardTracker(folder: folder))
        }
        return TrackerGroup(result)
    }

    /// Tells all trackers that a new run starts, once `files` are on disk: the run may compute meanwhile.
    ///
    /// Nothing is told before, and ``awaitBeginning()`` says when that is: a run of which anything is known can be
    /// resumed. Until then the weights of the model must stay as they are.
    func start(_ info: RunInfo, after files: RunBeginning?) throws {
        guard let files else { return try start(info) }
        try openHistory()
        held.begin()
        beginning = Background { [group, held] in
            let group = try group.value()
            try files.write()
            try group.track(.started(info))
            held.release { try? group.track($0) }
        }
    }

    /// Once a run that has begun, or goes on: it may have ended before its start was sealed.
    private func beginSealing() {
        guard sealing == nil, let directory else { return }
        sealing = Background { try directory.sealStart() }
    }

    /// Waits until the run has begun. Throws what went wrong with that.
    func awaitBeginning() throws { try beginning?.value() }

    /// Tells all trackers that the run starts or goes on; `past` are its steps up to now, as its folder knows them.
    func start(
        _ info: RunInfo,
        past: (steps: [StepMetrics], evaluations: [EvaluationMetrics]) = ([], [])
    ) throws {
        try openHistory()
        try group.value().track(.started(info))
        if let database, info.resumedFromStep > 0 {
            // What the database does not know: it is another one, or could not be written for a while.
            _ = try database.restore(
                steps: past.steps, evaluations: past.evaluations, run: runID)
        }
    }

    private func openHistory() throws(FileError) {
        history = try directory.map { directory throws(FileError) in
            try RunHistory(folder: directory.path)
        }
    }

    /// Tells of an event; throws where the folder of the run cannot be written.
    func track(_ event: RunEvent) throws {
        switch event {
        // Words and rows wait for the beginning, so that nobody else has to.
        case .message, .data: if held.take(event) { return }
        default: try awaitBeginning()
        }
        try history?.track(event)
        try group.value().track(event)
        if case .step = event { beginSealing() }
    }

    /// Brings to disk what was told, before a checkpoint says that it happened.
    func flush() throws {
        try awaitBeginning()
        beginSealing()
        try sealing?.value()
        try history?.flush()
        try group.value().flush()
    }

    func warn(_ text: String) { try? track(.message(level: .warning, text: text)) }
    func say(_ text: String) { try? track(.message(level: .info, text: text)) }

    func finish(_ status: RunStatus, seconds: Double, message: String) {
        // What went wrong with it is the message.
        try? awaitBeginning()
        try? history?.flush()
        try? group.value().track(.finished(status: status, seconds: seconds, message: message))
        try? group.value().finish()
    }
}

/// Events that are held back until the run has begun.
private final class HeldEvents: Sendable {
    /// `nil` where nothing is held back.
    private let events = Mutex<[RunEvent]?>(nil)

    /// Holds back what comes from now on.
    func begin() { events.withLock { $0 = [] } }

    /// Whether `event` is held back now.
    func take(_ event: RunEvent) -> Bool {
        events.withLock { events in
            events?.append(event)
            return events != nil
        }
    }

    /// Hands over to `body` what was held back, in order, and holds nothing back any more.
    func release(_ body: (RunEvent) -> Void) {
        while true {
            let next = events.withLock { events -> [RunEvent] in
                let next = events ?? []
                events = next.isEmpty ? nil : []
                return next
            }
            if next.isEmpty { return }
            next.forEach(body)
        }
    }
}
