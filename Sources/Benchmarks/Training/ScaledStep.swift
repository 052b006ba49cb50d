import Tokenizers
import Uniem

/// Training steps of a BERT with random weights on random tokens.
final class ScaledStep {
    /// What was found.
    struct Result {
        var seconds: Double
        var tokens: Int
        var flops: Double
        /// The time of the attention kernels as a share of the step's.
        var attentionShare: Double
    }

    private let sizes: ScalingCommand
    private let layers: Int
    private let pool: WorkerPool
    private let step: TrainingStep
    private var number = 0

    init(_ sizes: ScalingCommand, layers: Int, _ pool: WorkerPool) throws {
        (self.sizes, self.layers, self.pool) = (sizes, layers, pool)
        // Texts are random numbers; the tokenizer is there because a model has one.
        let tokenizer = try Tokenizer.wordPiece(
            vocabulary: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"], lowercase: true,
            modelMaxLength: 512)
        let embedder = try Embedder.fresh(
            configuration: BERTConfig.fresh(
                vocabularySize: sizes.words, hiddenSize: sizes.hidden, layers: layers,
                heads: sizes.heads), tokenizer: tokenizer)
        var configuration = TrainingConfiguration()
        configuration.learningRate = 1e-5
        embedder.precision = sizes.precision.value.precision
        step = try TrainingStep(
            embedder, loss: CoSENTLoss(), configuration: configuration, pool: pool)
    }

    /// A step over about `tokens` tokens in texts of `length`.
    func measure(tokens: Int, length: Int, rounds: Int) throws -> Result {
        let rows = max(1, tokens / length / 2)
        let columns = (0..<2).map { column in
            (0..<rows).map { row in
                (0..<length).map { place in
                    let at = UInt64((row * 2 + column) * length + place)
                    return Int32(999 + SplitMix64.draw(5, at) % UInt64(sizes.words - 999))
                }
            }
        }
        let labels = (0..<UInt64(rows)).map { Double(SplitMix64.draw(6, $0) % 6) }
        var times: [Double] = []
        for round in 0...rounds {
            let outcome = step(columns: columns, labels: labels, number: number)
            number += 1
            if round > 0 { times.append(outcome.seconds) }
        }
        let seconds = Samples(times).median
        let lengths = Array(repeating: length, count: 2 * rows)
        let flops = ModelFLOPs(
            width: sizes.hidden, inner: 4 * sizes.hidden, layers: layers)
        return Result(
            seconds: seconds, tokens: lengths.count * length, flops: flops.training(lengths),
            attentionShare: attentionSeconds(length) * Double(lengths.count * layers) / seconds)
    }

    /// The seconds of attention, forward and back, of one text in one layer, where all threads work.
    private func attentionSeconds(_ length: Int) -> Double {
        let count = max(1, 512 / length)
        let lengths = Array(repeating: length, count: count)
        return [Tape.Mode.training(seed: 1), nil].reduce(0.0) { sum, mode in
            let rate = Measurement(budget: 0.1).perSecond(pool) { [sizes] thread in
                attention(
                    AttentionOperands(
                        lengths: lengths, heads: sizes.heads,
                        headSize: sizes.hidden / sizes.heads, seed: UInt64(thread)), mode)
            }
            return sum + 1 / rate / Double(count)
        }
    }
}
