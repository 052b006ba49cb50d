import TestSupport
import Testing

@testable import Tensors

struct AttentionTests {
    static let lengths = [1, 2, 7, 15, 16, 17, 33, 64, 100]
    static let headSizes = [8, 12, 26, 32, 64]

    /// One layer in double precision: context and gradients, one sequence and head after the other.
    private func reference(
        _ x: [Tensor], lengths: [Int], heads: Int, keyHeads: Int? = nil, scale: Double,
        reach: AttentionReach = .everything, dcontext: Matrix,
        factor: (_ row: Int, _ head: Int, _ column: Int) -> Double = { _, _, _ in 1 }
    ) -> [Matrix] {
        let inputs = x.map(Matrix.init)
        let (q, k, v) = (inputs[0], inputs[1], inputs[2])
        let bias = inputs.count > 3 ? inputs[3] : Matrix(rows: 2 * 999 + 1, columns: heads)
        let (size, center) = (q.columns / heads, bias.rows / 2)
        let group = heads / (keyHeads ?? heads)
        var gradients = inputs.map { Matrix(rows: $0.rows, columns: $0.columns) }
        var context = gradients[0]
        var start = 0
        for length in lengths {
            for head in 0..<heads {
                let (column, keyColumn) = (head * size, head / group * size)
                let queries = q.block(start, column, length, size)
                let keys = k.block(start, keyColumn, length, size)
                let values = v.block(start, keyColumn, length, size)
                let seed = dcontext.block(start, column, length, size)
                var scores = (queries * keys.transposed).scaled(scale)
                var mask = Matrix(rows: length, columns: length)
                for i in 0..<length {
                    for j in 0..<length {
                        scores[i, j] += bias[center + j - i, head]
                        if i - j > reach.before || j - i > reach.after { scores[i, j] = -1e9 }
                        mask[i, j] = factor(start + i, head, j)
                    }
                }
                let probabilities = softmax(scores)
                let dropped = probabilities.zipped(mask, *)
                let g = (seed * values.transposed).zipped(mask, *)
                var ds = g
                for i in 0..<length {
                    let dot = (0..<length).reduce(0) { $0 + g[i, $1] * probabilities[i, $1] }
                    for j in 0..<length {
                        ds[i, j] = probabilities[i, j] * (g[i, j] - dot)
                        if inputs.count > 3 { gradients[3][center + j - i, head] += ds[i, j] }
                    }
                }
                context.setBlock(start, column, dropped * values)
                gradients[0].setBlock(start, column, (ds * keys).scaled(scale))
                let (dk, dv) = ((ds.transposed * queries).scaled(scale), dropped.transposed * seed)
                for (index, part) in [(1, dk), (2, dv)] {
                    let old = gradients[index].block(start, keyColumn, length, size)
                    gradients[index].setBlock(start, keyColumn, old.zipped(part, +))
                }
            }
            start += length
        }
        return [context] + gradients
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
            [q, k, v], lengths: Self.lengths, heads: heads, scale: Double(scale),
            dcontext: Matrix(dcontext)
        ) { row, head, column in
            guard rate > 0 else { return 1 }
            let number = UInt64(numbers.numbers[row]) * UInt64(heads) + UInt64(head)
            return dropoutFactor(key: key, row: number, column: column, rate: rate)
        }
        expectClose(context, exact[0].values, relative: 1e-5, absolute: 5e-6, "context")
        let all = [("dq", q, exact[1]), ("dk", k, exact[2]), ("dv", v, exact[3])]
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

    /// Blocks have 64 queries.
    private static let longLengths = [63, 64, 65, 131]

    struct Setting: CustomTestStringConvertible, Sendable {
        var heads: Int
        var keyHeads: Int
        var size: Int
        var hasBias = false
        var reach = AttentionReach.everything
        var testDescription: String {
            "\(heads)/\(keyHeads) heads of \(size), bias \(hasBias), \(reach)"
        }
        static let all = [
            Setting(heads: 1, keyHeads: 1, size: 32),
            Setting(heads: 4, keyHeads: 2, size: 8, reach: .causal),
            Setting(heads: 2, keyHeads: 1, size: 20, hasBias: true),
            Setting(heads: 2, keyHeads: 1, size: 12, reach: AttentionReach(before: 40, after: 3)),
            Setting(
                heads: 1, keyHeads: 1, size: 16, hasBias: true,
                reach: AttentionReach(before: 0, after: 70)),
            Setting(
                heads: 1, keyHeads: 1, size: 48, hasBias: true,
                reach: AttentionReach(before: 1, after: 1)),
        ]

        /// Queries, keys, values, and a bias for a distance more than needed on either side.
        func inputs(lengths: [Int], _ random: inout TestRandom) -> [Tensor] {
            let (rows, longest) = (lengths.reduce(0, +), lengths.max() ?? 1)
            let tensors = [
                random.tensor([rows, heads * size], in: -2...2),
                random.tensor([rows, keyHeads * size], in: -2...2),
                random.tensor([rows, keyHeads * size]),
                random.tensor([2 * longest + 1, heads], in: -2...2),
            ]
            return hasBias ? tensors : Array(tensors.prefix(3))
        }

