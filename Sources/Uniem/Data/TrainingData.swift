public import Records

/// Rows to train on: held in memory, or read anew in each epoch.
public enum TrainingData: Sendable {
    /// Records in memory, shuffled as a whole.
    case memory(Dataset)
    /// Records that are read as they are needed, for data larger than memory; shuffled in a buffer.
    case stream(RecordStream)

    /// What the records are.
    public var kind: RecordKind {
        switch self {
        case .memory(let dataset): dataset.kind
        case .stream(let stream): stream.kind
        }
    }

    /// What the data are called where no name is given.
    var name: String {
        switch self {
        case .memory(let dataset): dataset.provenance.sources.first?.path ?? "records"
        case .stream(let stream): stream.paths.first ?? "records"
        }
    }
}
