internal import Records

/// One of the data sets that a model is trained on, with what is its own.
public struct TrainingSource: Sendable {
    /// The rows.
    public var data: TrainingData
    /// What it is called in the record of the run.
    public var name: String
    /// Its loss; that of the run where left out.
    public var loss: LossName?

    /// A data set; named after its first file where `name` is left out.
    public init(_ data: TrainingData, name: String? = nil, loss: LossName? = nil) {
        (self.data, self.name, self.loss) = (data, name ?? data.name, loss)
    }

    /// The data set in memory, where it is there.
    var dataset: Dataset? { if case .memory(let dataset) = data { dataset } else { nil } }
}
