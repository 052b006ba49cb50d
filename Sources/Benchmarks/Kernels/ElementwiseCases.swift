import Tensors

extension KernelSizes {
    /// Kernels that go over rows: activations, norms, dropout, pooling.
    var rowCases: [KernelCase] { activationCases + normCases + otherRowCases }

    private var activationCases: [KernelCase] {
        let shape: Shape = [tokens, inner]
        return [
            KernelCase(name: "gelu", size: "\(shape)", bytes: 2 * innerBytes) { thread in
                let x = Tensor.random(shape, seed: UInt64(thread))
                return TapeTiming.forward { $0.activate(x, .geluErf) }
            },
            KernelCase(name: "gelu backward", size: "\(shape)", bytes: 3 * innerBytes) { thread in
                let x = Tensor.random(shape, seed: UInt64(thread))
                return TapeTiming.backward(seed: .random(shape, seed: 9)) { tape in
                    let x = tape.variable(x)
                    return tape.activate(x, .geluErf)
                }
            },
        ]
    }

    /// Layer norm of dropout(x) + residual, as after attention and feed-forward blocks.
    private var normCases: [KernelCase] {
        let (shape, rows, width) = (hidden, RowNumbers.first(tokens), width)
        func build(_ thread: Int, _ mode: Tape.Mode?) -> TimedBody {
            let (x, residual) = (Tensor.random(shape, seed: 1), Tensor.random(shape, seed: 2))
            let weight = Parameter(name: "weight", value: .random([width], seed: 3))
            let bias = Parameter(name: "bias", value: .random([width], seed: 4))
            func norm(_ tape: inout Tape) -> Tensor {
                let (x, residual) = (tape.variable(x), tape.variable(residual))
                let (weight, bias) = (tape.parameter(weight), tape.parameter(bias))
                return tape.layerNorm(
                    x, residual: residual, weight: weight, bias: bias, epsilon: 1e-12,
                    dropout: 0.1, rows: rows)
            }
            guard let mode else {
                return TapeTiming.backward(seed: .random(shape, seed: 5), norm)
            }
            return TapeTiming.forward(mode, norm)
        }
        let size = "\(shape)"
        return [
            KernelCase(name: "layer norm", size: size, bytes: 3 * hiddenBytes) {
                build($0, .inference)
            },
            KernelCase(name: "layer norm, dropout", size: size, bytes: 4 * hiddenBytes) {
                build($0, .training(seed: 1))
            },
            // Reads dy, normalized, dz; writes dz, dx.
            KernelCase(name: "layer norm backward", size: size, bytes: 5 * hiddenBytes) {
                build($0, nil)
            },
        ]
    }

    private var otherRowCases: [KernelCase] {
        let (shape, rows) = (hidden, RowNumbers.first(tokens))
        let length = min(16, tokens)
        let offsets = SequenceOffsets(
            lengths: Array(repeating: length, count: max(1, tokens / length)))
        let packed: Shape = [offsets.rowCount, width]
        let size = "\(shape)"
        return [
            KernelCase(name: "dropout", size: size, bytes: 2 * hiddenBytes) { thread in
                let x = Tensor.random(shape, seed: UInt64(thread))
                return TapeTiming.forward(.training(seed: 1)) {
                    $0.dropout(x, rate: 0.1, rows: rows)
                }
            },
            KernelCase(name: "add", size: size, bytes: 3 * hiddenBytes) { thread in
                let (a, b) = (
                    Tensor.random(shape, seed: UInt64(thread)), Tensor.random(shape, seed: 8)
                )
                return TapeTiming.forward { $0.add(a, b) }
            },
            KernelCase(name: "mean pooling", size: "\(packed)", bytes: hiddenBytes) { thread in
                let x = Tensor.random(packed, seed: UInt64(thread))
                return TapeTiming.forward { $0.pool(x, offsets: offsets, by: .mean) }
            },
            KernelCase(name: "sum of squares", size: "\(shape)", bytes: hiddenBytes) { thread in
                let x = Tensor.random(shape, seed: UInt64(thread))
                return { seconds { precondition(x.sumOfSquares > 0) } }
            },
        ]
    }
}
