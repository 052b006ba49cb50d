internal import Dispatch
internal import Synchronization

/// Bridges between threads that wait and tasks that suspend.
enum Waiting {
    /// The result of `body`, for which the present thread waits.
    ///
    /// Not for Swift's own threads: were all of them to wait, none would be left for `body`.
    static func wait<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let slot = Slot<Value>()
        Task.detached {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            slot.set(result)
            done.signal()
        }
        done.wait()
        guard let result = slot.take() else { preconditionFailure("a task ended without a result") }
        return try result.get()
    }

    private final class Slot<Value: Sendable>: Sendable {
        private let box = Mutex<Result<Value, any Error>?>(nil)
        func set(_ result: Result<Value, any Error>) { box.withLock { $0 = result } }
        func take() -> Result<Value, any Error>? { box.withLock { $0 } }
    }

    /// Runs `body` on a thread of its own while the caller's task is suspended.
    nonisolated(nonsending) static func onThread<Value>(
        _ body: @escaping () throws -> sending Value
    ) async throws -> Value {
        let body = Handed(value: body)
        let answer: Handed<Result<Value, any Error>> = await withCheckedContinuation { answer in
            let queue = DispatchQueue(label: "uniem.training", qos: .userInitiated)
            queue.async { answer.resume(returning: Handed(value: Result { try body.value() })) }
        }
        return try answer.value.get()
    }

    /// What one side hands the other: one of them runs at a time.
    private struct Handed<Value>: @unchecked Sendable { let value: Value }
}
