public import Records

/// How good an embedder is on a data set: metrics, and the numbers of each row that they come from.
///
/// ```swift
/// let before = Evaluator.measure(embedder, on: test)
/// // ... training ...
/// let after = Evaluator.measure(embedder, on: test)
/// print(after.interval(of: after.mainMetric))
/// print(after.difference(from: before, metric: after.mainMetric))
/// ```
///
/// ``values`` holds, in this order, for
/// - scored pairs: `spearman` and `pearson` of cosines and labels;
/// - scored pairs whose labels are 0 and 1: also `average_precision`, `best_accuracy` and `best_f1` over all
///   thresholds, each with its threshold, and `precision`, `recall` and `mcc` at that of `best_f1`;
/// - pairs: `recall@1`, `mrr`, `mrr@10`, `ndcg@10`, `map@100`, `recall@5`, `recall@10`, `accuracy@1`, `accuracy@5`,
///   `accuracy@10`, each the mean over all queries;
/// - triplets: `accuracy`, the share of rows whose text is nearer to its positive than to its negative; then the same
///   as for pairs.
///
/// Definitions are those of sentence-transformers' EmbeddingSimilarity-, BinaryClassification-, InformationRetrieval-
/// and TripletEvaluator with cosines, and ``value(of:)`` knows every cutoff (`precision@3`). `mrr` without a cutoff
/// looks at all documents.
///
/// In retrieval a query is a distinct text; relevant to it are all positives of the rows in which it stands. The
/// documents are all distinct positives, and for triplets the negatives too. Ties count against the model: a document
/// that is as near as a relevant one stands before it (sentence-transformers goes by the names of the documents), so
/// that an embedder which gives the same vector to everything looks as useless as it is, and the order of rows does
/// not matter.
public struct Evaluation: Sendable {
    /// What is measured.
    public enum Task: String, Sendable, CaseIterable {
        /// Do cosines order pairs as labels do?
        case similarity
        /// As ``similarity``; and do cosines tell the pairs labelled 1 from those labelled 0?
        case binary
        /// Do texts find their positives among all documents?
        case retrieval
        /// Are texts nearer to their positives than to their negatives? With ``retrieval``.
        case triplet
    }

    /// The numbers of each row.
    public enum Rows: Sendable {
        /// Scored pairs: the cosine of each, and its label.
        case scoredPairs(cosines: [Double], labels: [Double])
        /// Pairs: where the documents of each query stand.
        case queries(Ranks)
        /// Triplets: of each row, how much nearer the positive is than the negative (the difference of cosines); and
        /// where the documents of each query stand.
        case triplets(margins: [Double], ranks: Ranks)
    }

    /// Where the relevant documents of each query stand among all documents.
    public struct Ranks: Sendable, Equatable {
        /// How many documents there are.
        public let documents: Int
        /// For each query the ranks of its relevant documents, from 1, ascending; at least one.
        public let relevant: [[Int]]

        /// Traps where ranks do not ascend within `1...documents`, or a query has none.
        public init(documents: Int, relevant: [[Int]]) {
            let problem = Ranks.problem(documents: documents, relevant: relevant)
            precondition(problem == nil, "Ranks: \(problem ?? "")")
            (self.documents, self.relevant) = (documents, relevant)
        }

        /// What is wrong with ranks, or `nil`.
        static func problem(documents: Int, relevant: [[Int]]) -> String? {
            guard documents >= 0 else { return "\(documents) documents" }
            for (query, ranks) in relevant.enumerated() {
                guard !ranks.isEmpty else { return "query \(query) has no relevant document" }
                var last = 0
                for rank in ranks {
                    guard rank > last && rank <= documents else {
                        return
                            "rank \(rank) after \(last) of query \(query), \(documents) documents"
                    }
                    last = rank
                }
            }
            return nil
        }
    }

    /// What is measured.
    public let task: Task
    /// The numbers of each row.
    public let rows: Rows
    /// The metrics in a fixed order; NaN where one has no value.
    public let values: [(name: String, value: Double)]

