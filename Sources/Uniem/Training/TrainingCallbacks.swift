public import Tracking

/// What a program does while a model trains: looks at numbers, and stops.
///
/// Callbacks are called one at a time, between steps, and training waits for them. What they throw ends the run as
/// failed; its last checkpoint stays.
public struct TrainingCallbacks: Sendable {
    /// What happens after a callback.
    public enum Decision: Sendable, Equatable {
        /// Training goes on.
        case goOn
        /// Training ends as if all its steps were made; the reason is recorded.
        case stop(String)
    }

    /// Called after each optimizer step.
    public var stepEnd: (@Sendable (StepMetrics) throws -> Decision)?
    /// Called after each epoch, once it is evaluated.
    public var epochEnd: (@Sendable (EpochSummary) throws -> Decision)?

    /// Callbacks; none where left out.
    public init(
        stepEnd: (@Sendable (StepMetrics) throws -> Decision)? = nil,
        epochEnd: (@Sendable (EpochSummary) throws -> Decision)? = nil
    ) {
        (self.stepEnd, self.epochEnd) = (stepEnd, epochEnd)
    }
}

/// What is known at the end of an epoch.
public struct EpochSummary: Sendable {
    /// The epoch, from 1.
    public var epoch: Int
    /// The step it ended with.
    public var step: Int
    /// The mean loss of its batches.
    public var meanLoss: Double
    /// The loss on the validation data, where there are some.
    public var validationLoss: Double?
    /// The metrics on the validation data, where there are some.
    public var metrics: [(name: String, value: Double)]
}

/// ``TrainingCallbacks`` that may wait: for a server, a file, another task.
public struct AsyncTrainingCallbacks: Sendable {
    /// Called after each optimizer step.
    public var stepEnd: (@Sendable (StepMetrics) async throws -> TrainingCallbacks.Decision)?
    /// Called after each epoch, once it is evaluated.
    public var epochEnd: (@Sendable (EpochSummary) async throws -> TrainingCallbacks.Decision)?

    /// Callbacks; none where left out.
    public init(
        stepEnd: (@Sendable (StepMetrics) async throws -> TrainingCallbacks.Decision)? = nil,
        epochEnd: (@Sendable (EpochSummary) async throws -> TrainingCallbacks.Decision)? = nil
    ) {
        (self.stepEnd, self.epochEnd) = (stepEnd, epochEnd)
    }

    /// The same for a thread that can block: never one of Swift's own.
    func blocking() -> TrainingCallbacks {
        var result = TrainingCallbacks()
        if let stepEnd {
            result.stepEnd = { metrics in try Waiting.wait { try await stepEnd(metrics) } }
        }
        if let epochEnd {
            result.epochEnd = { summary in try Waiting.wait { try await epochEnd(summary) } }
        }
        return result
    }
}
