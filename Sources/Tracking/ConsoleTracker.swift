internal import Synchronization

/// Tells a person how the run goes: uniem's lines, and a progress bar an epoch.
///
/// In a terminal the bar is drawn in place, at most ten times a second. Elsewhere (a log file) a line with the same
/// numbers is written whenever another tenth of the epoch is done or ten seconds have passed.
public final class ConsoleTracker: RunTracker {
    /// Where the lines go and what it looks like there.
    public struct Console: Sendable {
        /// Takes text as it is; no line feed is added.
        public var sink: @Sendable (String) -> Void
        /// Seconds since any fixed moment.
        public var clock: @Sendable () -> Double
        /// The width in columns, asked each time the bar is drawn; 0 where unknown.
        public var columns: @Sendable () -> Int
        /// Whether a line can be drawn over.
        public var isTerminal: Bool
        /// What the bar is drawn with.
        public var style: ProgressBar.Style

        /// Describes a console.
        public init(
            sink: @escaping @Sendable (String) -> Void,
            clock: @escaping @Sendable () -> Double,
            columns: @escaping @Sendable () -> Int = { 80 },
            isTerminal: Bool, style: ProgressBar.Style
        ) {
            self.sink = sink
            self.clock = clock
            self.columns = columns
            self.isTerminal = isTerminal
            self.style = style
        }

        /// Standard error. What cannot be written there is lost: progress is no result.
        public static var standardError: Console {
            let origin = ContinuousClock.now
            return Console(
                sink: { try? StandardStream.error.write($0) },
                clock: { (ContinuousClock.now - origin) / .seconds(1) },
                columns: { StandardStream.error.columns },
                isTerminal: StandardStream.error.isTerminal,
                style: StandardStream.isUTF8 ? .blocks : .ascii)
        }
    }

    private struct State {
        var info: RunInfo?
        var bar: ProgressBar?
        var barStart = 0.0
        var barEpoch = 0
        /// When the bar was drawn, or a plain line written; and at which tenth.
        var lastDrawn = -Double.infinity
        var lastTenth = 0
        /// How many columns the drawn bar covers.
        var drawnWidth = 0
        /// The clock when the last step ended; a new epoch's bar starts there.
        var lastStepEnd: Double?
        var saidFinished = false
    }

    private static let redrawInterval = 0.1
    private static let plainInterval = 10.0

    private let console: Console
    private let state = Mutex(State())

    /// Writes to `console`.
    public init(_ console: Console = .standardError) { self.console = console }

    /// Shows `event`. Never throws.
    public func track(_ event: RunEvent) { state.withLock { show(event, &$0) } }

    /// Ends the line of a bar that is still drawn.
    public func finish() { state.withLock { closeBar(&$0) } }

    private func show(_ event: RunEvent, _ state: inout State) {
        switch event {
        case .started(let info):
            state = State(info: info, lastStepEnd: console.clock())
            for line in ConsoleTracker.openingLines(info) { self.line(line, &state) }
        case .step(let metrics): step(metrics, &state)
        case .epochFinished: closeBar(&state)
        case .validation(let epoch, _, let loss):
            line("Epoch \(epoch) Validation loss: \(NumberText.fixed(loss, decimals: 4))", &state)
        case .evaluation(let metrics): line(ConsoleTracker.text(metrics), &state)
        case .data, .examples: break
        case .checkpoint(let step, let path, let bytes):
            line("Checkpoint at step \(step): \(path) (\(NumberText.bytes(bytes)))", &state)
        case .modelSaved(let path):
            sayFinished(&state)
            line("Saving model to \(path)", &state)
        case .message(let level, let text):
            line(level == .info ? text : "\(level.rawValue): \(text)", &state)
        case .finished(let status, let seconds, let message):
            closeBar(&state)
            if status == .finished {
                sayFinished(&state)
                if !message.isEmpty { line(message, &state) }
            } else {
                let reason = message.isEmpty ? "" : ": \(message)"
                line(
                    "Training \(status.rawValue) after \(NumberText.clock(seconds))\(reason)",
                    &state)
            }
        }
    }

    private static func openingLines(_ info: RunInfo) -> [String] {
        var lines = [
            "Batch size: \(info.batchSize)",
            "Start with seed: \(info.seed)",
            "Output dir: \(info.directory)",
            "Learning rate: \(NumberText.shortest(info.learningRate))",
            "Start training for \(info.epochs) epochs",
        ]
        if info.resumedFromStep > 0 {
            lines.append("Resuming after step \(info.resumedFromStep) of \(info.totalSteps)")
        }
        return lines
    }

