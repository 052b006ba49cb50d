import TestSupport
import Tensors
import Testing
import Uniem

/// Ranks against those that sorting gives.
@Suite struct RankingTests {
    /// Vectors of four numbers 0.5 or -0.5: of length 1, with cosines that are exact and often tie.
    private func vectors(_ count: Int, _ random: inout TestRandom) -> Tensor {
        Tensor((0..<4 * count).map { _ in random.sign() / 2 }, shape: [count, 4])
    }

    private func ranks(
        _ queries: Tensor, _ documents: Tensor, _ relevant: [[Int]], threads: Int = 2
    ) throws -> [[Int]] {
        let evaluation = Evaluation(
            queries: queries, documents: documents, relevant: relevant, threads: threads)
        guard case .queries(let ranks) = evaluation.rows else {
            Issue.record("\(evaluation.rows)")
            return []
        }
        #expect(ranks.documents == documents.shape.rows)
        return ranks.relevant
    }

    /// Sorts all documents, relevant ones last among equals; NaN before every number if it is not relevant, else last.
    private func sortedRanks(_ scores: [Double], _ relevant: Set<Int>) -> [Int] {
        func key(_ document: Int) -> (Double, Int) {
            let isRelevant = relevant.contains(document)
            let score = scores[document]
            if score.isNaN { return (isRelevant ? .infinity : -.infinity, isRelevant ? 1 : 0) }
            return (-score, isRelevant ? 1 : 0)
        }
        let order = scores.indices.sorted { key($0) < key($1) }
        return order.indices.filter { relevant.contains(order[$0]) }.map { $0 + 1 }
    }

    private func scores(_ query: [Float], _ documents: Tensor) -> [Double] {
        (0..<documents.shape.rows).map { row in
            zip(query, documents.row(row)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
    }

    @Test func asSorted() throws {
        var random = TestRandom(3)
        for (queryCount, documentCount) in [(1, 1), (7, 5), (300, 40), (600, 17)] {
            // Few different vectors: most documents are equal to others.
            let queries = vectors(queryCount, &random)
            let documents = vectors(documentCount, &random)
            let relevant = (0..<queryCount).map { _ in
                let count = 1 + Int(random.next() % UInt64(documentCount))
                return Array(random.ids(count, below: Int32(documentCount)).map(Int.init))
            }
            let mine = try ranks(queries, documents, relevant)
            for query in 0..<queryCount {
                let expected = sortedRanks(
                    scores(queries.row(query), documents), Set(relevant[query]))
                #expect(mine[query] == expected, "query \(query) of \(queryCount)")
            }
            #expect(try ranks(queries, documents, relevant, threads: 1) == mine)
        }
    }

    /// More blocks than one because there are many documents, not many queries.
    @Test func manyDocuments() throws {
        var random = TestRandom(4)
        let queries = random.tensor([150, 3])
        let documents = random.tensor([30_000, 3])
        let relevant = (0..<150).map { [$0, 29_999 - $0 * 7] }
        let mine = try ranks(queries, documents, relevant)
        let alone = try (138..<141).map { query in
            try ranks(queries.rows(query..<query + 1), documents, [relevant[query]])[0]
        }
        for (a, b) in zip(mine[138..<141], alone) {
            // The rounding of a product may depend on how many queries there are.
            #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 2 }, "\(a), \(b)")
        }
    }

    @Test func whatIsNoNumberCountsAgainst() throws {
        let documents = Tensor([1, 0, .nan, 0, 0, 1, -1, 0, .nan, .nan], shape: [5, 2])
        let queries = Tensor([1, 0, .nan, 1], shape: [2, 2])
        let all = [[0], [1], [2], [3], [4], [0, 1], [1, 4], [0, 1, 2, 3, 4]]
        for relevant in all {
            let mine = try ranks(queries, documents, [relevant, relevant])
            // Cosines with the first query.
            #expect(mine[0] == sortedRanks([1, .nan, 0, -1, .nan], Set(relevant)), "\(relevant)")
            #expect(mine[1] == Array(6 - relevant.count...5))
        }
    }

    /// An embedder that gives one vector to everything must not look good.
    @Test func collapsed() {
        let evaluation = Evaluation(
            queries: Tensor([Float](repeating: 1, count: 20), shape: [10, 2]),
            documents: Tensor([Float](repeating: 1, count: 20), shape: [10, 2]),
            relevant: (0..<10).map { [$0] })
        #expect(evaluation.value(of: "mrr@10").map { abs($0 - 0.1) < 1e-15 } == true)
        #expect(evaluation.value(of: "mrr@9") == 0 && evaluation.value(of: "recall@1") == 0)
        let triplets = Evaluation(
            queries: Tensor([1, 1], shape: [1, 2]),
            documents: Tensor([1, 1, 1, 1], shape: [2, 2]),
            triplets: [(0, 0, 1)])
        #expect(triplets.value(of: "accuracy") == 0 && triplets.value(of: "mrr") == 0.5)
    }

    @Test func orderDoesNotMatter() throws {
        var random = TestRandom(5)
        let (queries, documents) = (vectors(30, &random), vectors(50, &random))
        let relevant = (0..<30).map { query in (0...query % 4).map { (query * 7 + $0 * 11) % 50 } }
        let order = (0..<50).map { ($0 * 13 + 5) % 50 }
        var place = Array(repeating: 0, count: 50)
        for (index, document) in order.enumerated() { place[document] = index }
        let other = relevant.map { $0.reversed().map { place[$0] } }
        #expect(
            try ranks(queries, documents, relevant)
                == ranks(queries, documents.rows(at: order), other))
    }

    @Test func lengthsDoNotMatter() throws {
        var random = TestRandom(6)
        let (queries, documents) = (vectors(20, &random), vectors(30, &random))
        let relevant = (0..<20).map { [$0, $0 + 10] }
        let longer = Tensor(documents.values.map { $0 * 1024 }, shape: documents.shape)
        #expect(
            try ranks(queries, documents, relevant) == ranks(queries, longer, relevant))
    }

    @Test func misuseTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = Evaluation(
                queries: Tensor(zeros: [1, 2]), documents: Tensor(zeros: [3, 2]), relevant: [[3]])
        }
        await #expect(processExitsWith: .failure) {
            _ = Evaluation(
                queries: Tensor(zeros: [1, 2]), documents: Tensor(zeros: [3, 2]), relevant: [[]])
        }
        await #expect(processExitsWith: .failure) {
            _ = Evaluation(.scoredPairs(cosines: [1, 0], labels: [1]))
        }
        await #expect(processExitsWith: .failure) {
            _ = Evaluation.Ranks(documents: 2, relevant: [[2, 2]])
        }
    }
}
