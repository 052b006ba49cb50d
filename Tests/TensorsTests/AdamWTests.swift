import TestSupport
import Testing

@testable import Tensors

struct AdamWTests {
    private func settings(decay: Double = 0.1) -> AdamWStep {
        AdamWStep(rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: decay, step: 1)
    }

    /// Hands `gradient` to `parameter` as the only thing of a step.
    private func gradients(_ parameter: Parameter, _ gradient: Tensor) -> Gradients {
        var tape = Tape(.training(seed: 1))
        return tape.backward(from: tape.parameter(parameter), seed: gradient)
    }

    private func update(
        _ parameter: Parameter, _ moments: AdamWMoments, _ gradients: Gradients,
        _ settings: AdamWStep, size: Int = 1 << 16
    ) {
        moments.pieces(of: parameter, gradients, settings, size: size).forEach { $0.run() }
    }

    private func same(_ a: (Parameter, AdamWMoments), _ b: (Parameter, AdamWMoments)) -> Bool {
        a.0.value.bits == b.0.value.bits && a.1.first.bits == b.1.first.bits
            && a.1.second.bits == b.1.second.bits && a.1.steps == b.1.steps
    }

    @Test func againstDouble() {
        var random = TestRandom(1)
        let parameter = Parameter(name: "p", value: random.tensor([7, 33]))
        var p = parameter.value.values.map(Double.init)
        var (m, v) = (p.map { _ in 0.0 }, p.map { _ in 0.0 })
        let moments = AdamWMoments(shape: [7, 33])
        for step in 1...30 {
            let g = random.tensor([7, 33])
            update(parameter, moments, gradients(parameter, g), settings())
            let (c1, c2) = (1 - raised(0.9, step), 1 - raised(0.999, step))
            for (i, g) in g.values.map(Double.init).enumerated() {
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                p[i] -= 0.01 * 0.1 * p[i]
                p[i] -= 0.01 * (m[i] / c1) / ((v[i] / c2).squareRoot() + 1e-8)
            }
            #expect(moments.steps == step)
        }
        expectClose(parameter.value, p, relative: 1e-5, absolute: 2e-6)
        expectClose(moments.first, m, relative: 1e-5, absolute: 1e-6)
        expectClose(moments.second, v, relative: 1e-5, absolute: 1e-8)
    }

    private func raised(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    @Test func corrections() {
        for step in [1, 2, 3, 10, 1000] {
            var settings = settings()
            settings.step = step
            #expect(abs(settings.correction1 - (1 - raised(0.9, step))) < 1e-12)
            #expect(abs(settings.correction2 - (1 - raised(0.999, step))) < 1e-12)
        }
    }

    /// A table whose gradient has only some rows, and its twin that gets the same as a whole tensor, agree bit for
    /// bit after every step; also when dense steps come between, and when the moments are loaded anew.
    @Test(arguments: [0, 0.1], [1, 12, 16]) func rowSparseEqualsDense(_ decay: Double, _ h: Int)
        throws
    {
        var random = TestRandom(2)
        let start = random.tensor([50, h])
        let sparse = Parameter(name: "sparse", value: start)
        let dense = Parameter(name: "dense", value: start.copy)
        sparse.assign(start)
        var moments = AdamWMoments(shape: [50, h])
        let twins = AdamWMoments(shape: [50, h])
        var reached = Set<Int32>()
        for step in 0..<14 {
            // Some rows come often, some once, some never; in one step, none comes.
            let ids = step == 5 ? [] : random.ids(8, below: step % 3 == 0 ? 40 : 10)
            reached.formUnion(ids)
            var tape = Tape(.training(seed: 1))
            let table = tape.parameter(sparse)
            let y = tape.embed([(table, ids)])
            // A second use makes the gradient dense.
            if step == 8 { _ = tape.scale(table, by: 1) }
            let sum = tape.backward(from: y, seed: random.tensor([ids.count, h]))
            if case .rows = try #require(sum.storage(of: sparse)) {
                #expect(step != 8)
            } else {
                #expect(step == 8)
            }
            let whole = try #require(sum[sparse]).copy
            if step == 10 {
                moments = AdamWMoments(
                    first: moments.first, second: moments.second, steps: moments.steps)
            }
            var settings = settings(decay: decay)
            settings.rate = 0.01 / Double(step + 1)
            update(sparse, moments, sum, settings, size: step % 2 == 0 ? 1 << 16 : 37)
            update(dense, twins, gradients(dense, whole), settings)
            #expect(same((sparse, moments), (dense, twins)), "step \(step)")
        }
        #expect(reached.count > 10 && reached.count < 50)
    }

