internal import Synchronization

/// Adds up what arrives and passes news on, one at a time.
final class HubNews: Sendable {
    private struct State {
        var expected: [String: Int?] = [:]
        var done: [String: Int] = [:]
        var lastReport: ContinuousClock.Instant?
    }

    private let repository: String
    private let report: @Sendable (HubEvent) -> Void
    private let state = Mutex(State())
    /// Held while a caller's closure runs.
    private let turn = Mutex(())

    init(repository: String, report: @escaping @Sendable (HubEvent) -> Void) {
        self.repository = repository
        self.report = report
    }

    func warning(_ text: String) { turn.withLock { _ in report(.warning(text)) } }
    func waiting(_ text: String) { turn.withLock { _ in report(.waiting(text)) } }

    /// Says that `file` will be fetched.
    func expect(_ file: String, size: Int?) {
        state.withLock { state in
            state.expected[file] = size
            if state.done[file] == nil { state.done[file] = 0 }
        }
    }

    /// Says that `bytes` bytes of `file` are here. Passed on ten times a second, and always with `isLast`.
    func progress(_ file: String, bytes: Int, size: Int?, isLast: Bool = false) {
        turn.withLock { _ in
            let progress = state.withLock { state -> HubProgress? in
                state.done[file] = bytes
                state.expected[file] = size
                let now = ContinuousClock.now
                if !isLast, let last = state.lastReport, now - last < .milliseconds(100) {
                    return nil
                }
                state.lastReport = now
                var total: Int? = 0
                for size in state.expected.values {
                    guard let sum = total, let size else {
                        total = nil
                        break
                    }
                    let (next, overflow) = sum.addingReportingOverflow(size)
                    total = overflow ? nil : next
                }
                return HubProgress(
                    repository: repository, file: file, fileBytes: bytes, fileSize: size,
                    bytes: state.done.values.reduce(0, &+), size: total)
            }
            if let progress { report(.progress(progress)) }
        }
    }
}
