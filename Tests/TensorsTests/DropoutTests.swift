import TestSupport
import Testing

@testable import Tensors

struct DropoutTests {
    private func rows(_ range: Range<Int>) -> RowNumbers { RowNumbers(range.map(UInt32.init)) }

    /// The mask of the first place of a tape.
    private func mask(_ seed: UInt64, _ shape: Shape, _ numbers: RowNumbers, rate: Float) -> [Float]
    {
        var tape = Tape(.training(seed: seed))
        let ones = Tensor([Float](repeating: 1, count: shape.count), shape: shape)
        return tape.dropout(ones, rate: rate, rows: numbers).values
    }

    @Test(arguments: [0.1, 0.5, 0.9] as [Float]) func statistics(_ rate: Float) {
        let (n, h) = (512, 384)
        let values = mask(11, [n, h], rows(0..<n), rate: rate)
        let kept = values.count { $0 != 0 }
        let count = Double(n * h)
        let keep = 1 - Double(rate)
        // Five standard deviations of a binomial distribution.
        let spread = 5 * (count * keep * (1 - keep)).squareRoot()
        #expect(abs(Double(kept) - count * keep) < spread)
        #expect(values.allSatisfy { $0 == 0 || abs(Double($0) * keep - 1) < 1e-6 })
        let mean = values.reduce(0) { $0 + Double($1) } / count
        #expect(abs(mean - 1) < spread / count / keep + 1e-6)
        // Neither rows nor columns are special.
        for i in 0..<n {
            let inRow = Double(values[(i * h)..<(i * h + h)].count { $0 != 0 })
            #expect(
                abs(inRow - Double(h) * keep) < 6 * (Double(h) * keep * (1 - keep)).squareRoot())
        }
        for j in 0..<h {
            let inColumn = Double((0..<n).count { values[$0 * h + j] != 0 })
            #expect(
                abs(inColumn - Double(n) * keep) < 6 * (Double(n) * keep * (1 - keep)).squareRoot())
        }
    }

    /// Neighbours in rows and columns are dropped together as often as chance has it.
    @Test func neighboursAreIndependent() {
        let (n, h) = (400, 400)
        let values = mask(5, [n, h], rows(0..<n), rate: 0.5)
        var (across, down) = (0, 0)
        for i in 0..<n - 1 {
            for j in 0..<h - 1 {
                let here = values[i * h + j] != 0
                across += here == (values[i * h + j + 1] != 0) ? 1 : 0
                down += here == (values[(i + 1) * h + j] != 0) ? 1 : 0
            }
        }
        let count = Double((n - 1) * (h - 1))
        #expect(abs(Double(across) / count - 0.5) < 2.5 / count.squareRoot())
        #expect(abs(Double(down) / count - 0.5) < 2.5 / count.squareRoot())
    }

    @Test func isAFunctionOfSeedPlaceAndRow() {
        let whole = mask(1, [10, 33], rows(0..<10), rate: 0.3)
        #expect(whole == mask(1, [10, 33], rows(0..<10), rate: 0.3))
        #expect(whole != mask(2, [10, 33], rows(0..<10), rate: 0.3))
        // Rows in other groups and another order.
        #expect(mask(1, [4, 33], rows(6..<10), rate: 0.3) == Array(whole[(6 * 33)...]))
        let mixed = mask(1, [2, 33], RowNumbers([7, 2]), rate: 0.3)
        #expect(mixed == Array(whole[(7 * 33)..<(8 * 33)] + whole[(2 * 33)..<(3 * 33)]))
        // As the formula says.
        var twin = Tape(.training(seed: 1))
        let key = twin.nextDropoutKey()
        let expected = (0..<330).map {
            dropoutFactor(key: key, row: UInt64($0 / 33), column: $0 % 33, rate: 0.3)
        }
        expectClose(Tensor(whole), expected, relative: 1e-6, absolute: 0)
        // Two places of one tape.
        var tape = Tape(.training(seed: 1))
        let ones = Tensor([Float](repeating: 1, count: 330), shape: [10, 33])
        let first = tape.dropout(ones, rate: 0.3, rows: rows(0..<10)).values
        #expect(first == whole)
        #expect(tape.dropout(ones, rate: 0.3, rows: rows(0..<10)).values != whole)
    }

    /// A place counts also where nothing is dropped, so that rates do not shift other places' draws.
    @Test func ratesDoNotShiftPlaces() {
        let ones = Tensor([Float](repeating: 1, count: 64), shape: [2, 32])
        func second(after rate: Float) -> [Float] {
            var tape = Tape(.training(seed: 9))
            _ = tape.dropout(ones, rate: rate, rows: rows(0..<2))
            return tape.dropout(ones, rate: 0.5, rows: rows(0..<2)).values
        }
        #expect(second(after: 0) == second(after: 0.2))
    }

    @Test func backwardUsesTheSameMask() throws {
        var random = TestRandom(6)
        let x = random.tensor([7, 9], size: 0.5...1)
        var tape = Tape(.training(seed: 3))
        let variable = tape.variable(x)
        let y = tape.dropout(variable, rate: 0.4, rows: rows(0..<7))
        let dy = random.tensor([7, 9], size: 0.5...1)
        let dx = try #require(tape.backward(from: y, seed: dy)[variable])
        for i in 0..<63 {
            let factor = y.values[i] == 0 ? 0 : Float(1) / 0.6
            #expect(abs(dx.values[i] - factor * dy.values[i]) < 1e-6)
        }
        #expect(y.values.contains(0) && y.values.contains { $0 != 0 })
        let numbers = rows(0..<7)
        expectGradients(of: [x]) { tape, x in tape.dropout(x[0], rate: 0.4, rows: numbers) }
    }

    @Test func doesNothingOutsideTrainingOrAtRateZero() {
        let x = Tensor([1, 2, 3, 4], shape: [2, 2])
        var inference = Tape(.inference)
        #expect(inference.dropout(x, rate: 0.9, rows: rows(0..<2)).values == x.values)
        var training = Tape(.training(seed: 1))
        #expect(training.dropout(x, rate: 0, rows: rows(0..<2)).values == x.values)
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            _ = tape.dropout(Tensor(zeros: [2, 2]), rate: 0.5, rows: RowNumbers([1]))
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            _ = tape.dropout(Tensor(zeros: [1, 2]), rate: 1, rows: RowNumbers([1]))
        }
    }
}
