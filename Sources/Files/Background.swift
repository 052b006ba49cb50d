internal import Dispatch
internal import Synchronization

/// Work that goes on in a thread of its own while the caller does something else.
///
/// It begins at once, and goes on to its end whether or not anyone asks for its result.
public final class Background<Value: Sendable>: Sendable {
    private let result: Mutex<Result<Value, any Error>?>
    private let group = DispatchGroup()

    /// Begins `body`.
    public init(_ body: @escaping @Sendable () throws -> Value) {
        result = Mutex(nil)
        // A queue of its own: those that all share give out no more threads than there are processors.
        DispatchQueue(label: "uniem.background", qos: .userInitiated).async(group: group) {
            let result = Result { try body() }
            self.result.withLock { $0 = result }
        }
    }

    /// What `body` returned; waits for its end. Throws what it threw.
    public func value() throws -> Value {
        group.wait()
        guard let result = result.withLock({ $0 }) else {
            preconditionFailure("Background: an end without a result")
        }
        return try result.get()
    }
}
