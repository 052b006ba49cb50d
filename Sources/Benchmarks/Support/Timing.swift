import Synchronization
import Tensors

/// Seconds of something that was done several times.
struct Samples {
    private let sorted: [Double]

    /// Traps without a sample.
    init(_ seconds: [Double]) {
        precondition(!seconds.isEmpty, "no sample")
        sorted = seconds.sorted()
    }

    var count: Int { sorted.count }
    var best: Double { sorted[0] }
    var total: Double { sorted.reduce(0, +) }
    var median: Double {
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The sample below which `share` of all are.
    func percentile(_ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
}

/// Something that can be done again and again, and says how many seconds the part took that counts.
typealias TimedBody = () -> Double

/// The seconds of `body`.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return (clock.now - start) / .seconds(1)
}

/// Measures bodies for a given time, on one thread or on several side by side.
struct Measurement {
    /// For about how many seconds a body is measured.
    var budget: Double

    /// Samples of `body`, at least three after one to warm up.
    func samples(_ body: TimedBody) -> Samples {
        _ = body()
        let clock = ContinuousClock()
        let start = clock.now
        var times: [Double] = []
        while times.count < 3 || (clock.now - start) / .seconds(1) < budget {
            times.append(body())
        }
        return Samples(times)
    }

    /// How often a second all threads of `pool` together do their own body, which `make` makes on the thread.
    ///
    /// All begin at once; each counts by the median of its samples.
    func perSecond(_ pool: WorkerPool, _ make: (Int) -> TimedBody) -> Double {
        let ready = Atomic(0)
        let rates = Mutex(0.0)
        pool.run(pool.threads) { thread in
            let body = make(thread)
            _ = body()
            // No thread takes a second piece while all wait for the last.
            ready.wrappingAdd(1, ordering: .acquiringAndReleasing)
            while ready.load(ordering: .acquiring) < pool.threads {}
            let median = samples(body).median
            rates.withLock { $0 += 1 / median }
        }
        return rates.withLock { $0 }
    }
}

/// Calls `body` with a pool of `threads` threads.
func withPool<Result>(_ threads: Int, _ body: (WorkerPool) throws -> Result) rethrows -> Result {
    let pool = WorkerPool(threads: threads)
    defer { pool.close() }
    return try body(pool)
}
