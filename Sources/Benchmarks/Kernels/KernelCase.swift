import Tensors

/// One kernel on operands of one size.
struct KernelCase {
    let name: String
    /// What it works on.
    let size: String
    /// Bytes that it has to read and write, each operand once.
    let bytes: Double
    /// Multiplications and additions of its matrix products; `nil` where there are none.
    var flops: Double?
    /// Makes the operands of a thread and what is timed.
    let make: (_ thread: Int) -> TimedBody
}

/// Times an operation of the tape forward, or the way back alone.
enum TapeTiming {
    /// The operation `build` on a fresh tape of `mode`.
    static func forward(
        _ mode: Tape.Mode = .inference, _ build: @escaping (inout Tape) -> Tensor
    ) -> TimedBody {
        return {
            var tape = Tape(mode)
            return seconds { _ = build(&tape) }
        }
    }

    /// The way back from what `build` makes, where the gradient of the result is `seed`.
    static func backward(
        seed: Tensor?, _ build: @escaping (inout Tape) -> Tensor
    ) -> TimedBody {
        var memory: Gradients?
        return {
            let gradients = memory.map { Gradients(turns: 1, reusing: $0) } ?? Gradients(turns: 1)
            memory = gradients
            var tape = Tape(.training(seed: 1))
            let result = build(&tape)
            let clock = ContinuousClock()
            let start = clock.now
            tape.backward(from: result, seed: seed, into: gradients, turn: 0)
            return (clock.now - start) / .seconds(1)
        }
    }
}

/// The sizes that kernels are measured at.
struct KernelSizes {
    /// Tokens of a chunk.
    var tokens: Int
    /// The width of hidden states.
    var width: Int
    /// The size of an attention head.
    var headSize: Int
    /// Rows of the word table.
    var words: Int

    /// The width inside feed-forward blocks.
    var inner: Int { 4 * width }
    /// Bytes of hidden states.
    var hiddenBytes: Double { 4 * Double(tokens * width) }
    /// Bytes inside feed-forward blocks.
    var innerBytes: Double { 4 * Double(tokens * inner) }
    /// `[512, 384]`
    var hidden: Shape { [tokens, width] }
}
