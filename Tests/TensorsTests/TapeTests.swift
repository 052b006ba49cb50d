import TestSupport
import Testing

@testable import Tensors

struct TapeTests {
    /// u = a + b, v = u + a, w = v + u, r = w + v + (u + a) + c = 7a + 4b + c: each gradient that `add` hands to both
    /// its inputs is shared memory, and adding into it in place would count more than is there.
    @Test func residualsDoNotShareGradients() {
        let parameters = ["a", "b", "c"].map { Parameter(name: $0, value: Tensor([1, 2])) }
        var tape = Tape(.training(seed: 1))
        let (a, b, c) = (
            tape.parameter(parameters[0]), tape.parameter(parameters[1]),
            tape.parameter(parameters[2])
        )
        let u = tape.add(a, b)
        let v = tape.add(u, a)
        let w = tape.add(v, u)
        let r = tape.add(tape.add(tape.add(w, v), tape.add(u, a)), c)
        #expect(r.values == [12, 24])
        let seed = Tensor([1, 10])
        let gradients = tape.backward(from: r, seed: seed)
        #expect(gradients[parameters[0]]?.values == [7, 70])
        #expect(gradients[parameters[1]]?.values == [4, 40])
        #expect(gradients[parameters[2]]?.values == [1, 10])
        #expect(seed.values == [1, 10])
    }

    /// Random nets of sums and products with whole numbers, whose gradients are exact.
    @Test(arguments: 0..<50) func randomNets(_ seed: Int) {
        var random = TestRandom(UInt64(seed))
        let parameters = (0..<3).map { Parameter(name: "p\($0)", value: Tensor([1, 1, 1])) }
        var tape = Tape(.training(seed: 1))
        // Each tensor with its coefficients of the parameters.
        var known: [(tensor: Tensor, coefficients: [Float])] = []
        for (index, parameter) in parameters.enumerated() {
            let unit: [Float] = (0..<3).map { $0 == index ? 1 : 0 }
            known.append((tape.parameter(parameter), unit))
        }
        known.append((tape.variable(Tensor([1, 1, 1])), [0, 0, 0]))
        for _ in 0..<12 {
            let x = known[Int.random(in: 0..<known.count, using: &random)]
            let y = known[Int.random(in: max(0, known.count - 3)..<known.count, using: &random)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0: known.append((tape.scale(y.tensor, by: -1), y.coefficients.map { -$0 }))
            case 1: known.append((tape.rows(y.tensor), y.coefficients))
            default:
                let sums = zip(x.coefficients, y.coefficients).map(+)
                known.append((tape.add(x.tensor, y.tensor), sums))
            }
        }
        // Several results, of which only the last counts, and it may be a leaf.
        let (result, coefficients) = known[known.count - 1]
        let gradients = tape.backward(from: result, seed: Tensor([1, 2, 3]))
        for (parameter, coefficient) in zip(parameters, coefficients) {
            let values = gradients[parameter]?.values ?? [0, 0, 0]
            #expect(values == [coefficient, 2 * coefficient, 3 * coefficient])
        }
    }

    @Test func aParameterUsedTwice() throws {
        var random = TestRandom(1)
        let x = random.tensor([3, 4])
        let weight = Parameter(name: "w", value: random.tensor([4, 4]))
        var tape = Tape(.training(seed: 1))
        let (first, second) = (tape.parameter(weight), tape.parameter(weight))
        #expect(first.node == second.node && tape.nodes.count == 1)
        let y = tape.linear(tape.linear(x, weight: first), weight: second)
        let dy = random.tensor([3, 4])
        let gradient = try #require(tape.backward(from: y, seed: dy)[weight])
        // y = x W' W': dW = dy' (x W') + (dy W)' x
        let (mx, mw, mdy) = (Matrix(x), Matrix(weight.value), Matrix(dy))
        let outer = mdy.transposed * (mx * mw.transposed)
        let inner = (mdy * mw).transposed * mx
        expectClose(gradient, outer.zipped(inner, +).values, absolute: 1e-6)
    }

    @Test func unusedAndUnreachedGetNothing() {
        let names = ["used", "unused", "unreached"]
        let parameters = names.map { Parameter(name: $0, value: Tensor([1, 2])) }
        var tape = Tape(.training(seed: 1))
        let leaves = parameters.map { tape.parameter($0) }
        let variable = tape.variable(Tensor([1, 2]))
        let y = tape.scale(leaves[0], by: 3)
        _ = tape.scale(leaves[2], by: 3)
        let gradients = tape.backward(from: y, seed: Tensor([1, 1]))
        #expect(gradients[parameters[0]]?.values == [3, 3])
        #expect(gradients[parameters[1]] == nil && gradients[parameters[2]] == nil)
        #expect(gradients[variable] == nil)
        #expect(gradients.sumOfSquares(of: parameters[0]) == 18)
        #expect(gradients.sumOfSquares(of: parameters[1]) == nil)
    }

    @Test func fromALeafAndFromAConstant() {
        let parameter = Parameter(name: "p", value: Tensor([1, 2]))
        var tape = Tape(.training(seed: 1))
        let gradients = tape.backward(from: tape.parameter(parameter), seed: Tensor([5, 6]))
        #expect(gradients[parameter]?.values == [5, 6])
        var other = Tape(.training(seed: 1))
        _ = other.parameter(parameter)
        let none = other.backward(from: Tensor([3]))
        #expect(none[parameter] == nil)
    }

