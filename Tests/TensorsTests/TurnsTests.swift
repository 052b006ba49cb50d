#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

import TestSupport
import Testing

@testable import Tensors

/// Several tapes that add into one sum.
struct TurnsTests {
    /// A small net, a part of which only odd turns use, and a part none.
    private final class Net: @unchecked Sendable {
        let turns = 9
        let parameters: [Parameter]
        let ids: [[Int32]]
        let seeds: [Tensor]
        let x: [Tensor]

        init() {
            var random = TestRandom(1)
            let shapes: [Shape] = [[60, 16], [16, 16], [16], [16], [16, 16], [4]]
            parameters = shapes.enumerated().map {
                Parameter(name: "p\($0)", value: random.tensor($1, in: -0.5...0.5))
            }
            let turns = 0..<turns
            ids = turns.map { random.ids(3 + $0, below: 60) }
            seeds = turns.map { random.tensor([3 + $0, 16]) }
            x = turns.map { random.tensor([3 + $0, 60]) }
        }

        func run(_ turn: Int, into gradients: Gradients, at place: Int? = nil) {
            var tape = Tape(.training(seed: 3))
            let rows = RowNumbers((0..<UInt32(3 + turn)).map { $0 + UInt32(turn) * 100 })
            let (w, b) = (tape.parameter(parameters[1]), tape.parameter(parameters[2]))
            _ = tape.parameter(parameters[5])
            var y = tape.embed([(tape.parameter(parameters[0]), ids[turn])])
            y = tape.activate(tape.linear(y, weight: w, bias: b), .geluTanh)
            y = tape.layerNorm(
                y, residual: y, weight: tape.parameter(parameters[3]), bias: b, epsilon: 1e-3,
                dropout: 0.1, rows: rows)
            if turn % 2 == 1 {
                y = tape.add(y, tape.linear(y, weight: tape.parameter(parameters[4])))
            }
            tape.backward(from: y, seed: seeds[turn], into: gradients, turn: place ?? turn)
        }

        func bits(_ gradients: Gradients) -> [[UInt32]?] { parameters.map { gradients[$0]?.bits } }
    }

