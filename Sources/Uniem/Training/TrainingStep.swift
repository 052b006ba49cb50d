package import Embedders
package import Records
package import Tensors

/// A training step by itself, outside of a run: what ``Trainer`` does with a batch but for records and callbacks.
///
/// For benchmarks, which want to know where its time goes.
package final class TrainingStep {
    /// What a step was.
    package struct Outcome: Sendable {
        /// The loss of the batch.
        package var loss: Double
        /// The tokens of all its texts.
        package var tokens: Int
        /// Seconds of texts becoming tokens.
        package var tokenizing = 0.0
        /// Seconds of forward pass, loss and backward pass.
        package var gradients = 0.0
        /// Seconds of the norm of all gradients.
        package var norm = 0.0
        /// Seconds of the optimizer.
        package var optimizer = 0.0

        /// Seconds of the whole step.
        package var seconds: Double { tokenizing + gradients + norm + optimizer }
    }

    private let embedder: Embedder
    private let loss: any EmbeddingLoss
    private let configuration: TrainingConfiguration
    private let pool: WorkerPool
    private let tokens: TokenCache
    private let engine: StepEngine
    private let optimizer: AdamW
    private let clock = ContinuousClock()

    /// Steps of `embedder`, which learns as `configuration` says; the strategy is applied to it.
    ///
    /// - Parameter remembersTokens: whether a text that comes again is not tokenised again, as in later epochs.
    package init(
        _ embedder: Embedder, loss: any EmbeddingLoss, configuration: TrainingConfiguration,
        remembersTokens: Bool = false, pool: WorkerPool
    ) throws {
        (self.embedder, self.loss, self.configuration) = (embedder, loss, configuration)
        self.pool = pool
        try configuration.strategy.apply(to: embedder)
        tokens = TokenCache(
            embedder: embedder, maxLength: configuration.maxLength, prompt: configuration.prompt,
            remembers: remembersTokens)
        engine = StepEngine(embedder, tokens: tokens, configuration, pool: pool)
        optimizer = configuration.optimizer(of: embedder.store)
    }

    /// Learns from `records`; `number` is that of the step, from 0. Traps on records of another kind than the loss's.
    package func callAsFunction(_ records: Records, number: Int) -> Outcome {
        let start = clock.now
        let texts = tokens.columns(of: records)
        let seconds = (clock.now - start) / .seconds(1)
        var outcome = self(columns: texts.columns, labels: records.labels, number: number)
        outcome.tokenizing = seconds
        return outcome
    }

    /// Learns from texts given as token ids, column by column.
    package func callAsFunction(
        columns: [[[Int32]]], labels: [Double]?, number: Int
    ) -> Outcome {
        let batch = StepEngine.Batch(
            columns: columns, labels: labels, loss: loss,
            seed: SplitMix64.draw(configuration.seed, UInt64(number)))
        var marks = [clock.now]
        let result = engine.step([batch], tellsRows: configuration.recordsExamples)
        marks.append(clock.now)
        _ = engine.norm(of: result.gradients)
        marks.append(clock.now)
        optimizer.step(
            result.gradients, rate: configuration.learningRate ?? 1e-5, pool: pool)
        marks.append(clock.now)
        let seconds = zip(marks, marks.dropFirst()).map { ($1 - $0) / .seconds(1) }
        return Outcome(
            loss: result.loss,
            tokens: columns.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } },
            gradients: seconds[0], norm: seconds[1], optimizer: seconds[2])
    }
}
