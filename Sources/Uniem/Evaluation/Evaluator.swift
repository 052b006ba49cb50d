public import Embedders
public import Records
internal import Tensors

/// Measures how good an embedder is on a data set.
public enum Evaluator {
    /// The metrics of `embedder` on `dataset`, by name.
    ///
    /// Scored pairs: `spearman` and `pearson` of cosines against labels. Pairs: `recall@1` and `mrr` of each text's
    /// positive among all distinct positives. Triplets: `accuracy`, the share of rows whose text is closer to its
    /// positive than to its negative. Cosines are of the vectors as pooled.
    ///
    /// - Parameter prompt: is put before each text; the model's default prompt where left out.
    public static func evaluate(
        _ embedder: Embedder, on dataset: Dataset, maxLength: Int? = nil, prompt: String? = nil,
        threads: Int? = nil
    ) -> [(name: String, value: Double)] {
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        var cache = TokenCache(embedder: embedder, maxLength: maxLength, prompt: prompt)
        return evaluate(embedder, on: dataset, tokens: &cache, pool: pool)
    }

    static func evaluate(
        _ embedder: Embedder, on dataset: Dataset, tokens: inout TokenCache, pool: WorkerPool
    ) -> [(name: String, value: Double)] {
        let columns = dataset.records.columns.map { column in
            embedder.embeddings(
                ofTokens: column.map { tokens.ids(of: $0).ids }, skipping: tokens.skippedTokens,
                normalize: true, pool: pool)
        }
        switch dataset.records {
        case .scoredPairs(let records):
            let cosines = pairedCosines(columns[0], columns[1])
            let labels = records.map(\.label)
            return [
                ("spearman", Correlation.spearman(cosines, labels)),
                ("pearson", Correlation.pearson(cosines, labels)),
            ]
        case .triplets:
            let own = pairedCosines(columns[0], columns[1])
            let other = pairedCosines(columns[0], columns[2])
            let good = zip(own, other).reduce(0) { $0 + ($1.0 > $1.1 ? 1 : 0) }
            return [("accuracy", Double(good) / Double(max(1, own.count)))]
        case .pairs(let records):
            return retrieval(columns[0], columns[1], positives: records.map(\.textPos))
        }
    }

    /// The cosines of rows at the same place, both normalised.
    private static func pairedCosines(_ a: Tensor, _ b: Tensor) -> [Double] {
        var tape = Tape(.inference)
        return tape.cosineSimilarity(a, b).values.map(Double.init)
    }

    private static func retrieval(
        _ texts: Tensor, _ candidates: Tensor, positives: [String]
    ) -> [(name: String, value: Double)] {
        // Equal positives are one candidate.
        var places: [[UInt8]: Int] = [:]
        var rows: [Int] = []
        let target = positives.enumerated().map { index, text in
            let key = Array(text.utf8)
            if let place = places[key] { return place }
            places[key] = rows.count
            rows.append(index)
            return rows.count - 1
        }
        let table = candidates.rows(at: rows)
        var (first, reciprocal) = (0, 0.0)
        let block = 256
        for start in stride(from: 0, to: target.count, by: block) {
            let end = min(start + block, target.count)
            var tape = Tape(.inference)
            let scores = tape.linear(texts.rows(start..<end), weight: table)
            for row in start..<end {
                let line = scores.row(row - start)
                let own = line[target[row]]
                let better = line.reduce(0) { $0 + ($1 > own ? 1 : 0) }
                if better == 0 { first += 1 }
                reciprocal += 1 / Double(better + 1)
            }
        }
        let count = Double(max(1, target.count))
        return [("recall@1", Double(first) / count), ("mrr", reciprocal / count)]
    }
}