        func attend(
            _ p: [Tensor], lengths: [Int], dropout: Float = 0, on tape: inout Tape
        ) -> Tensor {
            tape.attention(
                p[0], p[1], p[2], offsets: SequenceOffsets(lengths: lengths), heads: heads,
                keyHeads: keyHeads, scale: 0.25, bias: hasBias ? p[3] : nil, reach: reach,
                dropout: dropout,
                rows: RowNumbers((0..<lengths.reduce(0, +)).map { UInt32($0 * 3 + 1) }))
        }
    }

    /// Sequences of several blocks of queries, windows across their borders, and shared keys.
    @Test(arguments: Setting.all, [Float(0), 0.2])
    func blocks(_ setting: Setting, _ rate: Float) throws {
        var random = TestRandom(8)
        let inputs = setting.inputs(lengths: Self.longLengths, &random)
        var tape = Tape(.training(seed: 3))
        let variables = inputs.map { tape.variable($0) }
        let context = setting.attend(
            variables, lengths: Self.longLengths, dropout: rate, on: &tape)
        let dcontext = random.tensor(context.shape)
        let gradients = tape.backward(from: context, seed: dcontext)
        var twin = Tape(.training(seed: 3))
        let key = twin.nextDropoutKey()
        let exact = reference(
            inputs, lengths: Self.longLengths, heads: setting.heads, keyHeads: setting.keyHeads,
            scale: 0.25, reach: setting.reach, dcontext: Matrix(dcontext)
        ) { row, head, column in
            let number = UInt64(row * 3 + 1) * UInt64(setting.heads) + UInt64(head)
            return rate > 0 ? dropoutFactor(key: key, row: number, column: column, rate: rate) : 1
        }
        expectClose(context, exact[0].values, relative: 1e-5, absolute: 5e-6, "context")
        for (index, input) in variables.enumerated() {
            let gradient = try #require(gradients[input])
            expectClose(
                gradient, exact[index + 1].values, relative: 1e-5, absolute: 3e-5,
                "gradient of input \(index)")
        }
    }

    @Test(arguments: Setting.all) func gradientsOfBlocks(_ setting: Setting) {
        var random = TestRandom(11)
        let lengths = [67, 2]
        let inputs = setting.inputs(lengths: lengths, &random)
        expectGradients(of: inputs, GradientCheck(step: 5e-3)) { tape, p in
            setting.attend(p, lengths: lengths, dropout: 0.25, on: &tape)
        }
    }

    /// Queries, keys and values side by side in one tensor give the bits of three tensors.
    @Test(arguments: [16, 26], [Float(0), 0.2]) func fused(_ size: Int, _ rate: Float) throws {
        var random = TestRandom(9)
        let offsets = SequenceOffsets(lengths: [5, 66, 1, 130])
        let (t, h) = (offsets.rowCount, 2 * size)
        let numbers = RowNumbers((0..<t).map(UInt32.init))
        let qkv = random.tensor([t, 3 * h], in: -2...2)
        let bias = random.tensor([259, 2])
        let dcontext = random.tensor([t, h])

        var tape = Tape(.training(seed: 2))
        let (whole, shared) = (tape.variable(qkv), tape.variable(bias))
        let context = tape.attention(
            fused: whole, offsets: offsets, heads: 2, scale: 0.2, bias: shared, dropout: rate,
            rows: numbers)
        let gradients = tape.backward(from: context, seed: dcontext)

        var other = Tape(.training(seed: 2))
        let (parted, sharedToo) = (other.variable(qkv), other.variable(bias))
        let parts = (0..<3).map { other.columns(parted, $0 * h..<($0 + 1) * h) }
        let same = other.attention(
            parts[0], parts[1], parts[2], offsets: offsets, heads: 2, scale: 0.2,
            bias: sharedToo, dropout: rate, rows: numbers)
        let expected = other.backward(from: same, seed: dcontext)

        #expect(context.bits == same.bits)
        #expect(try #require(gradients[whole]).values == #require(expected[parted]).values)
        #expect(try #require(gradients[shared]).bits == #require(expected[sharedToo]).bits)
    }

    @Test(arguments: [3, 65]) func gradientsOfFused(_ length: Int) {
        var random = TestRandom(10)
        let offsets = SequenceOffsets(lengths: [length, 2])
        let inputs = [
            random.tensor([length + 2, 3 * 8], in: -2...2), random.tensor([2 * length + 1, 2]),
        ]
        expectGradients(of: inputs, GradientCheck(step: 5e-3)) { tape, p in
            tape.attention(
                fused: p[0], offsets: offsets, heads: 2, scale: 0.3, bias: p[1], reach: .causal)
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
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, offsets) = (Tensor(zeros: [4, 9]), SequenceOffsets(lengths: [4]))
            _ = tape.attention(fused: x, offsets: offsets, heads: 2, scale: 1)
        }
    }
}
