public import Embedders
public import Records
internal import Tensors

/// Measures how good an embedder is on a data set.
public enum Evaluator {
    /// The metrics of `embedder` on `dataset`: ``Evaluation/values`` of
    /// ``measure(_:on:maxLength:prompt:threads:)``.
    public static func evaluate(
        _ embedder: Embedder, on dataset: Dataset, maxLength: Int? = nil, prompt: String? = nil,
        threads: Int? = nil
    ) -> [(name: String, value: Double)] {
        measure(
            embedder, on: dataset, maxLength: maxLength, prompt: prompt, threads: threads
        ).values
    }

    /// What `embedder` is worth on `dataset`: scored pairs by the order of their cosines, pairs by retrieval, triplets
    /// by both; see ``Evaluation``. Cosines are of the vectors as pooled; the result does not depend on `threads`.
    ///
    /// - Parameters:
    ///   - maxLength: the most tokens of a text that count; as the model says where left out.
    ///   - prompt: is put before each text; the model's own prompts where left out, as in training.
    ///   - threads: how many threads work; all processors where left out.
    public static func measure(
        _ embedder: Embedder, on dataset: Dataset, maxLength: Int? = nil, prompt: String? = nil,
        threads: Int? = nil
    ) -> Evaluation {
        let pool = WorkerPool(threads: threads ?? availableProcessors())
        defer { pool.close() }
        var cache = TokenCache(embedder: embedder, maxLength: maxLength, prompt: prompt)
        return measure(embedder, on: dataset, tokens: &cache, pool: pool)
    }

    /// What ``measure(_:on:maxLength:prompt:threads:)`` measures on `dataset`.
    public static func task(of dataset: Dataset) -> Evaluation.Task {
        switch dataset.records {
        case .scoredPairs(let records): Evaluation.Task(labels: records.map(\.label))
        case .pairs: .retrieval
        case .triplets: .triplet
        }
    }

    static func evaluate(
        _ embedder: Embedder, on dataset: Dataset, tokens: inout TokenCache, pool: WorkerPool
    ) -> [(name: String, value: Double)] {
        measure(embedder, on: dataset, tokens: &tokens, pool: pool).values
    }

    static func measure(
        _ embedder: Embedder, on dataset: Dataset, tokens: inout TokenCache, pool: WorkerPool
    ) -> Evaluation {
        /// Of texts that stand in column `column` of their rows.
        func vectors(_ texts: DistinctTexts, column: Int) -> Tensor {
            embedder.embeddings(
                ofTokens: texts.texts.map { tokens.ids(of: $0, column: column).ids },
                skipping: tokens.skippedTokens, normalize: true, pool: pool)
        }
        switch dataset.records {
        case .scoredPairs(let records):
            var (first, second) = (DistinctTexts(), DistinctTexts())
            let places = records.map {
                (first.place(of: $0.sentence1), second.place(of: $0.sentence2))
            }
            return Evaluation(
                .scoredPairs(
                    cosines: Evaluation.cosines(
                        vectors(first, column: 0), places.map(\.0), vectors(second, column: 1),
                        places.map(\.1)),
                    labels: records.map(\.label)))
        case .pairs(let records):
            var (queries, documents) = (DistinctTexts(), DistinctTexts())
            var relevant: [[Int]] = []
            for record in records {
                let query = queries.place(of: record.text)
                if query == relevant.count { relevant.append([]) }
                relevant[query].append(documents.place(of: record.textPos))
            }
            return Evaluation(
                .queries(
                    Evaluation.ranks(
                        vectors(queries, column: 0), vectors(documents, column: 1), relevant, pool)
                ))
        case .triplets(let records):
            var (queries, documents) = (DistinctTexts(), DistinctTexts())
            let triplets = records.map { record in
                (
                    query: queries.place(of: record.text),
                    positive: documents.place(of: record.textPos),
                    negative: documents.place(of: record.textNeg)
                )
            }
            return Evaluation(
                normalizedQueries: vectors(queries, column: 0),
                documents: vectors(documents, column: 1), triplets: triplets, pool: pool)
        }
    }
}

/// Texts without those that came before, compared by their bytes.
private struct DistinctTexts {
    private(set) var texts: [String] = []
    private var places: [[UInt8]: Int] = [:]

    /// Where `text` stands, at the end if it is new.
    mutating func place(of text: String) -> Int {
        let key = Array(text.utf8)
        if let place = places[key] { return place }
        places[key] = texts.count
        texts.append(text)
        return texts.count - 1
    }
}
