internal import Files
internal import Tracking

/// The steps and evaluations of a run in its own folder, `history.jsonl`: a JSON object a line, as `--json` prints them.
///
/// It goes where the folder goes, so that the database of another machine can be filled from it. Lines are held back
/// and brought to disk before a checkpoint appears: a checkpoint's past is always complete.
final class RunHistory {
    /// The file in the folder of the run.
    static let fileName = "history.jsonl"

    private let file: AppendingFile
    private var lines = ""
    private var held = 0

    /// Opens the history in `folder`, or begins one.
    init(folder: String) throws(FileError) {
        file = try AppendingFile(path: folder + "/" + RunHistory.fileName)
    }

    /// Notes `event`, where it is of a step or an evaluation.
    func track(_ event: RunEvent) throws(FileError) {
        switch event {
        case .step, .evaluation: break
        default: return
        }
        lines += event.json.compactText + "\n"
        held += 1
        if held >= 200 { try write() }
    }

    /// Brings all that was noted to disk.
    func flush() throws(FileError) {
        try write()
        try file.synchronize()
    }

    private func write() throws(FileError) {
        if lines.isEmpty { return }
        try file.append(lines)
        (lines, held) = ("", 0)
    }

    /// Leaves only what happened up to `step` in the history of `folder`, and returns its steps and evaluations in
    /// order.
    ///
    /// A line that is cut off, or no line of a history, ends what is read: it was written after the last checkpoint.
    static func rewind(
        folder: String, to step: Int
    ) throws(FileError) -> (steps: [StepMetrics], evaluations: [EvaluationMetrics]) {
        let path = folder + "/" + fileName
        guard FileBytes.exists(path) else { return ([], []) }
        var (steps, evaluations): ([StepMetrics], [EvaluationMetrics]) = ([], [])
        var kept: [UInt8] = []
        for line in try FileBytes.read(path).split(separator: 0x0A) {
            guard let json = try? JSON(parsing: Array(line)) else { break }
            switch json["event"]?.string {
            case "step":
                guard let metrics = StepMetrics(json), metrics.step <= step else { continue }
                steps.append(metrics)
            case "evaluation":
                guard let metrics = EvaluationMetrics(json), metrics.step <= step else { continue }
                evaluations.append(metrics)
            default: continue
            }
            kept += line + [0x0A]
        }
        try FileBytes.writeAtomically(kept, to: path)
        return (steps, evaluations)
    }
}

extension StepMetrics {
    /// The step of an event that ``RunEvent/json`` wrote.
    fileprivate init?(_ json: JSON) {
        guard let step = json["step"]?.int, let epoch = json["epoch"]?.int,
            let rate = json["lr"]?.double, let rows = json["rows"]?.int,
            let tokens = json["tokens"]?.int
        else { return nil }
        self.init(
            step: step, epoch: epoch, loss: json["loss"]?.double ?? .nan,
            meanLoss: json["mean_loss"]?.double ?? .nan, learningRate: rate,
            gradientNorm: json["grad_norm"]?.double, rows: rows, tokens: tokens,
            truncatedTexts: json["truncated"]?.int ?? 0, seconds: json["seconds"]?.double ?? 0)
    }
}

extension EvaluationMetrics {
    /// The evaluation of an event that ``RunEvent/json`` wrote.
    fileprivate init?(_ json: JSON) {
        guard let phase = json["phase"]?.string.flatMap(Phase.init(rawValue:)),
            let epoch = json["epoch"]?.int, let step = json["step"]?.int,
            let dataset = json["dataset"]?.string, let rows = json["rows"]?.int
        else { return nil }
        let known = ["event", "phase", "epoch", "step", "dataset", "rows", "gains"]
        let values = (json.members ?? []).filter { !known.contains($0.key) }
            .map { (name: $0.key, value: $0.value.double ?? .nan) }
        let gains = (json["gains"]?.array ?? []).compactMap { gain -> MetricGain? in
            guard let name = gain["name"]?.string, let difference = gain["difference"]?.double
            else { return nil }
            return MetricGain(
                name: name, difference: difference, low: gain["low"]?.double ?? .nan,
                high: gain["high"]?.double ?? .nan,
                confidence: gain["confidence"]?.double ?? 0.95)
        }
        self.init(
            phase: phase, epoch: epoch, step: step, dataset: dataset, rows: rows, values: values,
            gains: gains)
    }
}
