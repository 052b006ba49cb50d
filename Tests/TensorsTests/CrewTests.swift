import Synchronization
import TestSupport
import Testing

@testable import Tensors

struct CrewTests {
    /// Runs `body` with a crew of as many threads as `pool` has, more than processors or not.
    private func withCrew(of pool: WorkerPool, _ body: @Sendable (Crew) -> Void) {
        let crew = Crew(threads: pool.threads)
        pool.run(pool.threads) { index in
            if index == 0 {
                body(crew)
                crew.dismiss()
            } else {
                crew.stand()
            }
        }
    }

    /// Many short rounds: none may be lost, and nobody may take from a round that is over.
    @Test(.timeLimit(.minutes(2)), arguments: [1, 2, 3, 5])
    func eachPieceRunsOnce(_ threads: Int) {
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        let wrong = Atomic<Int>(0)
        withCrew(of: pool) { crew in
            for round in 0..<5000 {
                let count = round % 9
                let runs = Mutex([Int](repeating: 0, count: count))
                crew.run(count) { index in runs.withLock { $0[index] += 1 } }
                if runs.withLock({ $0 }) != [Int](repeating: 1, count: count) {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    /// A crew of the pool ends with what it was called for, and can be had again.
    @Test func crewsComeAndGo() {
        let pool = WorkerPool(threads: 2)
        defer { pool.close() }
        let sum = Atomic<Int>(0)
        for _ in 0..<200 {
            pool.withCrew { crew in
                crew.run(4) { index in _ = sum.wrappingAdd(index + 1, ordering: .relaxed) }
            }
        }
        #expect(sum.load(ordering: .relaxed) == 2000)
    }

    /// A linear layer has the same bits whoever computes its columns; also a last panel that is not full.
    @Test(arguments: Precision.allCases) func linearHasTheSameBits(_ precision: Precision) {
        var random = TestRandom(8)
        let weight = Parameter(name: "weight", value: random.tensor([171, 50]))
        let (x, bias) = (random.tensor([9, 50]), random.tensor([171]))
        @Sendable func result(_ crew: Crew?) -> [UInt32] {
            var tape = Tape(.inference, precision: precision, keepsLayouts: crew != nil, crew: crew)
            return tape.linear(x, weight: weight.value, bias: bias).bits
        }
        let alone = result(nil)
        for threads in [2, 3, 4] {
            let pool = WorkerPool(threads: threads)
            defer { pool.close() }
            let results = Mutex<[[UInt32]]>([])
            withCrew(of: pool) { crew in
                for _ in 0..<20 {
                    let bits = result(crew)
                    results.withLock { $0.append(bits) }
                }
            }
            #expect(results.withLock { $0.allSatisfy { $0 == alone } })
        }
    }
}
