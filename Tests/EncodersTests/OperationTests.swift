import Tensors
import TestSupport
import Testing

/// Values against plain arithmetic in double, and gradients against differences.
@Suite struct OperationTests {
    private static let lengths = [1, 2, 17, 70, 131]

    private struct Setting: CustomTestStringConvertible, Sendable {
        var heads: Int
        var keyHeads: Int
        var size: Int
        var hasBias: Bool
        var reach: AttentionReach
        var testDescription: String {
            "\(heads)/\(keyHeads) heads of \(size), bias \(hasBias), \(reach)"
        }
        static let all = [
            Setting(heads: 2, keyHeads: 2, size: 8, hasBias: true, reach: .everything),
            Setting(heads: 2, keyHeads: 2, size: 12, hasBias: false, reach: .causal),
            Setting(heads: 4, keyHeads: 2, size: 16, hasBias: false, reach: .causal),
            Setting(heads: 3, keyHeads: 1, size: 5, hasBias: true, reach: .everything),
            Setting(
                heads: 2, keyHeads: 2, size: 8, hasBias: false,
                reach: AttentionReach(before: 5, after: 3)),
            Setting(
                heads: 4, keyHeads: 2, size: 8, hasBias: true,
                reach: AttentionReach(before: 64, after: 0)),
            Setting(
                heads: 2, keyHeads: 1, size: 8, hasBias: true,
                reach: AttentionReach(before: 0, after: 20)),
        ]
    }

    private func inputs(_ s: Setting, lengths: [Int], _ size: Float = 1) -> [Tensor] {
        var random = TestRandom(5)
        let (rows, longest) = (lengths.reduce(0, +), lengths.max() ?? 1)
        let tensors = [
            random.tensor([rows, s.heads * s.size], in: -size...size),
            random.tensor([rows, s.keyHeads * s.size], in: -size...size),
            random.tensor([rows, s.keyHeads * s.size], in: -1...1),
            // A distance more than needed on either side.
            random.tensor([2 * longest + 1, s.heads], in: -size...size),
        ]
        return s.hasBias ? tensors : Array(tensors.prefix(3))
    }

    private func attend(
        _ s: Setting, _ p: [Tensor], lengths: [Int], dropout: Float = 0, on tape: inout Tape
    ) -> Tensor {
        tape.attention(
            p[0], p[1], p[2], offsets: SequenceOffsets(lengths: lengths), heads: s.heads,
            keyHeads: s.keyHeads, scale: 0.3, bias: s.hasBias ? p[3] : nil, reach: s.reach,
            dropout: dropout, rows: RowNumbers((0..<lengths.reduce(0, +)).map { UInt32($0) }))
    }

    @Test(arguments: Setting.all) private func attentionValues(_ s: Setting) {
        let p = inputs(s, lengths: Self.lengths, 2)
        let (q, k, v) = (p[0].values, p[1].values, p[2].values)
        let bias = s.hasBias ? p[3].values : []
        let center = s.hasBias ? p[3].shape.rows / 2 : 0
        var expected: [Double] = []
        var start = 0
        for length in Self.lengths {
            for i in 0..<length {
                for head in 0..<s.heads {
                    let keyHead = head / (s.heads / s.keyHeads)
                    let lower = s.reach.before > i ? 0 : i - s.reach.before
                    let upper = s.reach.after > length ? length : min(length, i + s.reach.after + 1)
                    var weights: [Double] = []
                    for j in lower..<upper {
                        var score = 0.0
                        for d in 0..<s.size {
                            score +=
                                Double(q[((start + i) * s.heads + head) * s.size + d])
                                * Double(k[((start + j) * s.keyHeads + keyHead) * s.size + d])
                        }
                        score *= 0.3
                        if s.hasBias { score += Double(bias[(center + j - i) * s.heads + head]) }
                        weights.append(score)
                    }
                    let top = weights.max() ?? 0
                    weights = weights.map { exponential($0 - top) }
                    let sum = weights.reduce(0, +)
                    for d in 0..<s.size {
                        var total = 0.0
                        for j in lower..<upper {
                            let value = v[((start + j) * s.keyHeads + keyHead) * s.size + d]
                            total += weights[j - lower] / sum * Double(value)
                        }
                        expected.append(total)
                    }
                }
            }
            start += length
        }
        var tape = Tape(.inference)
        expectClose(
            attend(s, p, lengths: Self.lengths, on: &tape), expected, relative: 1e-5,
            absolute: 2e-6)
        // The path that keeps probabilities gives the same bits.
        var training = Tape(.training(seed: 1))
        let variables = p.map { training.variable($0) }
        let kept = attend(s, variables, lengths: Self.lengths, on: &training)
        var again = Tape(.inference)
        #expect(kept.bits == attend(s, p, lengths: Self.lengths, on: &again).bits)
    }