    /// The norm is that of all sums, of tables too, and has the same bits for any number of threads.
    @Test func normOfTheSums() throws {
        let net = Net()
        let large = Parameter(name: "large", value: Tensor(zeros: [700, 300]))
        let gradients = Gradients(turns: 1)
        var random = TestRandom(6)
        gradients.add(random.tensor([700, 300]), to: large, turn: 0)
        net.run(0, into: gradients)
        let all = net.parameters + [large]
        let norms = [1, 2, 3].map { threads in
            let pool = WorkerPool(threads: threads)
            defer { pool.close() }
            return gradients.norm(of: all, pool: pool)
        }
        #expect(Set(norms.map(\.bitPattern)).count == 1)
        let squares = all.compactMap { gradients[$0] }.map { gradient in
            gradient.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        #expect(abs(norms[0] - squares.reduce(0, +).squareRoot()) < 1e-9 * norms[0])
        let sums = all.compactMap { gradients.sumOfSquares(of: $0) }
        #expect(zip(sums, squares).allSatisfy { abs($0 - $1) <= 1e-9 * $1 })
        #expect(sums.count == squares.count && sums.count < all.count)
    }

    private func sum(
        _ net: Net, threads: Int, delay: @escaping (Int) -> UInt32
    ) -> Gradients {
        let gradients = Gradients(turns: net.turns)
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        pool.run(net.turns) { turn in
            usleep(delay(turn))
            net.run(turn, into: gradients)
        }
        return gradients
    }

    /// The same bits for any number of threads, whoever comes first.
    @Test(.timeLimit(.minutes(1))) func bitsDoNotDependOnThreads() throws {
        let net = Net()
        let expected = net.bits(sum(net, threads: 1) { _ in 0 })
        #expect(expected[..<5].allSatisfy { $0 != nil } && expected[5] == nil)
        let delays: [@Sendable (Int) -> UInt32] = [
            { _ in 0 }, { turn in turn % 2 == 0 ? 5000 : 0 }, { turn in UInt32(9 - turn) * 1000 },
            { turn in UInt32(turn * 7919 % 4001) }, { turn in turn == 0 ? 40_000 : 0 },
        ]
        for threads in [1, 2, 4] {
            for delay in delays {
                #expect(net.bits(sum(net, threads: threads, delay: delay)) == expected)
            }
        }
        // The order does matter to the bits, so that the comparison above says something.
        let reversed = Gradients(turns: net.turns)
        for turn in 0..<net.turns {
            net.run(net.turns - 1 - turn, into: reversed, at: turn)
        }
        #expect(net.bits(reversed) != expected)
        for (index, parameter) in net.parameters[..<5].enumerated() {
            let wide = try #require(reversed[parameter]).values.map(Double.init)
            let bits = try #require(expected[index])
            expectClose(
                bits.map { Double(Float(bitPattern: $0)) }, wide, relative: 1e-4, absolute: 1e-4)
        }
    }

    /// The sum is that of the tapes alone.
    @Test func sumOfTheParts() throws {
        let net = Net()
        var sums = net.parameters.map { [Double](repeating: 0, count: $0.shape.count) }
        for turn in 0..<net.turns {
            let alone = Gradients(turns: 1)
            net.run(turn, into: alone, at: 0)
            #expect((alone[net.parameters[4]] != nil) == (turn % 2 == 1))
            for (index, parameter) in net.parameters.enumerated() {
                guard let gradient = alone[parameter] else { continue }
                sums[index] = zip(sums[index], gradient.values).map { $0 + Double($1) }
            }
        }
        let whole = sum(net, threads: 2) { _ in 0 }
        for (parameter, expected) in zip(net.parameters[..<5], sums) {
            expectClose(try #require(whole[parameter]), expected, relative: 1e-5, absolute: 1e-5)
        }
    }

    /// The memory of a sum is used again; what it held is gone.
    @Test func reuse() {
        let net = Net()
        let expected = net.bits(sum(net, threads: 1) { _ in 0 })
        var gradients = sum(net, threads: 2) { _ in 0 }
        for _ in 0..<3 {
            // A step in which only two turns add, the second of them to a part of the parameters.
            gradients = Gradients(turns: 2, reusing: gradients)
            #expect(net.bits(gradients) == [nil, nil, nil, nil, nil, nil])
            net.run(0, into: gradients)
            var tape = Tape(.training(seed: 1))
            let leaf = tape.parameter(net.parameters[5])
            tape.backward(from: leaf, seed: Tensor([1, 2, 3, 4]), into: gradients, turn: 1)
            let alone = Gradients(turns: 1)
            net.run(0, into: alone)
            #expect(Array(net.bits(gradients)[..<5]) == Array(net.bits(alone)[..<5]))
            #expect(gradients[net.parameters[4]] == nil)
            #expect(gradients[net.parameters[5]]?.values == [1, 2, 3, 4])
            gradients = Gradients(turns: net.turns, reusing: gradients)
            for turn in 0..<net.turns { net.run(turn, into: gradients) }
            #expect(net.bits(gradients) == expected)
        }
    }

    /// A turn that adds nothing at all, or only to a parameter that no other touches, keeps nobody waiting.
    @Test(.timeLimit(.minutes(1))) func idleTurns() {
        let parameters = (0..<8).map { Parameter(name: "p\($0)", value: Tensor([0, 0])) }
        for threads in [1, 2, 4] {
            let gradients = Gradients(turns: 8)
            let pool = WorkerPool(threads: threads)
            defer { pool.close() }
            pool.run(8) { turn in
                usleep(turn < 2 ? 10_000 : 0)
                var tape = Tape(.training(seed: 1))
                let leaf = turn == 3 ? Tensor([1, 1]) : tape.parameter(parameters[turn])
                tape.backward(
                    from: leaf, seed: Tensor([Float(turn), 1]), into: gradients, turn: turn)
            }
            for turn in 0..<8 {
                let expected: [Float]? = turn == 3 ? nil : [Float(turn), 1]
                #expect(gradients[parameters[turn]]?.values == expected)
            }
        }
    }

    @Test func wrongTurnsTrap() async {
        await #expect(processExitsWith: .failure) {
            let parameter = Parameter(name: "p", value: Tensor([1]))
            let gradients = Gradients(turns: 1)
            for _ in 0..<2 {
                var tape = Tape(.training(seed: 1))
                let leaf = tape.parameter(parameter)
                tape.backward(from: leaf, into: gradients, turn: 0)
            }
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            let leaf = tape.parameter(Parameter(name: "p", value: Tensor([1])))
            tape.backward(from: leaf, into: Gradients(turns: 1), turn: 1)
        }
    }
}
