import TestSupport
import Tensors
import Testing

struct LinearTests {
    /// Rows, inputs, outputs.
    static let sizes = [
        [1, 1, 1], [1, 7, 3], [7, 1, 5], [5, 8, 8], [7, 33, 17], [64, 31, 96],
    ]

    @Test(arguments: sizes) func valuesAndGradients(_ size: [Int]) {
        var random = TestRandom(1)
        let x = random.tensor([size[0], size[1]])
        let weight = random.tensor([size[2], size[1]])
        let bias = random.tensor([size[2]])
        let product = Matrix(x) * Matrix(weight).transposed
        var tape = Tape(.inference)
        expectClose(tape.linear(x, weight: weight), product.values, absolute: 1e-6)
        var sums = product
        for i in 0..<size[0] { for j in 0..<size[2] { sums[i, j] += Double(bias.values[j]) } }
        expectClose(tape.linear(x, weight: weight, bias: bias), sums.values, absolute: 1e-6)

        expectGradients(of: [x, weight]) { tape, x in tape.linear(x[0], weight: x[1]) }
        expectGradients(of: [x, weight, bias]) { tape, x in
            tape.linear(x[0], weight: x[1], bias: x[2])
        }
    }

    @Test(arguments: sizes) func gradientsInDouble(_ size: [Int]) throws {
        var random = TestRandom(2)
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(random.tensor([size[0], size[1]]))
        let weight = tape.variable(random.tensor([size[2], size[1]]))
        let bias = tape.variable(random.tensor([size[2]]))
        let dy = random.tensor([size[0], size[2]])
        let y = tape.linear(x, weight: weight, bias: bias)
        let gradients = tape.backward(from: y, seed: dy)
        let (dx, dw) = (Matrix(dy) * Matrix(weight), Matrix(dy).transposed * Matrix(x))
        expectClose(try #require(gradients[x]), dx.values, absolute: 2e-6)
        expectClose(try #require(gradients[weight]), dw.values, absolute: 2e-6)
        expectClose(try #require(gradients[bias]), Matrix(dy).columnSums, absolute: 2e-6)
    }

    /// Each of the eight ways to freeze: a frozen parameter gets nothing, the others the bits they always get.
    @Test func frozenCombinations() {
        var random = TestRandom(3)
        let values = [random.tensor([6, 5]), random.tensor([4, 5]), random.tensor([4])]
        let dy = random.tensor([6, 4])
        var full: [[UInt32]] = []
        for mask in 0..<8 {
            let parameters = values.enumerated().map { Parameter(name: "p\($0)", value: $1) }
            for (index, parameter) in parameters.enumerated() {
                parameter.isFrozen = mask >> index & 1 == 1
            }
            var tape = Tape(.training(seed: 1))
            let p = parameters.map { tape.parameter($0) }
            let y = tape.linear(p[0], weight: p[1], bias: p[2])
            let gradients = tape.backward(from: y, seed: dy)
            let bits = parameters.map { gradients[$0]?.bits }
            if mask == 0 { full = bits.compactMap { $0 } }
            for index in 0..<3 {
                #expect(bits[index] == (parameters[index].isFrozen ? nil : full[index]))
            }
        }
    }

    @Test func noRows() throws {
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(Tensor(zeros: [0, 3]))
        // The memory that these zeros replace held something else.
        for _ in 0..<4 { _ = Tensor([Float](repeating: 9, count: 6), shape: [2, 3]) }
        let weight = tape.variable(Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]))
        let bias = tape.variable(Tensor([1, 2]))
        let y = tape.linear(x, weight: weight, bias: bias)
        #expect(y.shape == [0, 2])
        let gradients = tape.backward(from: y, seed: Tensor(zeros: [0, 2]))
        #expect(gradients[weight]?.values == [0, 0, 0, 0, 0, 0])
        #expect(gradients[bias]?.values == [0, 0])
        #expect(gradients[x]?.shape == [0, 3])
    }

    /// A sum of no products is the bias, or zero.
    @Test func noInputs() {
        var tape = Tape(.inference)
        for _ in 0..<4 { _ = Tensor([Float](repeating: 9, count: 6), shape: [3, 2]) }
        let (x, weight) = (Tensor(zeros: [3, 0]), Tensor(zeros: [2, 0]))
        #expect(tape.linear(x, weight: weight).values == [0, 0, 0, 0, 0, 0])
        let y = tape.linear(x, weight: weight, bias: Tensor([4, 5]))
        #expect(y.values == [4, 5, 4, 5, 4, 5])
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.linear(Tensor(zeros: [2, 3]), weight: Tensor(zeros: [3, 2]))
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.linear(
                Tensor(zeros: [2, 3]), weight: Tensor(zeros: [4, 3]), bias: Tensor(zeros: [3]))
        }
    }
}
