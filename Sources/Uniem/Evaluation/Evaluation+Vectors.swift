public import Tensors

extension Evaluation {
    /// Scored pairs with the vectors `first` and `second` [n, H]. Traps on other shapes.
    public init(first: Tensor, second: Tensor, labels: [Double]) {
        precondition(
            first.shape == second.shape && first.shape.rank == 2
                && labels.count == first.shape.rows,
            "Evaluation: vectors \(first.shape), \(second.shape), \(labels.count) labels")
        let rows = Array(labels.indices)
        self.init(
            .scoredPairs(
                cosines: Evaluation.cosines(first, rows, second, rows), labels: labels))
    }

    /// Queries [Q, H] that look for documents [N, H]: `relevant[q]` are the rows of those that query q should find.
    ///
    /// Traps on other shapes, where a query has no relevant document, and where there is none of that number.
    /// - Parameter threads: how many threads work; all processors where left out.
    public init(queries: Tensor, documents: Tensor, relevant: [[Int]], threads: Int? = nil) {
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        self.init(
            .queries(
                Evaluation.ranks(
                    Evaluation.normalized(queries), Evaluation.normalized(documents), relevant,
                    pool)))
    }

    /// Triplets of a query [Q, H], a document [N, H] that should be near it and one that should not, as rows.
    ///
    /// Relevant to a query are the positives of all its triplets. Traps on other shapes, where a query has no triplet,
    /// and where there is no row of that number.
    /// - Parameter threads: how many threads work; all processors where left out.
    public init(
        queries: Tensor, documents: Tensor,
        triplets: [(query: Int, positive: Int, negative: Int)], threads: Int? = nil
    ) {
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        self.init(
            normalizedQueries: Evaluation.normalized(queries),
            documents: Evaluation.normalized(documents), triplets: triplets, pool: pool)
    }

    /// The same with vectors of length 1.
    init(
        normalizedQueries queries: Tensor, documents: Tensor,
        triplets: [(query: Int, positive: Int, negative: Int)], pool: WorkerPool
    ) {
        let near = Evaluation.cosines(
            queries, triplets.map(\.query), documents, triplets.map(\.positive))
        let far = Evaluation.cosines(
            queries, triplets.map(\.query), documents, triplets.map(\.negative))
        var relevant = Array(repeating: [Int](), count: queries.shape.rows)
        for triplet in triplets { relevant[triplet.query].append(triplet.positive) }
        self.init(
            .triplets(
                margins: zip(near, far).map { $0 - $1 },
                ranks: Evaluation.ranks(queries, documents, relevant, pool)))
    }

    /// Where the documents `relevant` to each query stand; vectors are of length 1. A number may stand twice.
    static func ranks(
        _ queries: Tensor, _ documents: Tensor, _ relevant: [[Int]], _ pool: WorkerPool
    ) -> Ranks {
        let count = documents.shape.rows
        let distinct = relevant.enumerated().map { query, documents in
            precondition(
                !documents.isEmpty && documents.allSatisfy { $0 >= 0 && $0 < count },
                "Evaluation: documents \(documents.prefix(8)) of query \(query), of \(count)")
            return documents.count == 1 ? documents : Array(Set(documents))
        }
        return Ranks(
            documents: count,
            relevant: Ranking(documents: documents)
                .ranks(of: queries, relevant: distinct, pool: pool))
    }

    /// The cosines of the rows `x` of `a` and the rows `y` of `b`.
    static func cosines(_ a: Tensor, _ x: [Int], _ b: Tensor, _ y: [Int]) -> [Double] {
        let block = 1024
        return stride(from: 0, to: x.count, by: block).flatMap { start in
            let range = start..<min(start + block, x.count)
            var tape = Tape(.inference)
            return tape.cosineSimilarity(a.rows(at: Array(x[range])), b.rows(at: Array(y[range])))
                .values.map(Double.init)
        }
    }

    /// The rows of `vectors` with length 1.
    private static func normalized(_ vectors: Tensor) -> Tensor {
        precondition(vectors.shape.rank == 2, "Evaluation: vectors \(vectors.shape)")
        let result = Tensor(zeros: vectors.shape)
        let block = 1024
        for start in stride(from: 0, to: vectors.shape.rows, by: block) {
            let range = start..<min(start + block, vectors.shape.rows)
            var tape = Tape(.inference)
            result.write(tape.normalize(vectors.rows(range)), toRows: Array(range))
        }
        return result
    }
}
