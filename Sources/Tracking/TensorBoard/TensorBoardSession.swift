internal import Files

extension TensorBoardTracker {
    /// One start of a run, written to one event file.
    struct Session {
        /// The last value of a series.
        private struct Last {
            var step: Int
            var bits: UInt32
        }

        private var writer: EventWriter
        private var lastWrite: Double
        /// The first step that this session is about; earlier files are void from here.
        private let firstStep: Int
        /// The last step that was made.
        private var lastStep: Int
        /// By the name of the series in UTF-8.
        private var lastValues: [[UInt8]: Last] = [:]
        private var messages: [String] = []
        private var messageStep: Int
        private var hasNewMessages = false

        /// Opens the event file and puts into it what is known at the start.
        init(
            _ info: RunInfo, early: [RunEvent], folder: String, origin: Origin, now: Double
        ) throws(FileError) {
            writer = try EventWriter(folder: folder, now: now, origin: origin)
            lastWrite = now
            let isResumed = info.resumedFromStep > 0
            firstStep = isResumed ? info.resumedFromStep + 1 : 0
            lastStep = info.resumedFromStep
            messageStep = firstStep
            writer.append(TensorBoardEvent.version(time: now))
            writer.append(TensorBoardEvent.sessionStart(time: now, step: firstStep))
            writer.append(
                TensorBoardEvent.hyperParameters(
                    RunSettings.hyperParameters(info), time: now, step: firstStep))
            for (tag, table) in [
                (Tags.configuration, RunSettings.configurationTable(info)),
                (Tags.environment, RunSettings.environmentTable(info)),
            ] {
                writer.append(TensorBoardEvent.text(tag, table, time: now, step: firstStep))
            }
            for event in early { add(event, now: now) }
            say(Session.beginning(info), now: now)
        }

        private static func beginning(_ info: RunInfo) -> String {
            let verb =
                info.resumedFromStep > 0 ? "Resumed after step \(info.resumedFromStep)" : "Started"
            // A stream that was not counted has no known end.
            return info.totalSteps == .max ? verb : "\(verb): \(info.totalSteps) steps in all"
        }

        /// The event file.
        var path: String { writer.path }

        /// Puts `event` into the buffer.
        mutating func add(_ event: RunEvent, now: Double) {
            switch event {
            case .started, .data, .examples: break
            case .step(let metrics):
                lastStep = metrics.step
                add(Tags.values(of: metrics), step: metrics.step, now: now)
            case .epochFinished(_, let meanLoss):
                add([(Tags.epochLoss, meanLoss)], step: lastStep, now: now)
            case .validation(_, let step, let loss):
                add([(Tags.validationLoss, loss)], step: step, now: now)
            case .evaluation(let metrics):
                add(Tags.values(of: metrics), step: metrics.step, now: now)
            case .checkpoint(let step, let path, let bytes):
                say("Checkpoint at step \(step): \(path) (\(NumberText.bytes(bytes)))", now: now)
            case .modelSaved(let path): say("Saved model to \(path)", now: now)
            case .message(let level, let text):
                say(level == .info ? text : "\(level.rawValue): \(text)", now: now)
            case .finished(let status, let seconds, let message):
                let reason = message.isEmpty ? "" : ": \(message)"
                say(
                    "Training \(status.rawValue) after \(NumberText.clock(seconds))\(reason)",
                    now: now)
                // TensorBoard keeps the first end of a run that it finds; the others may be gone on with.
                if status == .finished {
                    writer.append(TensorBoardEvent.sessionEnd(time: now, step: lastStep))
                }
            }
        }

        /// Whether the buffer should be written after `event`.
        func isDue(_ event: RunEvent, _ batching: Batching, now: Double) -> Bool {
            switch event {
            case .data, .examples: return false
            case .step, .message, .checkpoint, .modelSaved:
                // A clock that went back is no reason to wait for long.
                let waited = now - lastWrite
                let held = writer.pending + (hasNewMessages ? 1 : 0)
                return held >= batching.events || !(0..<batching.seconds).contains(waited)
            default: return true
            }
        }

        /// Writes the buffer to the file.
        mutating func write(now: Double) throws(FileError) {
            note(now: now)
            lastWrite = now
            try writer.write()
        }

        /// Writes the buffer to the file, brings that to disk and closes it.
        mutating func close(now: Double) throws(FileError) {
            note(now: now)
            try writer.close()
        }

        private mutating func add(
            _ values: [(tag: TensorBoardTag, value: Double)], step: Int, now: Double
        ) {
            var scalars: [TensorBoardEvent.Scalar] = []
            for (tag, value) in values {
                let number = Float(value)
                let last = lastValues[tag.name]
                // The evaluation after the last epoch may be told again as that after training.
                if let last, last.step == step, last.bits == number.bitPattern { continue }
                lastValues[tag.name] = Last(step: step, bits: number.bitPattern)
                scalars.append(
                    TensorBoardEvent.Scalar(tag: tag, value: number, isFirst: last == nil))
            }
            if !scalars.isEmpty {
                writer.append(TensorBoardEvent.scalars(scalars, time: now, step: step))
            }
        }

        // MARK: Messages

        /// Adds a message, which belongs to the step that was just made.
        private mutating func say(_ text: String, now: Double) {
            let step = max(firstStep, lastStep)
            if step != messageStep {
                note(now: now)
                messages = []
                messageStep = step
            }
            messages.append(text)
            hasNewMessages = true
        }

        /// Puts the messages of a step into the buffer if one is new, all in one text: of several texts of one step
        /// TensorBoard shows the last alone.
        private mutating func note(now: Double) {
            guard hasNewMessages else { return }
            hasNewMessages = false
            // Many messages of one step do not fill the disk with repetitions: the oldest are left out.
            var lines = messages[...]
            var size = lines.reduce(0) { $0 + $1.utf8.count }
            while lines.count > 1, size > 1 << 16 {
                size -= lines.removeFirst().utf8.count
            }
            if lines.count < messages.count { messages = ["..."] + lines }
            writer.append(
                TensorBoardEvent.text(
                    Tags.messages, MarkdownText.block(messages), time: now, step: messageStep))
        }
    }
}
