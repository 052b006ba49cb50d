import Synchronization
import Testing

@testable import Tensors

struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 4, 8]) func eachPieceRunsOnce(_ threads: Int) {
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        for count in [0, 1, 2, 3, 7, 100, 1000] {
            let runs = Mutex([Int](repeating: 0, count: count))
            pool.run(count) { index in runs.withLock { $0[index] += 1 } }
            #expect(runs.withLock { $0 } == [Int](repeating: 1, count: count))
        }
    }

    /// Many short rounds: a worker that comes late to one must not take from the next, and none may be lost.
    @Test(.timeLimit(.minutes(2)), arguments: [2, 3, 4]) func stress(_ threads: Int) {
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        let rounds = 20_000
        var wrong = 0
        for round in 0..<rounds {
            let sum = Atomic<Int>(0)
            let count = 2 + round % 5
            pool.run(count) { index in _ = sum.wrappingAdd(index + 1, ordering: .relaxed) }
            if sum.load(ordering: .relaxed) != count * (count + 1) / 2 { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    /// The caller sees what workers wrote, without a lock of its own.
    @Test func writesAreVisibleAfterwards() {
        let pool = WorkerPool(threads: 4)
        defer { pool.close() }
        let tensor = Tensor(zeros: [64, 100])
        for round in 1...50 {
            pool.run(64) { row in
                for column in 0..<100 {
                    unsafe tensor.pointer[row * 100 + column] = Float(row * round + column)
                }
            }
            let expected = (0..<6400).map { Float($0 / 100 * round + $0 % 100) }
            #expect(tensor.values == expected)
        }
    }

    /// Pieces are taken in order: when piece n starts, all before it have started.
    @Test func piecesStartInOrder() {
        let pool = WorkerPool(threads: 3)
        defer { pool.close() }
        let started = Mutex(Set<Int>())
        let early = Atomic<Int>(0)
        pool.run(200) { index in
            let missing = started.withLock { set in
                set.insert(index)
                return (0..<index).count { !set.contains($0) }
            }
            // The other threads may have taken a piece and not yet said so.
            if missing > 2 { _ = early.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(early.load(ordering: .relaxed) == 0)
    }

    /// Threads end with the pool.
    @Test func closeLetsGo() async throws {
        weak var dropped: WorkerPool?
        do {
            let pool = WorkerPool(threads: 3)
            pool.run(9) { _ in }
            dropped = pool
            pool.close()
        }
        for _ in 0..<200 where dropped != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(dropped == nil)
    }

    @Test func severalPoolsAtOnce() async {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let pool = WorkerPool(threads: 2)
                    defer { pool.close() }
                    let sum = Atomic<Int>(0)
                    for _ in 0..<200 {
                        pool.run(10) { _ = sum.wrappingAdd($0, ordering: .relaxed) }
                    }
                    return sum.load(ordering: .relaxed)
                }
            }
            for await sum in group { #expect(sum == 9000) }
        }
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) { _ = WorkerPool(threads: 0) }
        await #expect(processExitsWith: .failure) {
            let pool = WorkerPool(threads: 2)
            pool.run(2) { _ in pool.run(2) { _ in } }
        }
    }
}
