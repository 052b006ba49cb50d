internal import Files

/// `run.json`: all that a run is made of, enough to resume it with nothing else than its folder.
struct RunFile {
    static let name = "run.json"
    static let version = 2

    var id: String
    /// The model as it was named.
    var model: String
    var configuration: TrainingConfiguration
    /// The folder of runs with the database, absolute; `nil` where none was kept.
    var runsDirectory: String?
    var resolved: Resolved
    var training: [StoredDataset]
    var validation: StoredDataset?
    var test: StoredDataset?
    /// What the run began on.
    var environment: JSON

    /// What the configuration left open, and was decided before the first step.
    struct Resolved: Equatable, Sendable {
        var batchSize: Int
        var learningRate: Double
        /// Optimizer steps in all; `nil` where the rows were not counted.
        var totalSteps: Int?
        /// Rows of a stream where they were counted.
        var streamRows: Int?
    }

    var json: JSON {
        [
            "version": .int(RunFile.version), "id": .string(id), "model": .string(model),
            "configuration": configuration.json,
            "runs_directory": .optional(runsDirectory),
            "resolved": [
                "batch_size": .int(resolved.batchSize),
                "learning_rate": .double(resolved.learningRate),
                "total_steps": resolved.totalSteps.map(JSON.int) ?? .null,
                "stream_rows": resolved.streamRows.map(JSON.int) ?? .null,
            ],
            "data": [
                "train": .array(training.map(\.json)), "validation": validation?.json ?? .null,
                "test": test?.json ?? .null,
            ],
            "environment": environment,
        ]
    }

    init(
        id: String, model: String, configuration: TrainingConfiguration, runsDirectory: String?,
        resolved: Resolved, training: [StoredDataset], validation: StoredDataset?,
        test: StoredDataset?, environment: JSON
    ) {
        (self.id, self.model, self.configuration) = (id, model, configuration)
        (self.runsDirectory, self.resolved) = (runsDirectory, resolved)
        (self.training, self.validation, self.test) = (training, validation, test)
        self.environment = environment
    }

    /// Reads the file in the folder of a run.
    ///
    /// Throws a `FileError` where there is none, or one of another version.
    init(folder: String) throws(FileError) {
        let path = folder + "/" + RunFile.name
        guard FileBytes.exists(path) else {
            throw FileError(
                path: folder, problem: "no run lives here: there is no \(RunFile.name)",
                remedy: "give the folder of a run, or its name in the list of runs")
        }
        let json = try JSON(contentsOf: path)
        guard json["version"]?.int == RunFile.version else {
            throw FileError(
                path: path,
                problem:
                    "version \(json["version"]?.text() ?? "unknown"), expected \(RunFile.version)",
                remedy: "resume the run with the version of uniem that began it")
        }
        var reader = SettingsReader(json, path: path)
        _ = try reader.int("version")
        id = try reader.text("id")
        model = try reader.text("model")
        configuration = try TrainingConfiguration(reader.object("configuration"), path: path)
        runsDirectory = try reader.optionalText("runs_directory")
        var resolved = SettingsReader(try reader.object("resolved"), path: path)
        self.resolved = Resolved(
            batchSize: try resolved.int("batch_size"),
            learningRate: try resolved.double("learning_rate"),
            totalSteps: try resolved.optionalInt("total_steps"),
            streamRows: try resolved.optionalInt("stream_rows"))
        try resolved.finish()
        let data = try reader.object("data")
        var parts = SettingsReader(data, path: path)
        training = []
        for part in try parts.array("train") {
            training.append(try StoredDataset(part, path: path))
        }
        guard !training.isEmpty else {
            throw FileError(
                path: path, problem: "no training data",
                remedy: "undo the change that was made to the file")
        }
        func optional(_ key: String) throws(FileError) -> StoredDataset? {
            guard let value = data[key], !value.isNull else { return nil }
            return try StoredDataset(value, path: path)
        }
        validation = try optional("validation")
        test = try optional("test")
        environment = try reader.object("environment")
        try reader.finish()
    }
}
