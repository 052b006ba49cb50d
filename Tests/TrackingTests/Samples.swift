import Files
import Synchronization
import Tracking

/// Collects what trackers write.
final class Recorder: Sendable {
    private let parts = Mutex<[String]>([])
    var pieces: [String] { parts.withLock { $0 } }
    var text: String { pieces.joined() }
    func take(_ text: String) { parts.withLock { $0.append(text) } }
}

/// A clock that goes when it is told to.
final class HandClock: Sendable {
    private let seconds = Mutex(1000.0)
    var now: Double { seconds.withLock { $0 } }
    func advance(_ by: Double) { seconds.withLock { $0 += by } }
}

enum Samples {
    static func info(
        epochs: Int = 3, stepsPerEpoch: Int = 82, totalSteps: Int? = nil, resumedFromStep: Int = 0
    ) -> RunInfo {
        RunInfo(
            id: "2026-11-23_184501_m3e-small_stsb_7f3a", name: "first try",
            directory: "Runs/2026-11-23_184501_m3e-small_stsb_7f3a", model: "moka-ai/m3e-small",
            dataset: "stsb.jsonl", recordKind: "scored_pair", strategy: "full", loss: "cosent",
            trainRows: 1312, validationRows: 100, batchSize: 16, learningRate: 0.0001, seed: 42,
            epochs: epochs, stepsPerEpoch: stepsPerEpoch,
            totalSteps: totalSteps ?? epochs * stepsPerEpoch, resumedFromStep: resumedFromStep,
            parameters: 24_000_000, trainableParameters: 24_000_000, threads: 2,
            configuration: ["optimizer": ["weight_decay": 0.001], "epochs": 3],
            environment: ["swift": "6.3"])
    }

    static func step(_ step: Int, epoch: Int = 1, loss: Double = 0.25) -> RunEvent {
        .step(
            StepMetrics(
                step: step, epoch: epoch, loss: loss, meanLoss: loss, learningRate: 3e-5,
                gradientNorm: 1.5, rows: 16, tokens: 512, truncatedTexts: 1, seconds: 0.5))
    }

    static func console(_ recorder: Recorder, _ clock: HandClock, columns: Int = 80, terminal: Bool)
        -> ConsoleTracker
    {
        ConsoleTracker(
            ConsoleTracker.Console(
                sink: { recorder.take($0) }, clock: { clock.now }, columns: { columns },
                isTerminal: terminal, style: .ascii))
    }
}

/// What a terminal shows after `text`: `\r` goes back to the start of the line, later characters replace.
func screen(_ text: String) -> [String] {
    var lines: [[Unicode.Scalar]] = [[]]
    var column = 0
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\r": column = 0
        case "\n":
            lines.append([])
            column = 0
        default:
            let row = lines.count - 1
            if column < lines[row].count {
                lines[row][column] = scalar
            } else {
                lines[row].append(scalar)
            }
            column += 1
        }
    }
    return lines.map { line in
        var text = String(String.UnicodeScalarView(line))
        while text.last == " " { text.removeLast() }
        return text
    }
}
