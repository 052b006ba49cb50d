import Tensors
import Uniem

/// The products of a linear layer Y = X W^T: X [T, I], W [O, I], each timed by itself through the tape.
///
/// What the tape adds (a buffer for the result, a record) counts too, as in a model.
final class LinearProduct {
    /// Which product.
    enum Kind: String, CaseIterable {
        /// Y = X W^T
        case forward = "y"
        /// dX = dY W
        case inputGradient = "dx"
        /// dW = dY^T X
        case weightGradient = "dw"
    }

    private let kind: Kind
    private let x: Tensor
    private let dy: Tensor
    private let weights: [Parameter]
    private let precision: MixedPrecision
    private var turn = 0
    private var memory: Gradients?

    /// - Parameter weights: how many weights take turns.
    init(
        _ kind: Kind, tokens: Int, inputs: Int, outputs: Int, weights: Int = 1,
        precision: MixedPrecision, seed: UInt64
    ) {
        (self.kind, self.precision) = (kind, precision)
        x = .random([tokens, inputs], seed: seed)
        dy = .random([tokens, outputs], seed: seed + 1)
        self.weights = (0..<max(1, weights)).map { index in
            let parameter = Parameter(
                name: "weight.\(index)",
                value: .random([outputs, inputs], seed: seed + 2 + UInt64(index)))
            parameter.isFrozen = kind != .weightGradient
            return parameter
        }
    }

    /// Computes the product once; the seconds of the product alone.
    func time() -> Double {
        let weight = weights[turn % weights.count]
        turn += 1
        switch kind {
        case .forward:
            var tape = Tape(.inference, precision: precision)
            let table = tape.parameter(weight)
            return seconds { _ = tape.linear(x, weight: table) }
        case .inputGradient: return backward(weight) { $0.variable($1) }
        case .weightGradient: return backward(weight) { _, x in x }
        }
    }

    private func backward(
        _ weight: Parameter, input: (inout Tape, Tensor) -> Tensor
    ) -> Double {
        let gradients = memory.map { Gradients(turns: 1, reusing: $0) } ?? Gradients(turns: 1)
        memory = gradients
        var tape = Tape(.training(seed: 1), precision: precision)
        let x = input(&tape, x)
        let y = tape.linear(x, weight: tape.parameter(weight))
        let clock = ContinuousClock()
        let start = clock.now
        tape.backward(from: y, seed: dy, into: gradients, turn: 0)
        return (clock.now - start) / .seconds(1)
    }

    /// GFLOP/s of all threads of `pool` together, each with operands of its own.
    static func gigaflops(
        _ kind: Kind, tokens: Int, inputs: Int, outputs: Int, weights: Int = 1,
        precision: MixedPrecision, _ measurement: Measurement, _ pool: WorkerPool
    ) -> Double {
        let rate = measurement.perSecond(pool) { thread in
            let product = LinearProduct(
                kind, tokens: tokens, inputs: inputs, outputs: outputs, weights: weights,
                precision: precision, seed: UInt64(thread) << 32)
            // Each weight once: the first gradient of each has memory that the system must clear.
            for _ in product.weights { _ = product.time() }
            return { product.time() }
        }
        return rate * 2 * Double(tokens) * Double(inputs) * Double(outputs) / 1e9
    }
}
