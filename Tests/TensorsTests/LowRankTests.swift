@testable import Tensors
import TestSupport
import Testing

struct LowRankTests {
    /// Rows, inputs, rank, outputs.
    static let sizes = [
        [1, 1, 1, 1], [5, 7, 1, 3], [7, 1, 2, 5], [6, 8, 3, 8], [9, 33, 8, 17], [64, 31, 4, 96],
    ]

    private func inputs(_ size: [Int], seed: UInt64) -> [Tensor] {
        var random = TestRandom(seed)
        return [[size[0], size[3]], [size[0], size[1]], [size[2], size[1]], [size[3], size[2]]]
            .map { random.tensor(Shape($0)) }
    }

    @Test(arguments: sizes) func valuesAndGradients(_ size: [Int]) {
        let x = inputs(size, seed: 1)
        let product = Matrix(x[1]) * Matrix(x[2]).transposed * Matrix(x[3]).transposed
        let expected = zip(x[0].values, product.values).map { Double($0) + 0.75 * $1 }
        var tape = Tape(.inference)
        let sum = tape.addLowRank(to: x[0], x[1], x[2], x[3], scale: 0.75)
        expectClose(sum, expected, absolute: 2e-6)
        expectGradients(of: x) { tape, x in
            tape.addLowRank(to: x[0], x[1], x[2], x[3], scale: 0.75)
        }
        let rows = RowNumbers((0..<UInt32(size[0])).map { 3 * $0 + 1 })
        expectGradients(of: x, GradientCheck(zero: size[0] < 5 ? [1, 2, 3] : [])) { tape, x in
            tape.addLowRank(
                to: x[0], x[1], x[2], x[3], scale: -1.5, dropout: 0.4, rows: rows)
        }
    }

    /// As the same sum from single operations.
    @Test(arguments: [0, 0.3] as [Float]) func composed(_ rate: Float) throws {
        let values = inputs([9, 12, 4, 10], seed: 2)
        let rows = RowNumbers([4, 8, 15, 16, 23, 42, 43, 44, 45])
        var random = TestRandom(3)
        let cotangent = random.tensor([9, 10])
        var results: [[[Double]]] = []
        for isFused in [true, false] {
            var tape = Tape(.training(seed: 5))
            let v = values.map { tape.variable($0) }
            let y: Tensor
            if isFused {
                y = tape.addLowRank(
                    to: v[0], v[1], v[2], v[3], scale: 2, dropout: rate, rows: rows)
            } else {
                let dropped = tape.dropout(v[1], rate: rate, rows: rows)
                let reduced = tape.linear(dropped, weight: v[2])
                y = tape.add(v[0], tape.scale(tape.linear(reduced, weight: v[3]), by: 2))
            }
            let result = y.values
            let gradients = tape.backward(from: y, seed: cotangent)
            results.append(
                [result.map(Double.init)]
                    + (try v.map { try #require(gradients[$0]).values.map(Double.init) }))
        }
        for (fused, single) in zip(results[0], results[1]) {
            expectClose(fused, single, relative: 1e-5, absolute: 5e-6)
        }
    }

    /// The memory of `y` is used again only where nobody else sees it.
    @Test func memory() {
        let x = inputs([6, 5, 2, 4], seed: 4)
        var tape = Tape(.training(seed: 1))
        let weight = tape.variable(Tensor([Float](repeating: 0.5, count: 20), shape: [4, 5]))
        let y = tape.linear(x[1], weight: weight)
        let before = y.bits
        let sum = tape.addLowRank(to: y, x[1], x[2], x[3], scale: 1)
        #expect(y.bits == before && sum.bits != before)
        let handedOver = tape.addLowRank(
            to: tape.linear(x[1], weight: weight), x[1], x[2], x[3], scale: 1)
        #expect(handedOver.bits == sum.bits)
    }

    /// What is dropped depends on the numbers of rows, not on their places.
    @Test func rowNumbers() {
        let x = inputs([6, 50, 3, 4], seed: 6)
        let numbers: [UInt32] = [0, 1, 2, 3, 4, 5]
        func sum(_ range: Range<Int>) -> [Float] {
            var tape = Tape(.training(seed: 9))
            return tape.addLowRank(
                to: x[0].rows(range), x[1].rows(range), x[2], x[3], scale: 1, dropout: 0.5,
                rows: RowNumbers(Array(numbers[range]))
            ).values
        }
        expectClose(
            (sum(0..<2) + sum(2..<6)).map(Double.init), sum(0..<6).map(Double.init),
            absolute: 1e-5)
    }

    @Test func noRows() throws {
        var tape = Tape(.training(seed: 1))
        let x = inputs([0, 3, 2, 4], seed: 7).map { tape.variable($0) }
        let y = tape.addLowRank(to: x[0], x[1], x[2], x[3], scale: 1)
        #expect(y.shape == [0, 4])
        let gradients = tape.backward(from: y, seed: Tensor(zeros: [0, 4]))
        for (index, count) in [(0, 0), (1, 0), (2, 6), (3, 8)] {
            let gradient = try #require(gradients[x[index]])
            #expect(gradient.values == [Float](repeating: 0, count: count))
        }
    }

    @Test(arguments: [false, true]) func merging(isInputFirst: Bool) {
        let x = inputs([1, 7, 3, 5], seed: 8)
        var random = TestRandom(9)
        let weight = random.tensor(isInputFirst ? [7, 5] : [5, 7])
        let product = Matrix(x[3]) * Matrix(x[2])
        let added = isInputFirst ? product.transposed : product
        let sum = weight.addingLowRank(x[2], x[3], scale: 1.25, isInputFirst: isInputFirst)
        expectClose(
            sum, zip(weight.values, added.values).map { Double($0) + 1.25 * $1 }, absolute: 1e-6)
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.addLowRank(
                to: Tensor(zeros: [2, 3]), Tensor(zeros: [2, 4]), Tensor(zeros: [1, 4]),
                Tensor(zeros: [3, 2]), scale: 1)
        }
        await #expect(processExitsWith: .failure) {
            _ = Tensor(zeros: [3, 4]).addingLowRank(
                Tensor(zeros: [1, 4]), Tensor(zeros: [3, 1]), scale: 1, isInputFirst: true)
        }
    }
}
