#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

import Synchronization

/// A mutex with a condition to wait for.
final class Condition: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Releases the lock until a broadcast. Only inside ``withLock(_:)``.
    func wait() { pthread_cond_wait(condition, mutex) }
    func broadcast() { pthread_cond_broadcast(condition) }
}

/// A fixed set of threads that share out numbered pieces of work.
///
/// Pieces are taken in order; the calling thread takes part. What a piece computes may depend on its number only, so
/// results do not depend on the number of threads.
public final class WorkerPool: @unchecked Sendable {
    /// The number of threads, the caller included.
    public let threads: Int
    private let condition = Condition()
    private var body: ((Int) -> Void)?
    private var next = 0
    private var count = 0
    private var active = 0
    private var generation = 0
    private var isClosing = false

    /// Starts `threads - 1` threads. Traps below 1.
    public init(threads: Int) {
        precondition(threads >= 1, "a worker pool of \(threads) threads")
        self.threads = threads
        for _ in 1..<max(threads, 1) { start() }
    }

    deinit { precondition(isClosing || threads == 1, "a worker pool was dropped without close()") }

    /// Ends the threads. The pool cannot be used any more.
    public func close() {
        condition.withLock {
            isClosing = true
            condition.broadcast()
        }
    }

    /// Runs `body(0)`, ..., `body(count - 1)`, and returns when all are done.
    public func run(_ count: Int, _ body: (Int) -> Void) {
        if threads == 1 || count <= 1 {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            condition.withLock {
                precondition(self.body == nil, "WorkerPool.run inside itself")
                self.body = body
                next = 0
                self.count = count
                generation += 1
                condition.broadcast()
            }
            work()
            condition.withLock {
                while active > 0 || next < self.count { condition.wait() }
                self.body = nil
            }
        }
    }

    /// Takes pieces until none is left.
    private func work() {
        while runPiece() {
            condition.withLock {
                active -= 1
                if active == 0 { condition.broadcast() }
            }
        }
    }

    /// Runs the next piece; false where none is left.
    ///
    /// A function of its own, so that its hold on the body ends before the piece counts as done: `run` must be the
    /// last to hold it.
    @inline(never)
    private func runPiece() -> Bool {
        let piece: (Int, (Int) -> Void)? = condition.withLock {
            guard let body, next < count else { return nil }
            active += 1
            next += 1
            return (next - 1, body)
        }
        guard let (index, body) = piece else { return false }
        body(index)
        return true
    }

    private func start() {
        // The thread holds the pool weakly through a box only while waiting would keep it alive for ever; it is kept
        // alive by close().
        let box = Unmanaged.passRetained(self)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                #if canImport(Darwin)
                    let raw: UnsafeMutableRawPointer? = argument
                #else
                    let raw = argument
                #endif
                guard let raw else { return nil }
                Unmanaged<WorkerPool>.fromOpaque(raw).takeRetainedValue().loop()
                return nil
            }, box.toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(status == 0, "pthread_create answered \(status)")
    }

    private func loop() {
        var seen = 0
        while true {
            let closing = condition.withLock {
                while generation == seen && !isClosing { condition.wait() }
                seen = generation
                return isClosing
            }
            if closing { return }
            work()
        }
    }
}

/// The number of processors of this machine that are on line.
public func availableProcessors() -> Int {
    return max(1, Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))))
}
