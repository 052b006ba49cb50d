import Tensors

extension KernelSizes {
    /// Kernels that read and write parameters: tables and the optimizer.
    var parameterCases: [KernelCase] { tableCases + [optimizerCase] }

    /// The sum of rows of three tables, as BERT's embeddings are.
    private var tableCases: [KernelCase] {
        let (tokens, width, words, hidden) = (tokens, width, words, hidden)
        func build(_ thread: Int, isBackward: Bool) -> TimedBody {
            let tables = [words, 512, 2].enumerated().map { index, rows in
                Parameter(
                    name: "table.\(index)", value: .random([rows, width], seed: UInt64(index)))
            }
            let ids = tables.map { table in
                (0..<UInt64(tokens)).map {
                    Int32(SplitMix64.draw(UInt64(thread), $0) % UInt64(table.shape.rows))
                }
            }
            func embed(_ tape: inout Tape) -> Tensor {
                var lookups: [(table: Tensor, ids: [Int32])] = []
                for (table, ids) in zip(tables, ids) {
                    lookups.append((tape.parameter(table), ids))
                }
                return tape.embed(lookups)
            }
            return isBackward
                ? TapeTiming.backward(seed: .random(hidden, seed: 5), embed)
                : TapeTiming.forward(.inference, embed)
        }
        let size = "\(hidden) of \(words) words"
        return [
            // Reads three rows and the sum twice, writes it three times.
            KernelCase(name: "embedding rows", size: size, bytes: 8 * hiddenBytes) {
                build($0, isBackward: false)
            },
            // Reads dy, reads and writes the row of a table; three times.
            KernelCase(name: "embedding rows backward", size: size, bytes: 9 * hiddenBytes) {
                build($0, isBackward: true)
            },
        ]
    }

    /// AdamW of one large parameter: reads value, gradient and moments, writes all but the gradient.
    private var optimizerCase: KernelCase {
        let shape: Shape = [1 << 10, 1 << 12]
        return KernelCase(name: "adamw", size: "\(shape)", bytes: 28 * Double(shape.count)) { _ in
            let parameter = Parameter(name: "weight", value: .random(shape, seed: 1))
            var tape = Tape(.training(seed: 1))
            let value = tape.parameter(parameter)
            let gradients = tape.backward(from: value, seed: .random(shape, seed: 2))
            let moments = AdamWMoments(shape: shape)
            let settings = AdamWStep(
                rate: 1e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1e-3, step: 0)
            return {
                let pieces = moments.pieces(of: parameter, gradients, settings)
                return seconds { for piece in pieces { piece.run() } }
            }
        }
    }

    /// Losses of batches of `sizes` rows, forward and back.
    func lossCases(sizes: [Int]) -> [KernelCase] {
        sizes.flatMap { size -> [KernelCase] in
            let shape: Shape = [size, width]
            let labels = (0..<UInt64(size)).map { Double(SplitMix64.draw(7, $0) % 26) / 5 }
            // Reads two columns, writes two gradients.
            let bytes = 4 * 4 * Double(shape.count)
            func make(
                _ loss: @escaping (inout Tape, Tensor, Tensor) -> Tensor
            ) -> (Int) -> TimedBody {
                return { thread in
                    let a = Tensor.random(shape, seed: UInt64(thread))
                    let b = Tensor.random(shape, seed: UInt64(thread) + 1000)
                    return {
                        seconds {
                            var tape = Tape(.training(seed: 1))
                            let (a, b) = (tape.variable(a), tape.variable(b))
                            let value = loss(&tape, a, b)
                            _ = tape.backward(from: value)
                        }
                    }
                }
            }
            let pairs = 4 * 3 * Double(size * size) * Double(width) / 2
            return [
                KernelCase(
                    name: "cosent, both ways", size: "\(shape)", bytes: bytes,
                    make: make { $0.coSENTLoss($1, $2, labels: labels, temperature: 0.05) }),
                KernelCase(
                    name: "in-batch softmax, both ways", size: "\(shape)", bytes: bytes,
                    flops: pairs,
                    make: make { $0.inBatchLoss($1, $2, form: .softmax, temperature: 0.05) }),
            ]
        }
    }
}
