import TestSupport
import Testing

@testable import Tensors

struct AttentionTests {
    static let lengths = [1, 2, 7, 15, 16, 17, 33, 64, 100]
    static let headSizes = [8, 12, 26, 32, 64]

    /// One layer in double precision: context and gradients, one sequence and head after the other.
    private func reference(
        _ q: Matrix, _ k: Matrix, _ v: Matrix, lengths: [Int], heads: Int, scale: Double,
        dcontext: Matrix, factor: (_ row: Int, _ head: Int, _ column: Int) -> Double
    ) -> (context: Matrix, dq: Matrix, dk: Matrix, dv: Matrix) {
        let size = q.columns / heads
        let empty = Matrix(rows: q.rows, columns: q.columns)
        var (context, dq, dk, dv) = (empty, empty, empty, empty)
        var start = 0
        for length in lengths {
            for head in 0..<heads {
                func cut(_ matrix: Matrix) -> Matrix {
                    matrix.block(start, head * size, length, size)
                }
                let probabilities = softmax((cut(q) * cut(k).transposed).scaled(scale))
                var mask = Matrix(rows: length, columns: length)
                for i in 0..<length {
                    for j in 0..<length { mask[i, j] = factor(start + i, head, j) }
                }
                let dropped = probabilities.zipped(mask, *)
                let g = (cut(dcontext) * cut(v).transposed).zipped(mask, *)
                var ds = g
                for i in 0..<length {
                    let dot = (0..<length).reduce(0) { $0 + g[i, $1] * probabilities[i, $1] }
                    for j in 0..<length { ds[i, j] = probabilities[i, j] * (g[i, j] - dot) }
                }
                context.setBlock(start, head * size, dropped * cut(v))
                dv.setBlock(start, head * size, dropped.transposed * cut(dcontext))
                dq.setBlock(start, head * size, (ds * cut(k)).scaled(scale))
                dk.setBlock(start, head * size, (ds.transposed * cut(q)).scaled(scale))
            }
            start += length
        }
        return (context, dq, dk, dv)
    }

    /// All lengths in one batch, for each head size, with and without dropout.
    @Test(arguments: headSizes, [Float(0), 0.2])
    func againstDouble(_ size: Int, _ rate: Float) throws {
        var random = TestRandom(UInt64(size))
        let heads = size > 20 ? 1 : 3
        let offsets = SequenceOffsets(lengths: Self.lengths)
        let shape: Shape = [offsets.rowCount, heads * size]
        let scale = 1 / Float(size).squareRoot()
        let numbers = RowNumbers((0..<offsets.rowCount).map { UInt32($0 * 7 + 2) })
        var tape = Tape(.training(seed: 4))
        // Wide queries, so that attention is far from uniform.
        let q = tape.variable(random.tensor(shape, in: -3...3))
        let k = tape.variable(random.tensor(shape, in: -3...3))
        let v = tape.variable(random.tensor(shape))
        let context = tape.attention(
            q, k, v, offsets: offsets, heads: heads, scale: scale, dropout: rate, rows: numbers)
        let dcontext = random.tensor(shape)
        let gradients = tape.backward(from: context, seed: dcontext)
        var twin = Tape(.training(seed: 4))
        let key = twin.nextDropoutKey()
        let exact = reference(
            Matrix(q), Matrix(k), Matrix(v), lengths: Self.lengths, heads: heads,
            scale: Double(scale), dcontext: Matrix(dcontext)
        ) { row, head, column in
            guard rate > 0 else { return 1 }
            let number = UInt64(numbers.numbers[row]) * UInt64(heads) + UInt64(head)
            return dropoutFactor(key: key, row: number, column: column, rate: rate)
        }
        expectClose(context, exact.context.values, relative: 1e-5, absolute: 5e-6, "context")
        let all = [("dq", q, exact.dq), ("dk", k, exact.dk), ("dv", v, exact.dv)]
        for (name, input, matrix) in all {
            let gradient = try #require(gradients[input])
            expectClose(gradient, matrix.values, relative: 1e-5, absolute: 3e-5, name)
        }
    }

