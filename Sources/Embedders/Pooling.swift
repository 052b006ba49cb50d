public import Encoders
internal import Files
public import Tensors

/// How the hidden states of a text become its embedding: uniem's `PoolingStrategy` by its names, and the other modes of
/// sentence-transformers.
public enum Pooling: String, CaseIterable, Sendable {
    /// The state of the first token in the last layer.
    case cls
    /// The mean of the last layer.
    case lastMean = "last_mean"
    /// The mean of the last layer and of what goes into the first, halved.
    case firstLastMean = "first_last_mean"
    /// The mean of the last layer and of the word table's rows, halved.
    case embeddingLastMean = "embedding_last_mean"
    /// The mean of the last layer weighted by position, 1, 2, ... L.
    case lastWeighted = "last_weighted"
    /// The largest of each column of the last layer.
    case max
    /// The sum of the last layer divided by the root of the length.
    case meanSqrtLength = "mean_sqrt_len"
    /// The state of the last token in the last layer, as decoders such as Qwen3-Embedding use.
    case lastToken = "last_token"

    /// Those that uniem knows.
    public static let uniemStrategies: [Pooling] = [
        .cls, .lastMean, .firstLastMean, .embeddingLastMean, .lastWeighted,
    ]

    /// The embeddings [n, H] of the sequences of `batch`.
    public func callAsFunction(
        _ encoder: any Encoder, _ batch: TokenBatch, on tape: inout Tape
    ) -> Tensor {
        let states = encoder(batch, on: &tape)
        switch self {
        case .cls: return tape.pool(states.last, offsets: batch.offsets, by: .first)
        case .lastMean: return tape.pool(states.last, offsets: batch.offsets, by: .mean)
        case .lastWeighted: return tape.pool(states.last, offsets: batch.offsets, by: .ramp)
        case .max: return tape.pool(states.last, offsets: batch.offsets, by: .max)
        case .meanSqrtLength:
            return tape.pool(states.last, offsets: batch.offsets, by: .meanSqrtLength)
        case .lastToken: return tape.pool(states.last, offsets: batch.offsets, by: .last)
        case .firstLastMean:
            return meanOfTwo(states.embeddings, states.last, batch, on: &tape)
        case .embeddingLastMean:
            let words = encoder.wordEmbeddings(batch, on: &tape)
            return meanOfTwo(words, states.last, batch, on: &tape)
        }
    }

    private func meanOfTwo(
        _ first: Tensor, _ last: Tensor, _ batch: TokenBatch, on tape: inout Tape
    ) -> Tensor {
        let a = tape.pool(first, offsets: batch.offsets, by: .mean)
        let b = tape.pool(last, offsets: batch.offsets, by: .mean)
        let sum = tape.add(a, b)
        return tape.scale(sum, by: 0.5)
    }

    /// The flag that is set in sentence-transformers' `1_Pooling/config.json`; `nil` where it has none.
    var sentenceTransformersFlag: String? {
        switch self {
        case .cls: "pooling_mode_cls_token"
        case .lastMean: "pooling_mode_mean_tokens"
        case .lastWeighted: "pooling_mode_weightedmean_tokens"
        case .max: "pooling_mode_max_tokens"
        case .meanSqrtLength: "pooling_mode_mean_sqrt_len_tokens"
        case .lastToken: "pooling_mode_lasttoken"
        case .firstLastMean, .embeddingLastMean: nil
        }
    }

    /// All flags that sentence-transformers knows.
    static let sentenceTransformersFlags = [
        "pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens",
        "pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens",
        "pooling_mode_lasttoken",
    ]

    /// Reads sentence-transformers' pooling configuration; throws a ``FileError`` for one that is not built.
    init(sentenceTransformers json: JSON, path: String) throws(FileError) {
        var flags = Pooling.sentenceTransformersFlags.filter { json[$0]?.bool == true }
        if let mode = json["pooling_mode"]?.string {
            // Newer versions write one name instead of flags.
            let suffix = [
                "cls": "cls_token", "mean": "mean_tokens", "weightedmean": "weightedmean_tokens",
                "max": "max_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
                "lasttoken": "lasttoken",
            ]
            flags = [suffix[mode].map { "pooling_mode_" + $0 } ?? mode]
        }
        guard flags.count == 1,
            let pooling = Pooling.allCases.first(where: { $0.sentenceTransformersFlag == flags[0] })
        else {
            throw FileError(
                path: path,
                problem:
                    "pooling \(flags.isEmpty ? "(none)" : flags.joined(separator: " + ")) is not supported",
                remedy:
                    "supported: one of cls, mean, weightedmean, max, mean_sqrt_len, lasttoken; or choose one with --pooling"
            )
        }
        self = pooling
    }
}
