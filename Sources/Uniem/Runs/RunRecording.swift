internal import Files
internal import Records
internal import RunStore
internal import Tracking

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Where a run is written down: its folder, the database, and trackers.
final class RunRecording {
    /// The identity of the run.
    let runID: String
    /// The folder of the run, as told to the user; a dash where nothing is written.
    let path: String
    /// The folder, once ``open(_:data:validation:test:)`` made it; `nil` where nothing is written.
    private(set) var directory: RunDirectory?
    private let configuration: TrainingConfiguration
    private let group: TrackerGroup

    init(
        configuration: TrainingConfiguration, modelName: String, datasetName: String,
        trackers: [any RunTracker]
    ) throws {
        self.configuration = configuration
        var trackers = trackers
        if let home = configuration.runsDirectory {
            runID =
                configuration.runID ?? RunID.make(model: modelName, dataset: datasetName, in: home)
            guard !runID.isEmpty, !runID.contains("/"), runID != ".", runID != ".." else {
                throw TrainingError.invalid("run id \"\(runID)\"", "give a name without slashes")
            }
            path = configuration.outputDirectory ?? home + "/" + runID
            let database = try RunDatabase(path: home + "/runs.sqlite")
            if let known = try? database.run(runID), known.id == runID {
                throw TrainingError.invalid(
                    "a run \(runID) is recorded in \(home) already, its folder is \(known.directory)",
                    "choose another --run-id, or delete it with uniem runs delete")
            }
            trackers.append(SQLiteTracker(database: database, runID: runID))
        } else {
            runID =
                configuration.runID ?? RunID.make(model: modelName, dataset: datasetName, in: ".")
            path = configuration.outputDirectory ?? "-"
        }
        group = TrackerGroup(trackers)
    }

    /// Makes the folder and tells all trackers that the run starts.
    func open(
        _ info: RunInfo, data: TrainingData, validation: Dataset?, test: Dataset?
    ) throws {
        if path != "-" {
            func describe(_ dataset: Dataset?) -> JSON {
                guard let dataset else { return .null }
                return [
                    "sources": .array(dataset.provenance.sources.map { .string($0.description) }),
                    "part": .optional(dataset.provenance.part), "rows": .int(dataset.count),
                    "kind": .string(dataset.kind.rawValue),
                    "fingerprint": .string(dataset.fingerprintText),
                ]
            }
            let training: JSON
            switch data {
            case .memory(let dataset): training = describe(dataset)
            case .stream(let stream):
                training = [
                    "sources": .array(
                        stream.description.split(separator: "\n").map { .string(String($0)) }),
                    "rows": info.trainRows > 0 ? .int(info.trainRows) : .null,
                    "kind": .string(stream.kind.rawValue), "stream": true,
                    "quick_fingerprint": .string(try stream.quickFingerprintText()),
                ]
            }
            directory = try RunDirectory(
                creating: path,
                runJSON: [
                    "version": 1, "id": .string(runID),
                    "model": .string(FileBytes.absolute(info.model)),
                    "configuration": info.configuration,
                    "resolved": [
                        "batch_size": .int(info.batchSize),
                        "learning_rate": .double(info.learningRate),
                        "loss": .string(info.loss), "total_steps": .int(info.totalSteps),
                        "threads": .int(info.threads),
                    ],
                    "data": [
                        "train": training, "validation": describe(validation),
                        "test": describe(test),
                    ],
                    "environment": info.environment,
                ])
        }
        try group.track(.started(info))
    }

    func track(_ event: RunEvent) throws { try group.track(event) }

    func warn(_ text: String) { try? group.track(.message(level: .warning, text: text)) }
    func say(_ text: String) { try? group.track(.message(level: .info, text: text)) }

    func finish(_ status: RunStatus, seconds: Double, message: String) {
        try? group.track(.finished(status: status, seconds: seconds, message: message))
        group.finish()
    }
}
