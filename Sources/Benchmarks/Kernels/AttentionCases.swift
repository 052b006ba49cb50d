import Tensors

extension KernelSizes {
    /// Attention of sequences of each length, about ``tokens`` tokens together, with dropout.
    func attentionCases(lengths: [Int]) -> [KernelCase] {
        lengths.flatMap { length in
            let count = max(1, tokens / length)
            let rows = length * count
            let heads = max(1, width / headSize)
            let size = "\(count) of length \(length), \(heads) heads of \(headSize)"
            let flops = 4 * Double(length * length) * Double(heads * headSize * count)
            let bytes = 4 * Double(rows * heads * headSize)
            let probabilities = 4 * Double(length * length * heads * count)
            func make(_ mode: Tape.Mode?) -> (Int) -> TimedBody {
                return { thread in
                    attention(
                        AttentionOperands(
                            lengths: Array(repeating: length, count: count), heads: heads,
                            headSize: headSize, seed: UInt64(thread)), mode)
                }
            }
            return [
                KernelCase(
                    name: "attention", size: size, bytes: 4 * bytes, flops: flops,
                    make: make(.inference)),
                KernelCase(
                    name: "attention, dropout", size: size, bytes: 4 * bytes + probabilities,
                    flops: flops, make: make(.training(seed: 1))),
                KernelCase(
                    name: "attention backward", size: size, bytes: 7 * bytes + probabilities,
                    flops: 2 * flops, make: make(nil)),
            ]
        }
    }
}

/// What attention is over.
struct AttentionOperands {
    let offsets: SequenceOffsets
    let heads: Int
    let headSize: Int
    let rows: RowNumbers
    /// Queries, keys, values, and the gradient of the result.
    let tensors: [Tensor]

    init(lengths: [Int], heads: Int, headSize: Int, seed: UInt64) {
        offsets = SequenceOffsets(lengths: lengths)
        (self.heads, self.headSize) = (heads, headSize)
        rows = .first(offsets.rowCount)
        let shape: Shape = [offsets.rowCount, heads * headSize]
        tensors = (0..<4).map { .random(shape, seed: seed << 8 + $0) }
    }
}

/// Times attention forward on a tape of `mode`, and the way back where that is `nil`.
func attention(_ operands: AttentionOperands, _ mode: Tape.Mode?) -> TimedBody {
    func build(_ tape: inout Tape) -> Tensor {
        let q = tape.variable(operands.tensors[0])
        let k = tape.variable(operands.tensors[1])
        let v = tape.variable(operands.tensors[2])
        return tape.attention(
            q, k, v, offsets: operands.offsets, heads: operands.heads,
            scale: 1 / Float(operands.headSize).squareRoot(), dropout: 0.1, rows: operands.rows)
    }
    guard let mode else { return TapeTiming.backward(seed: operands.tensors[3], build) }
    return TapeTiming.forward(mode, build)
}
