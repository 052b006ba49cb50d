import TestSupport
import Tensors
import Testing

struct ElementwiseTests {
    static let shapes: [Shape] = [[1, 1], [3, 7], [5, 8], [7, 33], [13], [2, 3, 5]]

    @Test(arguments: shapes) func add(_ shape: Shape) {
        var random = TestRandom(1)
        let (a, b) = (random.tensor(shape), random.tensor(shape))
        var tape = Tape(.inference)
        let expected = zip(a.values, b.values).map { Double($0) + Double($1) }
        expectClose(tape.add(a, b), expected, relative: 6e-8, absolute: 0)
        expectGradients(of: [a, b]) { tape, x in tape.add(x[0], x[1]) }
        // One tensor twice.
        expectGradients(of: [a]) { tape, x in tape.add(x[0], x[0]) }
    }

    @Test(arguments: shapes) func scale(_ shape: Shape) {
        var random = TestRandom(2)
        let x = random.tensor(shape)
        var tape = Tape(.inference)
        expectClose(
            tape.scale(x, by: -2.5), x.values.map { Double($0) * -2.5 }, relative: 6e-8,
            absolute: 0)
        expectGradients(of: [x]) { tape, x in tape.scale(x[0], by: -2.5) }
    }

    @Test func rows() {
        var random = TestRandom(3)
        let x = random.tensor([9, 5])
        var tape = Tape(.training(seed: 1))
        let variable = tape.variable(x)
        let part = tape.rows(variable, 2..<6)
        #expect(part.shape == [4, 5])
        #expect(part.values == Array(x.values[10..<30]))
        let seed = random.tensor([4, 5])
        let gradient = tape.backward(from: part, seed: seed)[variable]
        let zeros = [Float](repeating: 0, count: 15)
        #expect(gradient?.values == Array(zeros[..<10]) + seed.values + zeros)
        expectGradients(of: [x]) { tape, x in
            // Overlapping parts, and one of no rows.
            let nothing = tape.rows(x[0], 4..<4)
            #expect(nothing.shape == [0, 5])
            return tape.add(tape.rows(x[0], 0..<5), tape.rows(x[0], 4..<9))
        }
    }

    @Test func emptyTensors() {
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(Tensor(zeros: [0, 8]))
        let y = tape.scale(tape.add(x, x), by: 2)
        #expect(y.shape == [0, 8])
        #expect(tape.backward(from: y, seed: Tensor(zeros: [0, 8]))[x]?.shape == [0, 8])
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.add(Tensor(zeros: [2, 3]), Tensor(zeros: [3, 2]))
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.rows(Tensor(zeros: [2, 3]), 1..<3)
        }
    }
}
