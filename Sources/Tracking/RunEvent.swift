public import Files

/// One thing that happened in a training run; training emits them in order, trackers consume them.
public enum RunEvent: Sendable {
    /// The run starts, or goes on after an interruption (``RunInfo/resumedFromStep``). The first event of a run;
    /// only messages may come before it.
    case started(RunInfo)
    /// An optimizer step was made.
    case step(StepMetrics)
    /// An epoch (from 1) is over; the mean of its losses.
    case epochFinished(epoch: Int, meanLoss: Double)
    /// The loss over the validation rows, after `step` in `epoch`.
    case validation(epoch: Int, step: Int, loss: Double)
    /// A quality metric was measured.
    case evaluation(EvaluationMetrics)
    /// The rows of a training data set, once after the start for each that is held in memory.
    case data(TrainingRows)
    /// What step `step` showed of the rows in its batch; follows the step.
    case examples(step: Int, epoch: Int, [ExampleEvidence])
    /// A checkpoint of `step` is complete on disk.
    case checkpoint(step: Int, path: String, bytes: Int)
    /// The finished model is on disk.
    case modelSaved(path: String)
    /// Something a reader of the run should know.
    case message(level: MessageLevel, text: String)
    /// The run ended; `seconds` since it was started or resumed. The last event of a run, save for messages.
    case finished(status: RunStatus, seconds: Double, message: String)
}

/// How much a message matters.
public enum MessageLevel: String, Sendable, CaseIterable {
    /// Worth knowing.
    case info
    /// Probably not what the user wants.
    case warning
    /// Something failed.
    case error
}

/// How a run ended.
public enum RunStatus: String, Sendable, CaseIterable {
    /// All steps were made and the model was saved.
    case finished
    /// Stopped on request; it can be resumed.
    case interrupted
    /// Stopped by an error.
    case failed
}

/// What is known of a run when it starts.
public struct RunInfo: Sendable {
    /// The run's identity, as in `2026-11-23_184501_m3e-small_stsb_7f3a`.
    public var id: String
    /// A name for people; the identity where none was given.
    public var name: String
    /// The run's folder.
    public var directory: String
    /// The folder or hub name of the model that training starts from.
    public var model: String
    /// Where the training rows come from.
    public var dataset: String
    /// The kind of record: pair, triplet or scored pair.
    public var recordKind: String
    /// Which parameters train: full, bitfit, prefix.
    public var strategy: String
    /// The name of the loss.
    public var loss: String
    /// Rows to train on; 0 for a stream that was not counted.
    public var trainRows: Int
    /// Rows to validate on; 0 for none.
    public var validationRows: Int
    /// Rows to test on; 0 for none.
    public var testRows: Int
    /// Rows a batch.
    public var batchSize: Int
    /// The highest learning rate of the schedule.
    public var learningRate: Double
    /// The seed of shuffling and dropout.
    public var seed: Int
    /// Passes over the training rows.
    public var epochs: Int
    /// Optimizer steps in a whole epoch; 0 for a stream that was not counted.
    public var stepsPerEpoch: Int
    /// Optimizer steps of the whole run.
    public var totalSteps: Int
    /// Steps that were made before this start; 0 for a new run. What was recorded of later steps is void: they
    /// are made again.
    public var resumedFromStep: Int
    /// Numbers in the model.
    public var parameters: Int
    /// Numbers that train.
    public var trainableParameters: Int
    /// Worker threads.
    public var threads: Int
    /// What trains and what does not, parameter by parameter.
    public var weights: [WeightInfo]
    /// What computes, as in `cpu`.
    public var device: String
    /// Every setting of the run, as an object.
    public var configuration: JSON
    /// Versions, processor, cores, host and system, as an object.
    public var environment: JSON

    /// Describes a run.
    public init(
        id: String, name: String, directory: String, model: String, dataset: String,
        recordKind: String, strategy: String, loss: String, trainRows: Int,
        validationRows: Int = 0, testRows: Int = 0, batchSize: Int, learningRate: Double, seed: Int,
        epochs: Int, stepsPerEpoch: Int, totalSteps: Int, resumedFromStep: Int = 0,
        parameters: Int, trainableParameters: Int, threads: Int, weights: [WeightInfo] = [],
        device: String = "cpu", configuration: JSON = [:],
        environment: JSON = [:]
    ) {
        self.id = id
        self.name = name
        self.directory = directory
        self.model = model
        self.dataset = dataset
        self.recordKind = recordKind
        self.strategy = strategy
        self.loss = loss
        self.trainRows = trainRows
        self.validationRows = validationRows
        self.testRows = testRows
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.seed = seed
        self.epochs = epochs
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.resumedFromStep = resumedFromStep
        self.parameters = parameters
        self.trainableParameters = trainableParameters
        self.threads = threads
        self.weights = weights
        self.device = device
        self.configuration = configuration
        self.environment = environment
    }
}

/// What one optimizer step measured.
public struct StepMetrics: Sendable, Equatable {
    /// The step, from 1 over the whole run.
    public var step: Int
    /// The epoch, from 1.
    public var epoch: Int
    /// The loss of this step's batch.
    public var loss: Double
    /// The mean loss of the epoch so far.
    public var meanLoss: Double
    /// The learning rate of this step.
    public var learningRate: Double
    /// The L2 norm over all gradients before clipping; `nil` where it was not computed.
    public var gradientNorm: Double?
    /// Rows in the batch.
    public var rows: Int
    /// Tokens in the batch, after truncation.
    public var tokens: Int
    /// Texts of the batch that were cut to the maximum length.
    public var truncatedTexts: Int
    /// How long the step took.
    public var seconds: Double

