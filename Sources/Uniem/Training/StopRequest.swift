internal import Synchronization

/// Asks a running training to stop after its present step; may be raised from anywhere, such as a signal handler.
public final class StopRequest: Sendable {
    private let flag = Atomic<Bool>(false)

    /// Not raised.
    public init() {}

    /// Asks to stop.
    public func raise() { flag.store(true, ordering: .relaxed) }

    /// Whether it was raised.
    public var isRaised: Bool { flag.load(ordering: .relaxed) }
}