    /// e^x by squaring, to stay without a mathematics library.
    private func exponential(_ x: Double) -> Double {
        var (term, sum) = (1.0, 1.0)
        for n in 1...20 {
            term *= x / 1024 / Double(n)
            sum += term
        }
        for _ in 0..<10 { sum *= sum }
        return sum
    }

    @Test(arguments: Setting.all, [Float(0), 0.3])
    private func attentionGradients(_ s: Setting, _ rate: Float) {
        // Long enough for several blocks of rows.
        let lengths = [70, 1, 3]
        // Keys and biases that all queries see together do not move a softmax much: small steps would drown.
        expectGradients(of: inputs(s, lengths: lengths), GradientCheck(step: 2e-2)) { tape, p in
            attend(s, p, lengths: lengths, dropout: rate, on: &tape)
        }
    }

    @Test func biasOfSeveralLayers() {
        // One bias for two layers: gradients add.
        let s = Setting(heads: 2, keyHeads: 2, size: 4, hasBias: true, reach: .everything)
        expectGradients(of: inputs(s, lengths: [6, 2]), GradientCheck(step: 2e-2)) { tape, p in
            let once = attend(s, p, lengths: [6, 2], on: &tape)
            return attend(s, [once, p[1], p[2], p[3]], lengths: [6, 2], on: &tape)
        }
    }

