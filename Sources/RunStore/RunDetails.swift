/// All that is recorded of one run.
public struct RunDetails: Sendable {
    /// The run.
    public var run: RunRow
    /// Its settings, sorted by name.
    public var parameters: [ParameterRow]
    /// The parameters of its model, in the model's order.
    public var weights: [WeightRow]
    /// Its steps in order.
    public var metrics: [MetricRow]
    /// What was measured, in order of steps.
    public var evaluations: [EvaluationRow]
    /// How much of that changed since before training.
    public var gains: [GainRow]
    /// Its checkpoints in order of steps.
    public var checkpoints: [CheckpointRow]
    /// What happened, in order.
    public var events: [EventRow]
    /// What it trained on.
    public var datasets: [DatasetRow]
    /// The rows with the highest losses.
    public var worstExamples: [ExampleSummary]
    /// Rows whose text was closer to another row's than to its own positive.
    public var falseNegatives: [FalseNegative]
}

/// A row of `gains`: how much a metric changed since before training.
public struct GainRow: Sendable, Equatable {
    /// The step it follows.
    public var step: Int
    /// `step`, `epoch` or `after`.
    public var phase: String
    /// The data set.
    public var dataset: String
    /// The metric.
    public var name: String
    /// The value then less the value before.
    public var difference: Double?
    /// The lower end of the confidence interval.
    public var low: Double?
    /// Its upper end.
    public var high: Double?
    /// The confidence, as in 0.95.
    public var confidence: Double
}

/// A row of `weights`: one parameter of the model.
public struct WeightRow: Sendable, Equatable {
    /// Its name in the checkpoint.
    public var name: String
    /// Its shape.
    public var shape: [Int]
    /// How many numbers it holds.
    public var count: Int
    /// How many of them train.
    public var training: Int
    /// The highest learning rate of its group.
    public var learningRate: Double
    /// Its weight decay.
    public var weightDecay: Double
}

/// Data that a run trained on: a row of `run_datasets` with its row of `datasets`.
public struct DatasetRow: Sendable, Equatable {
    /// The number of the data set in its run, from 0.
    public var dataset: Int
    /// Where it came from.
    public var name: String
    /// What tells it apart from other data.
    public var fingerprint: String
    /// Pair, triplet or scored pair.
    public var recordKind: String
    /// How many rows it has.
    public var rows: Int
    /// How many of them are stored with their texts.
    public var storedRows: Int
}

/// The texts of one row of training data, as far as they are stored.
public struct ExampleTexts: Sendable, Equatable {
    /// The texts, column by column; empty where they are not stored.
    public var texts: [String]
    /// The label of a scored pair.
    public var label: Double?
}

/// What the steps of a run showed of one row.
public struct ExampleSummary: Sendable, Equatable {
    /// The number of the data set in its run.
    public var dataset: Int
    /// The row in it, from 0.
    public var row: Int
    /// In how many epochs it was seen.
    public var epochs: Int
    /// Its mean loss over them.
    public var meanLoss: Double
    /// Its loss in the last of them.
    public var lastLoss: Double?
    /// Its mean similarity over them.
    public var similarity: Double?
    /// What it says.
    public var content: ExampleTexts
}

/// A row whose text was closer to the positive of another row than to its own: maybe both are right.
public struct FalseNegative: Sendable, Equatable {
    /// The number of the data set in its run.
    public var dataset: Int
    /// The row in it, from 0.
    public var row: Int
    /// The row whose text is the negative.
    public var negative: Int
    /// In how many epochs the two met so.
    public var epochs: Int
    /// The mean similarity of the row and its own positive then; the negative's is higher.
    public var similarity: Double?
    /// What the row says.
    public var content: ExampleTexts
    /// What the other says.
    public var negativeContent: ExampleTexts
}
