import TestSupport
import Testing

@testable import Tensors

/// The check itself: right gradients pass, wrong ones do not.
struct GradientCheckTests {
    private let inputs: [Tensor] = {
        var random = TestRandom(3)
        return [random.tensor([5, 7]), random.tensor([5, 7])]
    }()

    /// y = a b + 3 a, element by element, with the gradients that `wrong` makes of the right ones.
    private func problems(_ wrong: @escaping (_ da: Float, _ db: Float) -> (Float, Float))
        -> [String]
    {
        GradientCheck().problems(inputs) { tape, inputs in
            let (a, b) = (inputs[0].constant, inputs[1].constant)
            let values = zip(a.values, b.values).map { $0 * $1 + 3 * $0 }
            return tape.record(Tensor(values, shape: a.shape), from: inputs) { dy, sweep in
                let pairs = (0..<a.shape.count).map { i in
                    wrong(dy.values[i] * (b.values[i] + 3), dy.values[i] * a.values[i])
                }
                sweep.give(Tensor(pairs.map(\.0), shape: a.shape), to: 0)
                sweep.give(Tensor(pairs.map(\.1), shape: a.shape), to: 1)
            }
        }
    }

    @Test func acceptsTheRightGradient() { #expect(problems { ($0, $1) } == []) }

    @Test func refusesAWrongSign() {
        let found = problems { ($0, -$1) }
        #expect(!found.isEmpty)
        #expect(found.allSatisfy { $0.hasPrefix("input 1") })
    }

    @Test func refusesAWrongFactor() {
        #expect(!problems { ($0 * 1.05, $1) }.isEmpty)
        #expect(!problems { ($0, $1 * 0.95) }.isEmpty)
    }

    @Test func refusesAMissingTerm() {
        #expect(!problems { da, db in (da - 0.05 * db, db) }.isEmpty)
    }

    @Test func refusesAGradientOfNothing() {
        let found = GradientCheck().problems([inputs[0]]) { tape, inputs in
            tape.record(inputs[0].copy, from: inputs) { _, _ in }
        }
        #expect(found.contains("input 0 has no gradient"))
    }

    /// A check that could not fail is no check.
    @Test func refusesAnInputThatDoesNotCount() {
        let found = GradientCheck().problems(inputs) { tape, inputs in
            tape.add(inputs[0], tape.scale(inputs[1], by: 1e-9))
        }
        #expect(found.contains { $0.hasPrefix("input 1: nothing rises above") })
        #expect(!found.contains { $0.hasPrefix("input 0") })
    }

    @Test func refusesAGradientOfAFrozenParameter() {
        let found = GradientCheck().problems([inputs[0]]) { tape, inputs in
            // Ignores that the input is constant.
            let leaf = tape.parameter(Parameter(name: "hidden", value: inputs[0].constant))
            return tape.scale(leaf, by: 2)
        }
        #expect(!found.isEmpty)
    }

    @Test func closeMeansClose() {
        #expect(farthest([1, 2], [1, 2.1], relative: 0.01, absolute: 0) != nil)
        #expect(farthest([1, 2], [1, 2.01], relative: 0.01, absolute: 0) == nil)
        #expect(farthest([1], [1, 2], relative: 1, absolute: 1) != nil)
        #expect(farthest([.nan], [0], relative: 1, absolute: 1) != nil)
        #expect(farthest([0], [.nan], relative: 1, absolute: 1) != nil)
        #expect(farthest([1], [.infinity], relative: 1, absolute: 1) != nil)
        #expect(farthest([.infinity], [.infinity], relative: 0, absolute: 0) == nil)
    }
}