    @Test func attentionTraps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, offsets) = (Tensor(zeros: [4, 8]), SequenceOffsets(lengths: [4]))
            _ = tape.attention(
                x, x, x, offsets: offsets, heads: 2, scale: 1, bias: Tensor(zeros: [5, 2]))
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let (x, offsets) = (Tensor(zeros: [4, 8]), SequenceOffsets(lengths: [4]))
            _ = tape.attention(x, x, x, offsets: offsets, heads: 4, keyHeads: 2, scale: 1)
        }
    }

    @Test(arguments: [(3, 32, 1), (5, 7, 3), (1, 1, 1), (0, 4, 2)])
    func rmsNorm(_ n: Int, _ width: Int, _ groups: Int) {
        var random = TestRandom(7)
        let x = random.tensor([n, groups * width], in: -2...2)
        let weight = random.tensor([width], in: 0.5...1.5)
        var tape = Tape(.inference)
        let y = tape.rmsNorm(x, weight: weight, epsilon: 1e-3)
        let (values, scale) = (x.values.map(Double.init), weight.values.map(Double.init))
        var expected: [Double] = []
        for index in values.indices {
            let group = index / width * width
            var sum = 0.0
            for value in values[group..<group + width] { sum += value * value }
            let root = (sum / Double(width) + 1e-3).squareRoot()
            expected.append(values[index] / root * scale[index % width])
        }
        expectClose(y, expected)
        guard n > 0 else { return }
        expectGradients(of: [x, weight], GradientCheck(step: 1e-3)) { tape, p in
            tape.rmsNorm(p[0], weight: p[1], epsilon: 1e-1)
        }
    }

    @Test func products() {
        var random = TestRandom(9)
        let x = random.tensor([3, 5])
        let weight = random.tensor([5, 7])
        let bias = random.tensor([7])
        var tape = Tape(.inference)
        let y = tape.product(x, weight, bias: bias)
        let (a, b, c) = (x.values, weight.values, bias.values)
        var expected: [Double] = []
        for row in 0..<3 {
            for column in 0..<7 {
                var sum = Double(c[column])
                for i in 0..<5 { sum += Double(a[row * 5 + i]) * Double(b[i * 7 + column]) }
                expected.append(sum)
            }
        }
        expectClose(y, expected)
        expectGradients(of: [x, weight, bias]) { tape, p in
            tape.product(p[0], p[1], bias: p[2])
        }
        expectGradients(of: [x, weight]) { tape, p in tape.product(p[0], p[1]) }
    }

    @Test func gating() {
        var random = TestRandom(11)
        let a = random.tensor([4, 9], in: -4...4)
        let b = random.tensor([4, 9])
        var tape = Tape(.inference)
        expectClose(
            tape.multiply(a, b), zip(a.values, b.values).map { Double($0) * Double($1) })
        expectClose(
            tape.silu(a), a.values.map { Double($0) / (1 + exponential(-Double($0))) },
            relative: 1e-6, absolute: 1e-6)
        let extremes = tape.silu(Tensor([-1e30, -100, 0, 100, 1e30]))
        expectClose(extremes, [0, 0, 0, 100, Double(Float(1e30))], relative: 1e-6)
        expectGradients(of: [a, b]) { tape, p in tape.multiply(p[0], p[1]) }
        expectGradients(of: [a]) { tape, p in tape.silu(p[0]) }
        expectGradients(of: [a]) { tape, p in tape.multiply(p[0], p[0]) }
    }

    @Test func concatenatedColumns() {
        var random = TestRandom(8)
        let parts = [3, 1, 5].map { random.tensor([4, $0]) }
        var tape = Tape(.inference)
        let y = tape.concatenateColumns(parts)
        #expect(y.shape == [4, 9])
        for row in 0..<4 { #expect(y.row(row) == parts.flatMap { $0.row(row) }) }
        expectGradients(of: parts) { tape, p in tape.concatenateColumns([p[0], p[1], p[2], p[0]]) }
    }

    @Test func columns() {
        var random = TestRandom(13)
        let x = random.tensor([3, 8])
        var tape = Tape(.inference)
        let y = tape.columns(x, 2..<5)
        #expect(y.shape == [3, 3] && y.row(1) == Array(x.row(1)[2..<5]))
        expectGradients(of: [x]) { tape, p in
            let first = tape.columns(p[0], 0..<3)
            let second = tape.columns(p[0], 4..<7)
            return tape.multiply(first, second)
        }
    }

    @Test func rotation() {
        var random = TestRandom(15)
        let x = random.tensor([3, 8])
        // Base 1: all pairs of a head turn by the position.
        let table = RotaryTable(positions: 4, size: 4, base: 1)
        var tape = Tape(.inference)
        let y = tape.rotate(x, positions: [0, 1, 3], by: table)
        #expect(y.row(0) == x.row(0))
        let (c, s) = (0.5403023058681398, 0.8414709848078965)
        let row = x.row(1).map(Double.init)
        var expected: [Double] = []
        for at in [0, 4] {
            for pair in 0..<2 { expected.append(row[at + pair] * c - row[at + pair + 2] * s) }
            for pair in 0..<2 { expected.append(row[at + pair + 2] * c + row[at + pair] * s) }
        }
        expectClose(y.row(1).map(Double.init), expected)
        let slow = RotaryTable(positions: 40, size: 8, base: 10_000)
        expectGradients(of: [x]) { tape, p in
            tape.rotate(p[0], positions: [2, 39, 7], by: slow)
        }
    }
}