    private static func text(_ metrics: EvaluationMetrics) -> String {
        let moment =
            switch metrics.phase {
            case .before: "Before training"
            case .step: "Step \(metrics.step)"
            case .epoch: "Epoch \(metrics.epoch)"
            case .after: "After training"
            }
        // Of many metrics the first ones: the record has all.
        let values = metrics.values.prefix(4).map {
            "\($0.name) \(NumberText.fixed($0.value, decimals: 4))"
        }
        let gains = metrics.gains.map { gain in
            let numbers = [gain.difference, gain.low, gain.high].map {
                ($0 >= 0 ? "+" : "") + NumberText.fixed($0, decimals: 4)
            }
            let share = NumberText.shortest((gain.confidence * 1e6).rounded() / 1e4)
            let percent = share.hasSuffix(".0") ? String(share.dropLast(2)) : share
            return "; \(gain.name) \(numbers[0]) "
                + "(\(percent) % interval \(numbers[1]) to \(numbers[2]))"
        }
        return "\(moment) \(metrics.dataset) (\(metrics.rows) rows): "
            + values.joined(separator: ", ") + gains.joined()
    }

    private func sayFinished(_ state: inout State) {
        if state.saidFinished { return }
        state.saidFinished = true
        closeBar(&state)
        line("Training finished", &state)
    }

    // MARK: The bar

    private func step(_ metrics: StepMetrics, _ state: inout State) {
        guard let info = state.info else { return }
        let now = console.clock()
        // Where the length of an epoch is unknown the bar is that of the whole run.
        let perEpoch = info.stepsPerEpoch > 0 ? info.stepsPerEpoch : info.totalSteps
        let epochStart = info.stepsPerEpoch > 0 ? (metrics.epoch - 1) * perEpoch : 0
        let done = max(0, metrics.step - epochStart)
        if state.bar == nil || state.barEpoch != metrics.epoch {
            closeBar(&state)
            state.barEpoch = metrics.epoch
            state.barStart = state.lastStepEnd ?? now
            state.lastDrawn = console.isTerminal ? -Double.infinity : state.barStart
            let before = max(0, done - 1)
            state.bar = ProgressBar(
                description: "", done: before,
                total: max(done, min(perEpoch, info.totalSteps - epochStart)),
                initial: before, elapsed: 0)
            state.lastTenth = ConsoleTracker.tenth(state.bar)
        }
        if var bar = state.bar {
            let loss = NumberText.fixed(metrics.meanLoss, decimals: 4)
            bar.description = "Epoch \(metrics.epoch)/\(info.epochs) - loss: \(loss)"
            bar.done = max(done, bar.initial)
            bar.elapsed = now - state.barStart
            state.bar = bar
        }
        state.lastStepEnd = now
        if console.isTerminal {
            if now - state.lastDrawn >= ConsoleTracker.redrawInterval { draw(&state, now) }
        } else {
            let isDue = now - state.lastDrawn >= ConsoleTracker.plainInterval
            if isDue || ConsoleTracker.tenth(state.bar) > state.lastTenth { draw(&state, now) }
        }
    }

    private static func tenth(_ bar: ProgressBar?) -> Int {
        guard let bar, bar.total > 0 else { return 0 }
        return bar.done * 10 / bar.total
    }

    private func draw(_ state: inout State, _ now: Double) {
        guard let bar = state.bar else { return }
        state.lastDrawn = now
        state.lastTenth = ConsoleTracker.tenth(bar)
        guard console.isTerminal else {
            console.sink(bar.plainText + "\n")
            return
        }
        // The last column stays free: some terminals wrap when it is written.
        let columns = console.columns()
        let text = bar.text(width: columns > 1 ? columns - 1 : 0, style: console.style)
        let width = text.unicodeScalars.count
        let rest = String(repeating: " ", count: max(0, state.drawnWidth - width))
        console.sink("\r" + text + rest)
        state.drawnWidth = width
    }

    /// Draws the bar a last time and leaves it on its line.
    private func closeBar(_ state: inout State) {
        guard let bar = state.bar else { return }
        if console.isTerminal {
            draw(&state, console.clock())
            console.sink("\n")
        } else if bar.done < bar.total {
            draw(&state, console.clock())
        }
        state.bar = nil
        state.drawnWidth = 0
    }

    /// Writes a line; a bar that is drawn moves down below it, or stays above where it is full.
    private func line(_ text: String, _ state: inout State) {
        if let bar = state.bar, bar.done >= bar.total { closeBar(&state) }
        guard console.isTerminal, state.drawnWidth > 0 else {
            console.sink(text + "\n")
            return
        }
        console.sink("\r" + String(repeating: " ", count: state.drawnWidth) + "\r" + text + "\n")
        state.drawnWidth = 0
        draw(&state, console.clock())
    }
}
