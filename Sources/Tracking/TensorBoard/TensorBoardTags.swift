extension TensorBoardTracker {
    /// The series of a run.
    enum Tags {
        static let loss = TensorBoardTag("train/loss", "The loss of the step's batch.")
        static let meanLoss = TensorBoardTag(
            "train/mean_loss", "The mean loss of the epoch so far.")
        static let learningRate = TensorBoardTag(
            "train/learning_rate", "The learning rate of the step.")
        static let gradientNorm = TensorBoardTag(
            "train/grad_norm", "The L2 norm over all gradients, before clipping.")
        static let tokens = TensorBoardTag(
            "train/tokens", "Tokens in the step's batch, after truncation.")
        static let tokensPerSecond = TensorBoardTag(
            "train/tokens_per_second", "Tokens of the step's batch by the seconds it took.")
        static let truncatedTexts = TensorBoardTag(
            "train/truncated_texts",
            "Texts of the step's batch that were cut to the maximum length.")
        static let epoch = TensorBoardTag("train/epoch", "The epoch of the step, from 1.")
        static let epochLoss = TensorBoardTag(
            "train/epoch_loss", "The mean loss of a whole epoch, at its last step.")
        static let validationLoss = TensorBoardTag(
            "validation/loss", "The loss over the validation rows.")
        static let configuration = TensorBoardTag(
            "configuration", "The configuration of the run, and what was settled at its start.")
        static let environment = TensorBoardTag("environment", "What the run ran on.")
        static let messages = TensorBoardTag("messages", "What the run said, by step.")

        /// The numbers of a step.
        static func values(of metrics: StepMetrics) -> [(tag: TensorBoardTag, value: Double)] {
            var values = [
                (tag: loss, value: metrics.loss), (meanLoss, metrics.meanLoss),
                (learningRate, metrics.learningRate),
            ]
            if let norm = metrics.gradientNorm { values.append((gradientNorm, norm)) }
            values.append((tokens, Double(metrics.tokens)))
            if metrics.seconds > 0 {
                values.append((tokensPerSecond, Double(metrics.tokens) / metrics.seconds))
            }
            values.append((truncatedTexts, Double(metrics.truncatedTexts)))
            values.append((epoch, Double(metrics.epoch)))
            return values
        }

        /// The numbers of an evaluation.
        static func values(
            of metrics: EvaluationMetrics
        ) -> [(tag: TensorBoardTag, value: Double)] {
            let values = metrics.values.map { metric in
                let name = "\(metrics.dataset)/\(metric.name)"
                let summary = "\(metric.name) over the \(metrics.dataset) rows."
                return (tag: TensorBoardTag(name, summary), value: metric.value)
            }
            let gains = metrics.gains.flatMap { gain in
                let name = "\(metrics.dataset)/\(gain.name)_gain"
                let share = NumberText.shortest((gain.confidence * 1e6).rounded() / 1e4)
                let percent = share.hasSuffix(".0") ? String(share.dropLast(2)) : share
                let end = "end of the \(percent) % confidence interval of the gain."
                return [
                    (
                        tag: TensorBoardTag(name, "\(gain.name) less its value before training."),
                        value: gain.difference
                    ),
                    (TensorBoardTag(name + "_low", "The lower \(end)"), gain.low),
                    (TensorBoardTag(name + "_high", "The upper \(end)"), gain.high),
                ]
            }
            return values + gains
        }
    }
}
