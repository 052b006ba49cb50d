#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A metric of one query, as sentence-transformers' InformationRetrievalEvaluator defines it. Relevance is yes or no.
enum RetrievalMetric: Equatable, Sendable {
    /// Whether a relevant document is among the first k.
    case accuracy(Int)
    /// The share of the first k documents that are relevant.
    case precision(Int)
    /// The share of relevant documents that are among the first k.
    case recall(Int)
    /// 1 / rank of the first relevant document; 0 beyond k.
    case reciprocalRank(Int)
    /// The discounted gain of the first k documents, as a share of the best possible.
    case discountedGain(Int)
    /// The precision at each relevant document among the first k, averaged over as many as there could be.
    case averagePrecision(Int)

    /// `recall@5` and so on; `mrr` alone is without a cutoff. `nil` for other names.
    init?(_ name: String) {
        if name == "mrr" {
            self = .reciprocalRank(.max)
            return
        }
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        // One spelling for each metric: no sign, no zeros in front.
        guard parts.count == 2, let cutoff = Int(parts[1]), cutoff >= 1, "\(cutoff)" == parts[1]
        else { return nil }
        switch parts[0] {
        case "accuracy": self = .accuracy(cutoff)
        case "precision": self = .precision(cutoff)
        case "recall": self = .recall(cutoff)
        case "mrr": self = .reciprocalRank(cutoff)
        case "ndcg": self = .discountedGain(cutoff)
        case "map": self = .averagePrecision(cutoff)
        default: return nil
        }
    }

    /// The metric of a query whose relevant documents have `ranks`, ascending from 1.
    func score(_ ranks: [Int]) -> Double {
        switch self {
        case .accuracy(let k): return ranks[0] <= k ? 1 : 0
        case .precision(let k): return Double(hits(ranks, k)) / Double(k)
        case .recall(let k): return Double(hits(ranks, k)) / Double(ranks.count)
        case .reciprocalRank(let k): return ranks[0] <= k ? 1 / Double(ranks[0]) : 0
        case .discountedGain(let k):
            func gain(_ rank: Int) -> Double { 1 / log2(Double(rank) + 1) }
            let found = ranks.prefix(hits(ranks, k)).reduce(0) { $0 + gain($1) }
            let best = (1...min(k, ranks.count)).reduce(0) { $0 + gain($1) }
            return found / best
        case .averagePrecision(let k):
            let found = ranks.prefix(hits(ranks, k)).enumerated()
                .reduce(0) { $0 + Double($1.offset + 1) / Double($1.element) }
            return found / Double(min(k, ranks.count))
        }
    }

    /// How many relevant documents are among the first `k`.
    private func hits(_ ranks: [Int], _ k: Int) -> Int {
        ranks.firstIndex { $0 > k } ?? ranks.count
    }
}
