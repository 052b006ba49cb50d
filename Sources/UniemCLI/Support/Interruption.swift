import Dispatch
import Synchronization
import Uniem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A run ended because a signal asked for it; everything has been said.
struct Interruption: Error {
    /// 128 and the number of the signal, as shells count.
    var status: Int32
}

/// Turns the first Ctrl-C or SIGTERM into a ``StopRequest``; the second ends the process at once.
final class InterruptWatch {
    /// The number of the signal that came; 0 before.
    private final class Caught: Sendable {
        let number = Atomic<Int32>(0)
    }

    /// Raised by the first signal.
    let stop = StopRequest()
    private let caught = Caught()
    private var sources: [any DispatchSourceSignal] = []

    /// Watches from now on where `context` says that signals are this program's.
    init(_ context: Context) {
        guard context.handlesSignals else { return }
        // A reader of --json that goes away must not take the training with it: writing fails instead.
        _ = signal(SIGPIPE, SIG_IGN)
        let queue = DispatchQueue(label: "uniem.signals")
        for number in [SIGINT, SIGTERM] {
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [stop, caught] in
                if caught.number.load(ordering: .relaxed) != 0 { _exit(128 + number) }
                caught.number.store(number, ordering: .relaxed)
                stop.raise()
                context.say("\nStopping after this step; once more to stop at once")
            }
            source.activate()
            sources.append(source)
        }
    }

    /// Ends watching; the signals do again what they do by default.
    func end() {
        if sources.isEmpty { return }
        for source in sources { source.cancel() }
        sources = []
        for number in [SIGINT, SIGTERM] { _ = signal(number, SIG_DFL) }
    }

    /// What the caught signal makes of the run; SIGINT where the request came from elsewhere.
    var interruption: Interruption {
        let number = caught.number.load(ordering: .relaxed)
        return Interruption(status: 128 + (number == 0 ? SIGINT : number))
    }
}