    /// Rows that nobody looks at for many steps, of rates that change, have the bits of a table whose decay is paid at
    /// once: those that a forward pass reads, on any of two threads, and all in the end. Also where the optimizer is
    /// another one from some step on, and where the table gets new numbers.
    @Test(arguments: [3, 128, 200]) func decayThatIsPutOff(_ h: Int) throws {
        var random = TestRandom(4)
        let start = random.tensor([60, h])
        let lazy = Parameter(name: "lazy", value: start.copy)
        let eager = Parameter(name: "eager", value: start.copy)
        let workers = WorkerPool(threads: 2)
        defer { workers.close() }
        var moments = AdamWMoments(shape: [60, h])
        let twins = AdamWMoments(shape: [60, h])
        for step in 0..<60 {
            if step == 20 {
                moments = AdamWMoments(
                    first: moments.first, second: moments.second, steps: moments.steps)
            }
            if step == 40 {
                let fresh = random.tensor([60, h])
                lazy.assign(fresh)
                eager.assign(fresh)
            }
            let ids = random.ids(3, below: 10 + Int32(step) / 2)
            let seed = random.tensor([3, h])
            func gradients(of table: Parameter) -> Gradients {
                var tape = Tape(.training(seed: 1))
                let rows = tape.embed([(tape.parameter(table), ids)])
                return tape.backward(from: rows, seed: seed)
            }
            var settings = settings()
            settings.rate = step % 7 == 3 ? 0 : 0.01 / Double(step + 1)
            let sum = gradients(of: eager)
            update(lazy, moments, gradients(of: lazy), settings)
            update(eager, twins, sum, settings)
            _ = eager.value.bits
            guard step % 9 == 8 else { continue }
            // Both threads read the same rows, none of which had a gradient.
            let words = (0..<60).map { Int32($0 % 30) + 30 }
            workers.run(2) { _ in
                for _ in 0..<4 {
                    var tape = Tape(.inference)
                    let rows = tape.embed([(tape.parameter(lazy), words)])
                    let twin = tape.embed([(tape.parameter(eager), words)])
                    #expect(rows.bits == twin.bits, "step \(step)")
                }
            }
        }
        #expect(same((lazy, moments), (eager, twins)))
    }

    /// A factor that is put off is not lost where a gradient of the whole table comes, and the table's memory is read
    /// by whoever has it.
    @Test func debtsArePaidForWholeGradients() throws {
        var random = TestRandom(5)
        let start = random.tensor([9, 4])
        let parameter = Parameter(name: "p", value: start.copy)
        let moments = AdamWMoments(shape: [9, 4])
        let held = parameter.value
        for _ in 0..<3 {
            var tape = Tape(.training(seed: 1))
            let rows = tape.embed([(tape.parameter(parameter), [2])])
            update(parameter, moments, tape.backward(from: rows, seed: rows), settings())
        }
        let keep: Float = 1 - 0.01 * 0.1
        let expected = start.row(8).map { $0 * keep * keep * keep }
        #expect(held.row(8) == expected && held.row(2) != start.row(2))
        update(parameter, moments, gradients(parameter, Tensor(zeros: [9, 4])), settings())
        #expect(parameter.value.row(8) == expected.map { $0 * keep })
    }

    /// Pieces of any size give the same bits, in any order, and their borders do not depend on who runs them.
    @Test func piecesMakeTheWhole() throws {
        var random = TestRandom(3)
        let (start, gradient) = (random.tensor([13, 9]), random.tensor([13, 9]))
        func run(size: Int) -> (Parameter, AdamWMoments) {
            let parameter = Parameter(name: "p", value: start.copy)
            let moments = AdamWMoments(shape: [13, 9])
            for _ in 0..<3 {
                let sum = gradients(parameter, gradient)
                let pieces = moments.pieces(of: parameter, sum, settings(), size: size)
                #expect(pieces.count == max(1, (117 + size - 1) / size))
                pieces.reversed().forEach { $0.run() }
            }
            return (parameter, moments)
        }
        let whole = run(size: 1 << 16)
        for size in [1, 8, 13, 100, 117, 118] { #expect(same(run(size: size), whole)) }
    }

    /// What has no gradient is left alone whole: no decay, no step.
    @Test func noGradientNoStep() {
        let (a, b) = (
            Parameter(name: "a", value: Tensor([1, 2])),
            Parameter(name: "b", value: Tensor([3, 4]))
        )
        let moments = AdamWMoments(shape: [2])
        #expect(moments.pieces(of: b, gradients(a, Tensor([1, 1])), settings()).isEmpty)
        #expect(moments.steps == 0 && b.value.values == [3, 4])
    }

    @Test func emptyParameters() {
        let parameter = Parameter(name: "p", value: Tensor(zeros: [0, 4]))
        let sum = gradients(parameter, Tensor(zeros: [0, 4]))
        let moments = AdamWMoments(shape: [0, 4])
        moments.pieces(of: parameter, sum, settings()).forEach { $0.run() }
        #expect(moments.steps == 1)
    }

    @Test func momentsAreCopied() {
        let first = Tensor([1, 2])
        let moments = AdamWMoments(first: first, second: Tensor([3, 4]), steps: 5)
        let parameter = Parameter(name: "p", value: Tensor([0, 0]))
        update(parameter, moments, gradients(parameter, Tensor([1, 1])), settings())
        #expect(first.values == [1, 2] && moments.first.values != [1, 2] && moments.steps == 6)
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            _ = AdamWMoments(first: Tensor([1]), second: Tensor([1, 2]), steps: 1)
        }
        await #expect(processExitsWith: .failure) {
            let parameter = Parameter(name: "p", value: Tensor([1, 2]))
            var tape = Tape(.training(seed: 1))
            let sum = tape.backward(from: tape.parameter(parameter), seed: Tensor([1, 1]))
            let settings = AdamWStep(
                rate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, decay: 0, step: 1)
            _ = AdamWMoments(shape: [3]).pieces(of: parameter, sum, settings)
        }
    }
}
