internal import Encoders
internal import Files
internal import Tensors

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

    /// The embeddings [n, H] of the sequences of `batch`, whose hidden states are `states`; the first `skip` tokens of
    /// each sequence take no part.
    func callAsFunction(
        _ states: HiddenStates, of encoder: any Encoder, _ batch: TokenBatch, skipping skip: Int,
        on tape: inout Tape
    ) -> Tensor {
        func pool(_ x: Tensor, _ reduction: Reduction, on tape: inout Tape) -> Tensor {
            tape.pool(x, offsets: batch.offsets, by: reduction, skipping: skip)
        }
        func meanOfTwo(_ first: Tensor, on tape: inout Tape) -> Tensor {
            let a = pool(first, .mean, on: &tape)
            let b = pool(states.last, .mean, on: &tape)
            let sum = tape.add(a, b)
            return tape.scale(sum, by: 0.5)
        }
        switch self {
        case .cls: return pool(states.last, .first, on: &tape)
        case .lastMean: return pool(states.last, .mean, on: &tape)
        case .lastWeighted: return pool(states.last, .ramp, on: &tape)
        case .max: return pool(states.last, .max, on: &tape)
        case .meanSqrtLength: return pool(states.last, .meanSqrtLength, on: &tape)
        case .lastToken: return pool(states.last, .last, on: &tape)
        case .firstLastMean: return meanOfTwo(states.embeddings, on: &tape)
        case .embeddingLastMean:
            let words = encoder.wordEmbeddings(batch, on: &tape)
            return meanOfTwo(words, on: &tape)
        }
    }

    /// What people call `poolings` whose vectors are put one after the other: `cls + last_mean`.
    public static func name(of poolings: [Pooling]) -> String {
        poolings.map(\.rawValue).joined(separator: " + ")
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

    /// The name in `pooling_mode`, which newer versions of sentence-transformers write instead of flags.
    private var sentenceTransformersMode: String? {
        switch self {
        case .cls: "cls"
        case .lastMean: "mean"
        case .lastWeighted: "weightedmean"
        case .max: "max"
        case .meanSqrtLength: "mean_sqrt_len_tokens"
        case .lastToken: "lasttoken"
        case .firstLastMean, .embeddingLastMean: nil
        }
    }

    /// The order in which the vectors of several flags are put one after the other.
    private static let flagOrder: [Pooling] = [
        .cls, .max, .lastMean, .meanSqrtLength, .lastWeighted, .lastToken,
    ]

    /// The keys of sentence-transformers' `1_Pooling/config.json` for `poolings`: flags, which every version reads;
    /// the list of newer ones where the order is another than that of flags. `nil` where it has no name for one.
    static func sentenceTransformers(_ poolings: [Pooling]) -> [(key: String, value: JSON)]? {
        let modes = poolings.compactMap(\.sentenceTransformersMode)
        guard modes.count == poolings.count else { return nil }
        if poolings == flagOrder.filter(poolings.contains) {
            return flagOrder.compactMap { pooling in
                pooling.sentenceTransformersFlag.map { ($0, .bool(poolings.contains(pooling))) }
            }
        }
        return [("pooling_mode", .array(modes.map(JSON.string)))]
    }

    /// Reads sentence-transformers' pooling configuration; throws a ``FileError`` for one that is not built.
    static func read(sentenceTransformers json: JSON, path: String) throws(FileError) -> [Pooling] {
        var poolings: [Pooling]
        if let value = json["pooling_mode"], !value.isNull {
            let names =
                value.array?.map { $0.string ?? $0.text() } ?? [value.string ?? value.text()]
            poolings = []
            for name in names {
                guard let mode = flagOrder.first(where: { $0.sentenceTransformersMode == name })
                else { throw unknown(name, path: path) }
                poolings.append(mode)
            }
        } else {
            for (key, value) in json.members ?? []
            where key.hasPrefix("pooling_mode_") && value.bool == true
                && !flagOrder.contains(where: { $0.sentenceTransformersFlag == key })
            {
                throw unknown(key, path: path)
            }
            poolings = flagOrder.filter { pooling in
                pooling.sentenceTransformersFlag.flatMap { json[$0]?.bool } ?? false
            }
        }
        guard !poolings.isEmpty else { throw unknown("(none)", path: path) }
        return poolings
    }

    private static func unknown(_ name: String, path: String) -> FileError {
        FileError(
            path: path, problem: "pooling \(name) is not supported",
            remedy: "supported: "
                + flagOrder.compactMap(\.sentenceTransformersMode).joined(separator: ", ")
                + "; or choose one with --pooling")
    }
}
