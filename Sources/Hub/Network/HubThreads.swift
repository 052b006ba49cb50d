internal import Dispatch
internal import NIOPosix
internal import Synchronization

/// The threads on which fetching runs: one for the network, a few for files and checksums.
///
/// They are started by the first fetch and live as long as the process. Nothing here needs a thread of Swift
/// concurrency's pool, so a caller that blocks one of those (or all of them) waits, but never for itself.
enum HubThreads {
    /// The thread of the network.
    static let network = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// The threads that read, write and add up.
    static let workers = HubExecutor(threads: 4)

    /// Runs `body` on the workers and blocks the calling thread until it is done.
    ///
    /// Must not be called on a worker, as in a callback of a fetch.
    static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(HubError) -> Value
    ) throws(HubError) -> Value {
        let outcome = Outcome<Value>()
        let done = DispatchSemaphore(value: 0)
        Task.detached(executorPreference: workers) {
            do throws(HubError) {
                outcome.set(.success(try await body()))
            } catch {
                outcome.set(.failure(error))
            }
            done.signal()
        }
        done.wait()
        guard let result = outcome.value else {
            preconditionFailure("a fetch ended without an outcome")
        }
        return try result.get()
    }
}

private final class Outcome<Value: Sendable>: Sendable {
    private let stored = Mutex<Result<Value, HubError>?>(nil)
    var value: Result<Value, HubError>? { stored.withLock { $0 } }
    func set(_ result: Result<Value, HubError>) { stored.withLock { $0 = result } }
}

/// Runs tasks on threads of its own.
final class HubExecutor: TaskExecutor {
    private let pool: NIOThreadPool

    init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.submit { _ in unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