    /// Describes a step.
    public init(
        step: Int, epoch: Int, loss: Double, meanLoss: Double, learningRate: Double,
        gradientNorm: Double? = nil, rows: Int, tokens: Int, truncatedTexts: Int = 0,
        seconds: Double
    ) {
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.meanLoss = meanLoss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.rows = rows
        self.tokens = tokens
        self.truncatedTexts = truncatedTexts
        self.seconds = seconds
    }
}

/// The quality of the model on one data set at one moment.
public struct EvaluationMetrics: Sendable {
    /// When a run evaluates.
    public enum Phase: String, Sendable, CaseIterable {
        /// Before the first step.
        case before
        /// After some steps of an epoch.
        case step
        /// After an epoch.
        case epoch
        /// After the last step.
        case after
    }

    /// When.
    public var phase: Phase
    /// The epoch it follows, from 1; 0 before training.
    public var epoch: Int
    /// The step it follows; 0 before training.
    public var step: Int
    /// The data set, as in `test`.
    public var dataset: String
    /// Rows evaluated.
    public var rows: Int
    /// The metrics by name (`spearman`, `pearson`, ...), in the order to show.
    public var values: [(name: String, value: Double)]
    /// What changed since before training, with a confidence interval.
    public var gains: [MetricGain]

    /// Describes an evaluation. A name in `values` must be none of the other fields' (`phase`, `epoch`, `step`,
    /// `dataset`, `rows`, `gains`).
    public init(
        phase: Phase, epoch: Int, step: Int, dataset: String, rows: Int,
        values: [(name: String, value: Double)], gains: [MetricGain] = []
    ) {
        let reserved = ["event", "phase", "epoch", "step", "dataset", "rows", "gains"]
        for value in values {
            precondition(
                !reserved.contains(value.name),
                "EvaluationMetrics: a metric cannot be called \(value.name)")
        }
        self.phase = phase
        self.epoch = epoch
        self.step = step
        self.dataset = dataset
        self.rows = rows
        self.values = values
        self.gains = gains
    }
}

/// How much a metric changed since before training.
public struct MetricGain: Sendable, Equatable {
    /// The metric, as in `spearman`.
    public var name: String
    /// The value now less the value before.
    public var difference: Double
    /// The lower end of the confidence interval of the difference.
    public var low: Double
    /// Its upper end.
    public var high: Double
    /// The confidence, as in 0.95.
    public var confidence: Double

    /// Describes a gain.
    public init(
        name: String, difference: Double, low: Double, high: Double, confidence: Double = 0.95
    ) {
        (self.name, self.difference, self.low, self.high) = (name, difference, low, high)
        self.confidence = confidence
    }
}

/// One parameter of the model, and how it trains.
public struct WeightInfo: Sendable, Equatable {
    /// Its name in the checkpoint.
    public var name: String
    /// Its shape.
    public var shape: [Int]
    /// How many of its numbers train; 0 where it is frozen.
    public var training: Int
    /// The highest learning rate of its group.
    public var learningRate: Double
    /// Its weight decay.
    public var weightDecay: Double

    /// Describes a parameter.
    public init(
        name: String, shape: [Int], training: Int, learningRate: Double, weightDecay: Double
    ) {
        (self.name, self.shape, self.training) = (name, shape, training)
        (self.learningRate, self.weightDecay) = (learningRate, weightDecay)
    }

    /// How many numbers it holds.
    public var count: Int { shape.reduce(1, *) }
}

/// The rows of one training data set.
public struct TrainingRows: Sendable {
    /// The number of the data set in its run, from 0.
    public var dataset: Int
    /// Where it comes from.
    public var name: String
    /// What tells it apart from other data: equal rows have equal fingerprints.
    public var fingerprint: String
    /// Pair, triplet or scored pair.
    public var recordKind: String
    /// The texts, column by column, all of one length.
    public var columns: [[String]]
    /// The labels of scored pairs.
    public var labels: [Double]?

    /// Describes rows.
    public init(
        dataset: Int, name: String, fingerprint: String, recordKind: String, columns: [[String]],
        labels: [Double]? = nil
    ) {
        (self.dataset, self.name, self.fingerprint) = (dataset, name, fingerprint)
        (self.recordKind, self.columns, self.labels) = (recordKind, columns, labels)
    }
}

/// What one step showed of one training row.
public struct ExampleEvidence: Sendable, Equatable {
    /// The number of its data set in the run, from 0.
    public var dataset: Int
    /// The row in its data set, from 0.
    public var row: Int
    /// What it added to the loss of the batch, times the rows of the batch: the loss is the mean of these where it is
    /// a mean over rows.
    public var loss: Double
    /// The cosine of the text and its positive, or of the two sentences.
    public var similarity: Double
    /// The place of the positive among the candidates of the batch, from 1; `nil` for scored pairs.
    public var rank: Int?
    /// In-batch negatives that are closer to the text than its positive is: false negatives, maybe.
    public var closerNegatives: Int
    /// The row of the data set whose text is the closest negative; `nil` where there is none.
    public var closestNegative: Int?
    /// Tokens of its texts that were cut off.
    public var truncatedTokens: Int

    /// Describes a row's part in a step.
    public init(
        dataset: Int, row: Int, loss: Double, similarity: Double, rank: Int? = nil,
        closerNegatives: Int = 0, closestNegative: Int? = nil, truncatedTokens: Int = 0
    ) {
        (self.dataset, self.row, self.loss, self.similarity) = (dataset, row, loss, similarity)
        (self.rank, self.closerNegatives, self.closestNegative) = (
            rank, closerNegatives, closestNegative
        )
        self.truncatedTokens = truncatedTokens
    }
}
