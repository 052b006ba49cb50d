import TestSupport
import Testing

@testable import Tensors

struct LayerNormTests {
    static let shapes: [Shape] = [[1, 2], [3, 7], [5, 8], [4, 33], [7, 96]]

    private struct Reference {
        var y: Matrix
        var dz: Matrix
        var dweight: [Double]
        var dbias: [Double]
    }

    private func reference(
        _ z: Matrix, weight: [Double], bias: [Double], epsilon: Double, dy: Matrix
    ) -> Reference {
        let h = z.columns
        var result = Reference(
            y: z, dz: z, dweight: Array(repeating: 0, count: h), dbias: dy.columnSums)
        for i in 0..<z.rows {
            let row = (0..<h).map { z[i, $0] }
            let mean = row.reduce(0, +) / Double(h)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(h)
            let rstd = 1 / (variance + epsilon).squareRoot()
            let normalized = row.map { ($0 - mean) * rstd }
            let d = (0..<h).map { dy[i, $0] * weight[$0] }
            let average = d.reduce(0, +) / Double(h)
            let along = zip(d, normalized).reduce(0) { $0 + $1.0 * $1.1 } / Double(h)
            for j in 0..<h {
                result.y[i, j] = normalized[j] * weight[j] + bias[j]
                result.dz[i, j] = rstd * (d[j] - average - normalized[j] * along)
                result.dweight[j] += dy[i, j] * normalized[j]
            }
        }
        return result
    }

    @Test(arguments: shapes, [Float(0), 0.3])
    func againstDouble(_ shape: Shape, _ rate: Float) throws {
        var random = TestRandom(1)
        let (n, h) = (shape.rows, shape.width)
        let numbers = RowNumbers((0..<n).map { UInt32($0 * 3 + 1) })
        for hasResidual in [false, true] {
            var tape = Tape(.training(seed: 8))
            let x = tape.variable(random.tensor(shape, in: -2...3))
            let residual = hasResidual ? tape.variable(random.tensor(shape)) : nil
            let weight = tape.variable(random.tensor([h], in: 0.5...2))
            let bias = tape.variable(random.tensor([h]))
            let y = tape.layerNorm(
                x, residual: residual, weight: weight, bias: bias, epsilon: 1e-12, dropout: rate,
                rows: numbers)
            let dy = random.tensor(shape)
            let gradients = tape.backward(from: y, seed: dy)

            var twin = Tape(.training(seed: 8))
            let key = twin.nextDropoutKey()
            var factors = Matrix(rows: n, columns: h, Array(repeating: 1, count: n * h))
            if rate > 0 {
                for i in 0..<n {
                    for j in 0..<h {
                        factors[i, j] = dropoutFactor(
                            key: key, row: UInt64(numbers.numbers[i]), column: j, rate: rate)
                    }
                }
            }
            var z = Matrix(x).zipped(factors, *)
            if let residual { z = z.zipped(Matrix(residual), +) }
            // A row that dropout leaves constant has no variance to divide by.
            for i in 0..<n where (0..<h).allSatisfy({ z[i, $0] == z[i, 0] }) { return }
            let exact = reference(
                z, weight: weight.values.map(Double.init), bias: bias.values.map(Double.init),
                epsilon: 1e-12, dy: Matrix(dy))
            expectClose(y, exact.y.values, relative: 1e-5, absolute: 2e-6, "y \(shape)")
            expectClose(
                try #require(gradients[weight]), exact.dweight, relative: 1e-5, absolute: 5e-6)
            expectClose(try #require(gradients[bias]), exact.dbias, relative: 1e-5, absolute: 2e-6)
            let size = exact.dz.values.reduce(0) { max($0, abs($1)) } + 1
            expectClose(
                try #require(gradients[x]), exact.dz.zipped(factors, *).values, relative: 1e-5,
                absolute: 5e-6 * size, "dx \(shape)")
            if let residual {
                expectClose(
                    try #require(gradients[residual]), exact.dz.values, relative: 1e-5,
                    absolute: 5e-6 * size)
            }
        }
    }

    @Test(arguments: shapes) func gradients(_ shape: Shape) {
        var random = TestRandom(2)
        let h = shape.width
        let x = random.tensor(shape, size: 0.5...1.5)
        let (residual, weight) = (random.tensor(shape), random.tensor([h], in: 0.5...2))
        let bias = random.tensor([h])
        let numbers = RowNumbers((0..<shape.rows).map(UInt32.init))
        // With two columns the normalised row is 1, -1 wherever x is: nothing flows to x.
        let zero: Set<Int> = h == 2 ? [0, 3] : []
        let check = GradientCheck(step: 2e-3, seed: 3, zero: zero)
        expectGradients(of: [x, weight, bias], check) { tape, p in
            tape.layerNorm(p[0], weight: p[1], bias: p[2], epsilon: 1e-6)
        }
        expectGradients(of: [x, weight, bias, residual], check) { tape, p in
            tape.layerNorm(p[0], residual: p[3], weight: p[1], bias: p[2], epsilon: 1e-6)
        }
        if h < 7 { return }
        expectGradients(of: [x, weight, bias, residual], check) { tape, p in
            tape.layerNorm(
                p[0], residual: p[3], weight: p[1], bias: p[2], epsilon: 1e-6, dropout: 0.25,
                rows: numbers)
        }
        // One tensor in both places.
        expectGradients(of: [x, weight, bias], check) { tape, p in
            tape.layerNorm(
                p[0], residual: p[0], weight: p[1], bias: p[2], epsilon: 1e-6, dropout: 0.25,
                rows: numbers)
        }
    }

    @Test(arguments: shapes) func inferenceGivesTheSameBits(_ shape: Shape) {
        var random = TestRandom(5)
        let parts = [
            random.tensor(shape), random.tensor([shape.width]), random.tensor([shape.width]),
        ]
        func run(_ mode: Tape.Mode) -> [UInt32] {
            var tape = Tape(mode)
            let p = parts.map { tape.variable($0) }
            return tape.layerNorm(p[0], residual: p[0], weight: p[1], bias: p[2], epsilon: 1e-5)
                .bits
        }
        #expect(run(.inference) == run(.training(seed: 1)))
    }

    @Test func constantRowsAndLargeMeans() {
        var tape = Tape(.inference)
        let ones = Tensor([Float](repeating: 1, count: 8))
        let bias = Tensor((0..<8).map(Float.init))
        let constant = Tensor([Float](repeating: 7, count: 8), shape: [1, 8])
        #expect(
            tape.layerNorm(constant, weight: ones, bias: bias, epsilon: 1e-12).values
                == bias.values)
        // Mean 1000, spread 1: a variance from sums of squares would have lost half its digits.
        let far = Tensor((0..<8).map { 1000 + Float($0 % 2) }, shape: [1, 8])
        let y = tape.layerNorm(far, weight: ones, bias: Tensor(zeros: [8]), epsilon: 0)
        expectClose(y, (0..<8).map { $0 % 2 == 0 ? -1 : 1 }, relative: 1e-5)
        #expect(
            tape.layerNorm(Tensor(zeros: [0, 8]), weight: ones, bias: bias, epsilon: 1).shape == [
                0, 8,
            ])
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, w) = (Tensor(zeros: [2, 3]), Tensor(zeros: [3]))
            _ = tape.layerNorm(x, residual: Tensor(zeros: [1, 3]), weight: w, bias: w, epsilon: 1)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, w) = (Tensor(zeros: [2, 3]), Tensor(zeros: [2]))
            _ = tape.layerNorm(x, weight: w, bias: w, epsilon: 1)
        }
    }
}