    /// An evaluation of `rows`. Traps where there are not as many cosines as labels.
    public init(_ rows: Rows) {
        self.rows = rows
        switch rows {
        case .scoredPairs(let cosines, let labels):
            precondition(
                cosines.count == labels.count,
                "Evaluation: \(cosines.count) cosines, \(labels.count) labels")
            task = Task(labels: labels)
        case .queries: task = .retrieval
        case .triplets: task = .triplet
        }
        values = StatisticList(task.metrics, of: rows, task: task).values
    }

    /// How many scored pairs, queries (of pairs) or triplets were measured.
    public var rowCount: Int {
        switch rows {
        case .scoredPairs(let cosines, _): cosines.count
        case .queries(let ranks): ranks.relevant.count
        case .triplets(let margins, _): margins.count
        }
    }

    /// The value of the metric `name`; `nil` where this task has no such metric.
    public func value(of name: String) -> Double? {
        if let known = values.first(where: { $0.name == name }) { return known.value }
        return StatisticList([name], of: rows, task: task).values.first?.value
    }

    /// The metric that says most: see ``Task/mainMetric``.
    public var mainMetric: String { task.mainMetric }

    /// The metric that says most about rows of `kind`.
    public static func mainMetric(of kind: RecordKind) -> String {
        switch kind {
        case .scoredPair: Task.similarity.mainMetric
        case .pair: Task.retrieval.mainMetric
        case .triplet: Task.triplet.mainMetric
        }
    }

    /// Whether more of the metric `name` is better: not for losses, `loss` and names that end in `_loss`.
    public static func greaterIsBetter(_ name: String) -> Bool {
        name != "loss" && !name.hasSuffix("_loss")
    }
}

extension Evaluation.Task {
    /// What scored pairs with `labels` are: binary where all are 0 or 1, and both occur.
    init(labels: [Double]) {
        let isBinary = labels.allSatisfy { $0 == 0 || $0 == 1 }
        self = isBinary && labels.contains(0) && labels.contains(1) ? .binary : .similarity
    }

    /// The metric to choose a model by: `spearman` for scored pairs, `ndcg@10` for pairs, `accuracy` for triplets.
    public var mainMetric: String {
        switch self {
        case .similarity, .binary: "spearman"
        case .retrieval: "ndcg@10"
        case .triplet: "accuracy"
        }
    }

    /// The names of ``Evaluation/values``, in order.
    public var metrics: [String] {
        let retrieval = [
            "recall@1", "mrr", "mrr@10", "ndcg@10", "map@100", "recall@5", "recall@10",
            "accuracy@1", "accuracy@5", "accuracy@10",
        ]
        return switch self {
        case .similarity: ["spearman", "pearson"]
        case .binary: ["spearman", "pearson"] + BinaryMetric.allCases.map(\.rawValue)
        case .retrieval: retrieval
        case .triplet: ["accuracy"] + retrieval
        }
    }

    /// Whether ``Evaluation/value(of:)`` knows the metric `name`: one of ``metrics``, or one of retrieval with another
    /// cutoff, such as `recall@20`.
    public func has(metric name: String) -> Bool {
        if metrics.contains(name) { return true }
        return (self == .retrieval || self == .triplet) && RetrievalMetric(name) != nil
    }
}

extension Evaluation: Equatable {
    /// Whether the numbers of all rows are equal; NaN is equal to NaN.
    public static func == (a: Evaluation, b: Evaluation) -> Bool {
        switch (a.rows, b.rows) {
        case (.scoredPairs(let x, let labels), .scoredPairs(let y, let others)):
            same(x, y) && same(labels, others)
        case (.queries(let x), .queries(let y)): x == y
        case (.triplets(let x, let ranks), .triplets(let y, let others)):
            same(x, y) && ranks == others
        default: false
        }
    }

    private static func same(_ a: [Double], _ b: [Double]) -> Bool {
        a.elementsEqual(b) { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }
}
