#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

import TestSupport
import Tensors
import Testing

/// The losses against their formulas in double precision, and against differences of those.
struct LossTests {
    private func cosine(_ a: [Double], _ b: [Double]) -> Double {
        func dot(_ x: [Double], _ y: [Double]) -> Double {
            zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    private func rows(_ values: [Double], _ width: Int) -> [[Double]] {
        stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    /// Positives at the same place; negatives all candidates, but for the same place where `isInBatch`.
    private func contrastive(
        _ a: [[Double]], _ p: [[Double]], _ n: [[Double]], isInBatch: Bool, _ form: ContrastiveForm,
        _ t: Double
    ) -> Double {
        var (sum, count) = (0.0, 0)
        for i in a.indices {
            let gaps = n.indices.filter { !(isInBatch && $0 == i) }.map {
                (cosine(a[i], n[$0]) - cosine(a[i], p[i])) / t
            }
            switch form {
            case .softmax:
                sum += log1p(gaps.reduce(0) { $0 + exp($1) })
                count += 1
            case .sigmoid:
                sum += gaps.reduce(0) { $0 + log1p(exp($1)) }
                count += gaps.count
            }
        }
        return sum / Double(count)
    }

    private func coSENT(_ cosines: [Double], _ labels: [Double], _ t: Double) -> Double {
        var sum = 0.0
        for i in labels.indices {
            for j in labels.indices where labels[i] < labels[j] {
                sum += exp((cosines[i] - cosines[j]) / t)
            }
        }
        return log1p(sum)
    }

    /// Compares value and gradients of `loss`, scaled by -2.5, with those of `exact`.
    private func compare(
        _ inputs: [Tensor], sourceLocation: SourceLocation = #_sourceLocation,
        _ loss: (inout Tape, [Tensor]) -> Tensor, _ exact: ([[[Double]]]) -> Double
    ) throws {
        var tape = Tape(.training(seed: 1))
        let variables = inputs.map { tape.variable($0) }
        let value = loss(&tape, variables)
        #expect(value.shape == [], sourceLocation: sourceLocation)
        let scaled = tape.scale(value, by: -2.5)
        let gradients = tape.backward(from: scaled)
        var wide = inputs.map { rows($0.values.map(Double.init), $0.shape.width) }
        expectClose(
            value, [exact(wide)], relative: 1e-6, absolute: 1e-12, "value",
            sourceLocation: sourceLocation)
        for (index, input) in inputs.enumerated() {
            var expected: [Double] = []
            for i in 0..<input.shape.rows {
                for j in 0..<input.shape.width {
                    let (old, h) = (wide[index][i][j], 1e-5)
                    wide[index][i][j] = old + h
                    let above = exact(wide)
                    wide[index][i][j] = old - h
                    let below = exact(wide)
                    wide[index][i][j] = old
                    expected.append(-2.5 * (above - below) / (2 * h))
                }
            }
            let size = expected.reduce(0) { max($0, abs($1)) }
            expectClose(
                try #require(gradients[variables[index]]), expected, relative: 1e-5,
                absolute: 1e-6 * size + 1e-9, "input \(index)", sourceLocation: sourceLocation)
        }
    }

    static let forms: [ContrastiveForm] = [.softmax, .sigmoid]

    @Test(arguments: forms, [0.05, 1]) func inBatch(_ form: ContrastiveForm, _ t: Double) throws {
        var random = TestRandom(1)
        for (b, d) in [(1, 7), (2, 1), (2, 3), (5, 8), (7, 13)] where form == .softmax || b > 1 {
            let inputs = [random.tensor([b, d]), random.tensor([b, d])]
            try compare(inputs) { tape, x in
                tape.inBatchLoss(x[0], x[1], form: form, temperature: t)
            } _: { x in
                contrastive(x[0], x[1], x[1], isInBatch: true, form, t)
            }
        }
    }

    @Test(arguments: forms, [0.05, 1]) func triplet(_ form: ContrastiveForm, _ t: Double) throws {
        var random = TestRandom(2)
        for (b, n, d) in [(1, 1, 7), (2, 2, 3), (5, 1, 8), (3, 8, 5), (7, 4, 13)] {
            let inputs = [random.tensor([b, d]), random.tensor([b, d]), random.tensor([n, d])]
            try compare(inputs) { tape, x in
                tape.tripletLoss(x[0], x[1], x[2], form: form, temperature: t)
            } _: { x in
                contrastive(x[0], x[1], x[2], isInBatch: false, form, t)
            }
        }
    }

    @Test(arguments: [0.05, 1]) func coSENT(_ t: Double) throws {
        var random = TestRandom(3)
        for labels in [[0], [1, 0], [1, 1, 1], [0, 3, 1, 3, 2, -1], [5, 0, 0, 5, 2.5]] as [[Double]]
        {
            let inputs = [random.tensor([labels.count, 6]), random.tensor([labels.count, 6])]
            try compare(inputs) { tape, x in
                tape.coSENTLoss(x[0], x[1], labels: labels, temperature: t)
            } _: { x in
                coSENT(zip(x[0], x[1]).map(cosine), labels, t)
            }
        }
    }

    @Test func gradients() {
        var random = TestRandom(4)
        let parts = (0..<3).map { _ in random.tensor([5, 9]) }
        let check = GradientCheck(step: 3e-3)
        for form in Self.forms {
            expectGradients(of: Array(parts[..<2]), check) { tape, x in
                tape.inBatchLoss(x[0], x[1], form: form, temperature: 0.2)
            }
            expectGradients(of: parts, check) { tape, x in
                tape.tripletLoss(x[0], x[1], x[2], form: form, temperature: 0.2)
            }
            // One tensor in two places.
            expectGradients(of: [parts[0], parts[1]], check) { tape, x in
                tape.tripletLoss(x[0], x[1], x[0], form: form, temperature: 0.5)
            }
        }
        expectGradients(of: Array(parts[..<2]), check) { tape, x in
            tape.coSENTLoss(x[0], x[1], labels: [1, 2, 0, 1, 5], temperature: 0.2)
        }
        expectGradients(of: Array(parts[..<2]), check) { tape, x in
            tape.cosineSimilarity(x[0], x[1])
        }
        expectGradients(of: [parts[0]], check) { tape, x in tape.normalize(x[0]) }
    }

    @Test func cosinesAndNormalizedRows() {
        var random = TestRandom(5)
        let (a, b) = (random.tensor([6, 9]), random.tensor([6, 9]))
        var tape = Tape(.inference)
        let wide = [a, b].map { rows($0.values.map(Double.init), 9) }
        let cosines = zip(wide[0], wide[1]).map(cosine)
        expectClose(tape.cosineSimilarity(a, b), cosines, relative: 1e-7, absolute: 1e-8)
        let expected = wide[0].flatMap { row in
            row.map { $0 / row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        }
        expectClose(tape.normalize(a), expected, relative: 1e-7, absolute: 1e-9)
        let selves = tape.cosineSimilarity(a, a)
        expectClose(selves, [1, 1, 1, 1, 1, 1], relative: 1e-7)
        #expect(tape.normalize(Tensor(zeros: [0, 4])).shape == [0, 4])
        #expect(tape.cosineSimilarity(Tensor(zeros: [0, 4]), Tensor(zeros: [0, 4])).shape == [0])
    }

    /// A zero row has length 1e-12, and no direction of its own; as torch.nn.functional.normalize.
    @Test func shortRowsAreDividedByAConstant() throws {
        let x = Tensor(
            [0, 0, 3e-20, 4e-20, 3e-13, 4e-13, 3e-11, 4e-11, 3e18, 4e18], shape: [5, 2])
        var tape = Tape(.training(seed: 1))
        let variable = tape.variable(x)
        let y = tape.normalize(variable)
        let expected = [0, 0, 3e-8, 4e-8, 0.3, 0.4, 0.6, 0.8, 0.6, 0.8]
        expectClose(y, expected, relative: 1e-6, absolute: 0)
        let seed = Tensor([1, 2, 1, 2, 1, 2, 1, 2, 1, 2], shape: [5, 2])
        let gradient = try #require(tape.backward(from: y, seed: seed)[variable])
        // (g - (g . u) u) / |x| where |x| is above the limit, g / 1e-12 below.
        let slopes = [
            1e12, 2e12, 1e12, 2e12, 1e12, 2e12, -6.4e9, 4.8e9, -6.4e-20, 4.8e-20,
        ]
        expectClose(gradient, slopes, relative: 1e-5, absolute: 0)
    }

    /// Far too long for exp, still exact.
    @Test func smallTemperatures() {
        let a = Tensor([1, 0, 0, 1], shape: [2, 2])
        let b = Tensor([-1, 0, 0, -1], shape: [2, 2])
        var tape = Tape(.training(seed: 1))
        let softmax = tape.inBatchLoss(a, b, form: .softmax, temperature: 1e-4)
        expectClose(softmax, [10_000], relative: 1e-6)
        let sigmoid = tape.inBatchLoss(a, b, form: .sigmoid, temperature: 1e-4)
        expectClose(sigmoid, [10_000], relative: 1e-6)
        let x = tape.variable(a)
        let loss = tape.coSENTLoss(x, b, labels: [0, 0], temperature: 1e-4)
        #expect(loss.scalar == 0)
        let gradients = tape.backward(from: loss)
        #expect(gradients[x]?.values == [0, 0, 0, 0])
    }

    /// uniem adds the pair loss of positives and anchors under the name `add_swap_loss`; here two losses are added.
    @Test func lossesAdd() throws {
        var random = TestRandom(6)
        let parts = (0..<3).map { _ in random.tensor([4, 5]) }
        try compare(parts) { tape, x in
            tape.add(
                tape.tripletLoss(x[0], x[1], x[2], form: .softmax, temperature: 0.1),
                tape.inBatchLoss(x[1], x[0], form: .softmax, temperature: 0.1))
        } _: { x in
            contrastive(x[0], x[1], x[2], isInBatch: false, .softmax, 0.1)
                + contrastive(x[1], x[0], x[0], isInBatch: true, .softmax, 0.1)
        }
    }

    @Test func traps() async {
        // The mean over no negatives has no value.
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let x = Tensor([1, 2], shape: [1, 2])
            _ = tape.inBatchLoss(x, x, form: .sigmoid, temperature: 0.05)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let x = Tensor(zeros: [0, 2])
            _ = tape.inBatchLoss(x, x, form: .softmax, temperature: 0.05)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let x = Tensor([1, 2], shape: [1, 2])
            _ = tape.inBatchLoss(x, x, form: .softmax, temperature: 0)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let x = Tensor([1, 2], shape: [1, 2])
            _ = tape.inBatchLoss(x, Tensor(zeros: [2, 2]), form: .softmax, temperature: 1)
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let x = Tensor([1, 2], shape: [1, 2])
            _ = tape.coSENTLoss(x, x, labels: [1, 2], temperature: 1)
        }
    }
}
