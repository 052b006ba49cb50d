internal import Files

/// Where a run stands after a step: with the weights and the optimizer's moments all that the next step depends on.
struct TrainingState: Equatable {
    /// Optimizer steps that were made.
    var step = 0
    /// The epoch that is under way, from 1.
    var epoch = 1
    /// Batches of the epoch that are done; several make a step where gradients are accumulated.
    var batchesDone = 0
    /// The sum of the losses of these batches.
    var epochLossSum = 0.0
    /// The best value of the metric that chooses the model, and the step it was measured after.
    var best: Best?
    /// Evaluations since then.
    var evaluationsWithoutGain = 0
    /// The step of the last evaluation that counted.
    var measuredStep = 0
    /// Why no further step is made before all epochs are done.
    var stopReason: String?

    /// The best evaluation so far.
    struct Best: Equatable {
        var step: Int
        var value: Double
    }

    /// The state as `state.json`.
    var json: JSON {
        [
            "version": 1, "step": .int(step), "epoch": .int(epoch),
            "batches_done": .int(batchesDone), "epoch_loss_sum": .double(epochLossSum),
            "best": best.map { ["step": .int($0.step), "value": .double($0.value)] } ?? .null,
            "evaluations_without_gain": .int(evaluationsWithoutGain),
            "measured_step": .int(measuredStep),
            "stop_reason": .optional(stopReason),
        ]
    }

    init() {}

    /// Reads the file at `path`; throws a ``FileError`` for what is no state.
    init(contentsOf path: String) throws(FileError) {
        let json = try JSON(contentsOf: path)
        func number(_ key: String) throws(FileError) -> Int {
            guard let value = json[key]?.int, value >= 0 else {
                throw FileError(
                    path: path,
                    problem:
                        "\(key): expected a whole number, found \(json[key]?.text() ?? "nothing")",
                    remedy: "the file was changed; use an older checkpoint")
            }
            return value
        }
        step = try number("step")
        epoch = max(1, try number("epoch"))
        batchesDone = try number("batches_done")
        epochLossSum = json["epoch_loss_sum"]?.double ?? 0
        if let step = json["best"]?["step"]?.int, let value = json["best"]?["value"]?.double {
            best = Best(step: step, value: value)
        }
        evaluationsWithoutGain = try number("evaluations_without_gain")
        measuredStep = try number("measured_step")
        stopReason = json["stop_reason"]?.string
    }
}