    @Test func aScalarNeedsNoSeed() {
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(Tensor([4], shape: []))
        let y = tape.scale(x, by: 3)
        #expect(tape.backward(from: y)[x]?.values == [3])
    }

    /// All layers on `tape`; returns the tape's number of records.
    private func records(_ mode: Tape.Mode, frozen: Bool) -> Int {
        var random = TestRandom(1)
        let shapes: [Shape] = [[9, 8], [8, 8], [8]]
        let parameters = shapes.map { Parameter(name: "p", value: random.tensor($0)) }
        parameters.forEach { $0.isFrozen = frozen }
        let offsets = SequenceOffsets(lengths: [3, 2])
        let rows = RowNumbers([0, 1, 2, 3, 4])
        var tape = Tape(mode)
        let p = parameters.map { tape.parameter($0) }
        var x = tape.embed([(p[0], [1, 2, 3, 4, 8])])
        x = tape.linear(x, weight: p[1], bias: p[2])
        x = tape.activate(x, .geluErf)
        x = tape.layerNorm(x, weight: p[2], bias: p[2], epsilon: 1, dropout: 0.1, rows: rows)
        x = tape.attention(x, x, x, offsets: offsets, heads: 2, scale: 1, dropout: 0.1, rows: rows)
        x = tape.dropout(x, rate: 0.1, rows: rows)
        x = tape.add(x, tape.scale(x, by: 2))
        x = tape.pool(tape.rows(x, 0..<5), offsets: offsets, by: .mean)
        x = tape.normalize(x)
        _ = tape.cosineSimilarity(x, x)
        _ = tape.coSENTLoss(x, x, labels: [1, 2], temperature: 1)
        _ = tape.tripletLoss(x, x, x, form: .softmax, temperature: 1)
        x = tape.inBatchLoss(x, x, form: .softmax, temperature: 1)
        #expect((x.node == nil) == (tape.nodes.isEmpty))
        return tape.nodes.count
    }

    @Test func whatIsNotWantedIsNotRecorded() {
        #expect(records(.inference, frozen: false) == 0)
        #expect(records(.training(seed: 1), frozen: true) == 0)
        // Three leaves and fifteen operations.
        #expect(records(.training(seed: 1), frozen: false) == 18)
    }

    /// Below the last trainable parameter nothing is kept.
    @Test func onlyTheTrainablePartIsRecorded() {
        var random = TestRandom(2)
        let parameters = (0..<4).map { Parameter(name: "p\($0)", value: random.tensor([4, 4])) }
        parameters[..<3].forEach { $0.isFrozen = true }
        var tape = Tape(.training(seed: 1))
        var x = random.tensor([2, 4])
        for parameter in parameters { x = tape.linear(x, weight: tape.parameter(parameter)) }
        #expect(tape.nodes.count == 2)
        let gradients = tape.backward(from: x, seed: x.constant)
        #expect(gradients[parameters[3]] != nil && gradients[parameters[0]] == nil)
    }

    @Test func anotherTapesTensorsTrap() async {
        await #expect(processExitsWith: .failure) {
            var a = Tape(.training(seed: 1))
            var b = Tape(.training(seed: 1))
            let x = a.variable(Tensor([1]))
            _ = b.variable(Tensor([1]))
            _ = b.scale(x, by: 2)
        }
        await #expect(processExitsWith: .failure) {
            var a = Tape(.training(seed: 1))
            var b = Tape(.training(seed: 1))
            let x = a.variable(Tensor([1]))
            _ = b.variable(Tensor([1]))
            _ = b.backward(from: x)
        }
    }

    @Test func wrongSeedsTrap() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            _ = tape.backward(from: tape.variable(Tensor([1, 2])))
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            _ = tape.backward(from: tape.variable(Tensor([1, 2])), seed: Tensor([1]))
        }
    }

    @Test func aGradientOfAnotherShapeTraps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.training(seed: 1))
            let x = tape.variable(Tensor([1, 2]))
            let y = tape.record(Tensor([1, 2]), from: [x]) { _, sweep in
                sweep.give(Tensor([1, 2, 3]), to: 0)
            }
            _ = tape.backward(from: y, seed: Tensor([1, 2]))
        }
    }

    /// A variable's gradient is found only by that variable, not by one at the same place of another tape.
    @Test func variablesOfSeveralTapes() {
        let gradients = Gradients(turns: 2)
        var a = Tape(.training(seed: 1))
        var b = Tape(.training(seed: 1))
        let (x, y) = (a.variable(Tensor([1, 2])), b.variable(Tensor([1, 2])))
        let (u, v) = (a.scale(x, by: 2), b.scale(y, by: 3))
        a.backward(from: u, seed: Tensor([1, 1]), into: gradients, turn: 0)
        b.backward(from: v, seed: Tensor([1, 1]), into: gradients, turn: 1)
        #expect(gradients[x]?.values == [2, 2])
        #expect(gradients[y]?.values == [3, 3])
        #expect(gradients[x.constant] == nil)
    }
}

extension Tape {
    /// All rows, as an operation of its own; also for tensors of rank 1.
    fileprivate mutating func rows(_ x: Tensor) -> Tensor {
        record(x.constant, from: [x]) { dy, sweep in sweep.give(dy, to: 0) }
    }
}
