import Synchronization
import TestSupport
import Testing

@testable import Tensors

struct CrewTests {
    /// Many short rounds of several crews at a time, on more threads than there may be processors: none may be lost, and
    /// nobody may take from a round that is over.
    @Test(.timeLimit(.minutes(2)), arguments: [1, 2, 3, 5])
    func eachPieceRunsOnce(_ threads: Int) {
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        for works in [1, 2, 4, 7] {
            let wrong = Atomic<Int>(0)
            let taken = Mutex([Int](repeating: 0, count: works))
            pool.runInCrews(works) { work, crew in
                taken.withLock { $0[work] += 1 }
                guard let crew else { return }
                for round in 0..<1500 {
                    let count = round % 9
                    let runs = Mutex([Int](repeating: 0, count: count))
                    crew.run(count) { index in runs.withLock { $0[index] += 1 } }
                    if runs.withLock({ $0 }) != [Int](repeating: 1, count: count) {
                        wrong.wrappingAdd(1, ordering: .relaxed)
                    }
                }
            }
            #expect(wrong.load(ordering: .relaxed) == 0)
            #expect(taken.withLock { $0 } == [Int](repeating: 1, count: works))
        }
    }

    /// Work is shared out only while somebody has nothing else to do.
    @Test func piecesAreForThoseWhoWait() {
        let pool = WorkerPool(threads: 2)
        defer { pool.close() }
        let pieces = Mutex(Set<Int>())
        pool.runInCrews(1) { _, crew in
            guard let crew else { return }
            while crew.pieces == 1 {}
            pieces.withLock { _ = $0.insert(crew.pieces) }
        }
        pool.runInCrews(0) { _, _ in pieces.withLock { _ = $0.insert(0) } }
        #expect(pieces.withLock { $0 } == [8])
    }

    /// A linear layer and its gradients have the same bits whoever computes their columns; also a last panel that is not
    /// full.
    @Test(arguments: Precision.allCases, [false, true])
    func linearHasTheSameBits(_ precision: Precision, _ keepsLayouts: Bool) {
        var random = TestRandom(8)
        let weight = Parameter(name: "weight", value: random.tensor([171, 50]))
        let (x, bias, dy) = (
            random.tensor([29, 50]), random.tensor([171]), random.tensor([29, 171])
        )
        @Sendable func result(_ crew: Crew?) -> [[UInt32]] {
            var tape = Tape(.inference, precision: precision, keepsLayouts: keepsLayouts)
            tape.crew = crew
            let y = tape.linear(x, weight: weight.value, bias: bias).bits
            var training = Tape(.training(seed: 1), precision: precision)
            training.crew = crew
            let input = training.variable(x)
            let end = training.linear(input, weight: training.parameter(weight), bias: bias)
            let gradients = training.backward(from: end, seed: dy)
            return [y, end.bits] + [gradients[input], gradients[weight]].map { $0?.bits ?? [] }
        }
        let alone = result(nil)
        for threads in [2, 3, 4] {
            let pool = WorkerPool(threads: threads)
            defer { pool.close() }
            let results = Mutex<[[[UInt32]]]>([])
            pool.runInCrews(3) { _, crew in
                for _ in 0..<10 {
                    let bits = result(crew)
                    results.withLock { $0.append(bits) }
                }
            }
            #expect(results.withLock { $0.count == 30 && $0.allSatisfy { $0 == alone } })
        }
    }
}
