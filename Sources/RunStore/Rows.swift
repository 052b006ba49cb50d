public import Files

/// How a recorded run stands.
public enum RunState: String, Sendable, CaseIterable {
    /// Its process works on it, as far as is known.
    case running
    /// It made all its steps.
    case finished
    /// It was stopped on request and can be resumed.
    case interrupted
    /// It was stopped by an error.
    case failed
    /// Its process is gone without having said why.
    case crashed
}

/// A row of `runs`, with what a list of runs shows.
public struct RunRow: Sendable {
    /// The run's identity.
    public var id: String
    /// Its name for people.
    public var name: String
    /// Its folder, absolute.
    public var directory: String
    /// The model that training started from.
    public var model: String
    /// Where the training rows came from.
    public var dataset: String
    /// Pair, triplet or scored pair.
    public var recordKind: String
    /// Which parameters trained.
    public var strategy: String
    /// The name of the loss.
    public var loss: String
    /// How it stands. A run that is recorded as running although its process on this host is gone is `crashed`.
    public var state: RunState
    /// Why it ended, where something was said.
    public var message: String
    /// When it began first: ISO 8601, UTC.
    public var startedAt: String
    /// When it ended last; `nil` before.
    public var finishedAt: String?
    /// Time spent, over all parts that ended in an orderly way.
    public var seconds: Double
    /// The seed.
    public var seed: Int
    /// Passes over the training rows.
    public var epochs: Int
    /// Rows a batch.
    public var batchSize: Int
    /// The highest learning rate.
    public var learningRate: Double
    /// Steps planned.
    public var totalSteps: Int
    /// Steps recorded.
    public var steps: Int
    /// Training rows.
    public var trainRows: Int
    /// Validation rows.
    public var validationRows: Int
    /// Test rows.
    public var testRows: Int
    /// Numbers in the model.
    public var parameters: Int
    /// Numbers that trained.
    public var trainableParameters: Int
    /// Worker threads.
    public var threads: Int
    /// What computed.
    public var device: String
    /// The finished model's folder; `nil` before it was saved.
    public var savedModel: String?
    /// Every setting.
    public var configuration: JSON
    /// Versions, processor, system.
    public var environment: JSON
    /// The host it ran on.
    public var host: String
    /// The process that wrote it last.
    public var pid: Int
    /// The running mean loss of the last step; `nil` before the first, or where it was not a number.
    public var lastLoss: Double?
    /// How many transactions recorded something: a number that grows while the run lives.
    public var writes: Int
    /// The rank correlation before training, where it was measured.
    public var spearmanBefore: Double?
    /// The rank correlation after training, where it was measured.
    public var spearmanAfter: Double?
}

/// A row of `metrics`: one optimizer step. A loss that was not a number is `nil`.
public struct MetricRow: Sendable, Equatable {
    /// The step, from 1.
    public var step: Int
    /// The epoch, from 1.
    public var epoch: Int
    /// The loss of the batch.
    public var loss: Double?
    /// The mean loss of the epoch so far.
    public var meanLoss: Double?
    /// The learning rate.
    public var learningRate: Double
    /// The L2 norm of all gradients, where it was computed.
    public var gradientNorm: Double?
    /// Rows in the batch.
    public var rows: Int
    /// Tokens in the batch.
    public var tokens: Int
    /// Texts that were cut.
    public var truncatedTexts: Int
    /// How long the step took.
    public var seconds: Double
}

/// A row of `evaluations`: one number measured on one data set at one moment.
public struct EvaluationRow: Sendable, Equatable {
    /// The step it follows.
    public var step: Int
    /// `before`, `step`, `epoch` or `after`.
    public var phase: String
    /// The data set; `train` and `validation` for the losses.
    public var dataset: String
    /// What was measured: `spearman`, `pearson`, `rows`, `loss`, ...
    public var name: String
    /// The epoch it follows.
    public var epoch: Int
    /// The number; `nil` where it was not one.
    public var value: Double?
}

/// A row of `checkpoints`.
public struct CheckpointRow: Sendable, Equatable {
    /// The step after which it was written.
    public var step: Int
    /// Its folder.
    public var path: String
    /// Its size.
    public var bytes: Int
    /// When it was written: ISO 8601, UTC.
    public var writtenAt: String
}

/// A row of `events`.
public struct EventRow: Sendable, Equatable {
    /// When: ISO 8601, UTC.
    public var time: String
    /// `info`, `warning` or `error`.
    public var level: String
    /// What happened.
    public var text: String
}

/// A row of `parameters`.
public struct ParameterRow: Sendable, Equatable {
    /// The setting's name, nested keys joined by points.
    public var name: String
    /// Its value as text.
    public var value: String
}

/// A setting in which two runs differ; `nil` where a run does not have it.
public struct ParameterDifference: Sendable, Equatable {
    /// The setting's name.
    public var name: String
    /// The first run's value.
    public var first: String?
    /// The second run's value.
    public var second: String?
}
