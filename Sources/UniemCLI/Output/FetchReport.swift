import Synchronization
import Tracking
import Uniem

/// Says on the console what is fetched from the hub: a line for each file, and for each tenth of a large one; on a
/// terminal one line that is drawn over.
final class FetchReport: Sendable {
    private struct State {
        var file = ""
        var tenth = -1
        var isLineOpen = false
    }

    private let console: ConsoleTracker.Console
    private let state = Mutex(State())

    init(_ console: ConsoleTracker.Console) { self.console = console }

    func report(_ event: HubEvent) {
        state.withLock { state in
            switch event {
            case .warning(let text), .waiting(let text):
                closeLine(&state)
                console.sink("note: \(text)\n")
            case .progress(let progress): show(progress, &state)
            }
        }
    }

    /// Ends a line that is being drawn over.
    func finish() { state.withLock { closeLine(&$0) } }

    private func show(_ progress: HubProgress, _ state: inout State) {
        let isNew = state.file != progress.file
        let share = progress.fileSize.map { $0 > 0 ? 10 * progress.fileBytes / $0 : 10 } ?? 0
        guard isNew || share != state.tenth || console.isTerminal else { return }
        if isNew { closeLine(&state) }
        (state.file, state.tenth) = (progress.file, share)
        let done = NumberText.bytes(progress.fileBytes)
        let size = progress.fileSize.map { " of " + NumberText.bytes($0) } ?? ""
        let line = "Fetching \(progress.repository) \(progress.file): \(done)\(size)"
        if console.isTerminal {
            console.sink("\r\u{1B}[K" + line)
            state.isLineOpen = true
        } else {
            console.sink(line + "\n")
        }
    }

    private func closeLine(_ state: inout State) {
        if state.isLineOpen { console.sink("\n") }
        state.isLineOpen = false
    }
}