    @Test(arguments: lengths) func gradients(_ length: Int) {
        var random = TestRandom(UInt64(length))
        let offsets = SequenceOffsets(lengths: [length, 3])
        let shape: Shape = [length + 3, 2 * 12]
        let parts = (0..<3).map { _ in random.tensor(shape, in: -2...2) }
        let numbers = RowNumbers((0..<length + 3).map(UInt32.init))
        for rate in [Float(0), 0.25] {
            expectGradients(of: parts, GradientCheck(step: 5e-3, seed: 2)) { tape, p in
                tape.attention(
                    p[0], p[1], p[2], offsets: offsets, heads: 2, scale: 0.3, dropout: rate,
                    rows: numbers)
            }
        }
        // Self-attention of one tensor to itself: three gradients meet.
        expectGradients(of: [parts[0]], GradientCheck(step: 5e-3)) { tape, p in
            tape.attention(p[0], p[0], p[0], offsets: offsets, heads: 2, scale: 0.3)
        }
    }

    /// Changing one sequence, even to NaN, changes no bit of the others, forward or backward.
    @Test func noRowSeesAnotherSequence() throws {
        var random = TestRandom(5)
        let lengths = [5, 17, 1, 16, 9]
        let offsets = SequenceOffsets(lengths: lengths)
        let shape: Shape = [offsets.rowCount, 24]
        let parts = (0..<4).map { _ in random.tensor(shape) }
        func run(_ parts: [Tensor], _ offsets: SequenceOffsets) throws -> [Tensor] {
            var tape = Tape(.training(seed: 1))
            let p = parts[..<3].map { tape.variable($0) }
            let y = tape.attention(p[0], p[1], p[2], offsets: offsets, heads: 3, scale: 0.4)
            let gradients = tape.backward(from: y, seed: parts[3])
            return [y] + (try p.map { try #require(gradients[$0]) })
        }
        let plain = try run(parts, offsets)
        let spoilt = parts.map { part in
            var values = part.values
            for index in (5 * 24)..<(22 * 24) { values[index] = .nan }
            return Tensor(values, shape: shape)
        }
        let changed = try run(spoilt, offsets)
        for (a, b) in zip(plain, changed) {
            #expect(a.rows(0..<5).bits == b.rows(0..<5).bits)
            #expect(a.rows(22..<48).bits == b.rows(22..<48).bits)
            #expect(b.rows(5..<22).values.allSatisfy { $0.isNaN })
        }
        // A sequence alone gives the bits it gives in company.
        var start = 0
        for length in lengths {
            let alone = try run(
                parts.map { $0.rows(start..<start + length) }, SequenceOffsets(lengths: [length]))
            for (a, b) in zip(plain, alone) {
                #expect(a.rows(start..<start + length).bits == b.bits)
            }
            start += length
        }
    }

    @Test func inferenceGivesTheSameBits() {
        var random = TestRandom(6)
        let parts = (0..<3).map { _ in random.tensor([19, 20]) }
        func run(_ mode: Tape.Mode) -> [UInt32] {
            var tape = Tape(mode)
            let p = parts.map { tape.variable($0) }
            return tape.attention(
                p[0], p[1], p[2], offsets: SequenceOffsets(lengths: [18, 1]), heads: 2, scale: 0.4
            ).bits
        }
        #expect(run(.inference) == run(.training(seed: 1)))
    }

    /// Scores far beyond the range of exp are harmless.
    @Test func largeScores() {
        let q = Tensor([100, -100, 100, 100], shape: [2, 2])
        let v = Tensor([1, 2, 3, 4], shape: [2, 2])
        var tape = Tape(.inference)
        let y = tape.attention(
            q, q, v, offsets: SequenceOffsets(lengths: [2]), heads: 1, scale: 1)
        expectClose(y, [1, 2, 3, 4], absolute: 1e-6)
    }

    @Test func offsets() {
        let offsets = SequenceOffsets(lengths: [3, 1, 5])
        #expect(offsets.starts == [0, 3, 4, 9])
        #expect(offsets.count == 3 && offsets.rowCount == 9 && offsets.longest == 5)
        #expect(offsets.lengths == [3, 1, 5] && offsets.length(2) == 5)
        let none = SequenceOffsets(lengths: [])
        #expect(none.count == 0 && none.rowCount == 0 && none.longest == 0)
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(Tensor(zeros: [0, 8]))
        let y = tape.attention(x, x, x, offsets: none, heads: 2, scale: 1)
        #expect(tape.backward(from: y, seed: Tensor(zeros: [0, 8]))[x]?.shape == [0, 8])
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) { _ = SequenceOffsets(lengths: [2, 0]) }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, offsets) = (Tensor(zeros: [3, 8]), SequenceOffsets(lengths: [4]))
            _ = tape.attention(x, x, x, offsets: offsets, heads: 2, scale: 1)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, offsets) = (Tensor(zeros: [4, 8]), SequenceOffsets(lengths: [4]))
            _ = tape.attention(x, x, x, offsets: offsets, heads: 3, scale: 1)
        }
    }
}
