internal import Embedders
internal import Files
internal import Records
internal import Tracking

/// The files that a new run needs to go on after any end: its data, the model that it starts from, its settings.
struct RunBeginning: Sendable {
    let directory: RunDirectory
    let runID: String
    /// The model, whose weights nobody may change while they are written.
    let embedder: Embedder
    let modelName: String
    let sources: [TrainingSource]
    let validation: Dataset?
    let test: Dataset?
    let configuration: TrainingConfiguration
    let resolved: RunFile.Resolved
    let environment: JSON

    /// Writes them, `run.json` last: from then on the run can be resumed.
    func write() throws {
        var training: [StoredDataset] = []
        for (number, source) in sources.enumerated() {
            switch source.data {
            case .memory(let dataset):
                training.append(
                    try StoredDataset(
                        writing: dataset, name: source.name, loss: source.loss,
                        to: "data/train-\(number).jsonl", in: directory.path))
            case .stream(let stream):
                training.append(
                    try StoredDataset(
                        stream, name: source.name, loss: source.loss, count: resolved.streamRows))
            }
        }
        func stored(_ dataset: Dataset?, _ name: String) throws -> StoredDataset? {
            try dataset.map {
                try StoredDataset(
                    writing: $0, name: name, loss: nil, to: "data/\(name).jsonl",
                    in: directory.path)
            }
        }
        let file = RunFile(
            id: runID, model: FileBytes.absolute(modelName), configuration: configuration,
            runsDirectory: configuration.runsDirectory.map(FileBytes.absolute),
            resolved: resolved, training: training,
            validation: try stored(validation, "validation"), test: try stored(test, "test"),
            environment: environment)
        try directory.writeStart(embedder)
        try directory.begin(file)
    }
}
