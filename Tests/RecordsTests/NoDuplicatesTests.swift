import Files
import Records
import TestSupport
import Testing

@Suite struct NoDuplicatesTests {
    /// Rows of numbers below `texts`, some of them often.
    func rows(_ count: Int, texts: UInt64, columns: Int, seed: UInt64) -> [[Int32]] {
        var random = TestRandom(state: seed)
        return (0..<count).map { _ in
            (0..<columns).map { _ in
                Int32(min(random.next() % texts, random.next() % texts))
            }
        }
    }

    /// The batches as the rule says them: one after another, each from the rows that are left.
    func plainly(_ rows: [[Int32]], order: [Int], size: Int) -> [[Int]] {
        var left = order
        var batches: [[Int]] = []
        while !left.isEmpty {
            var (batch, waiting): ([Int], [Int]) = ([], [])
            var texts: Set<Int32> = []
            for row in left {
                if batch.count < size && texts.isDisjoint(with: rows[row]) {
                    batch.append(row)
                    texts.formUnion(rows[row])
                } else {
                    waiting.append(row)
                }
            }
            batches.append(batch)
            left = waiting
        }
        return batches
    }

    @Test(
        arguments: [
            (0, 9, 2), (1, 9, 2), (150, 1, 2), (150, 3, 1), (150, 3, 3), (150, 12, 2),
            (150, 30, 3), (150, 100, 2), (150, 100, 3), (150, 5000, 3), (700, 5, 2), (700, 60, 3),
            (700, 500, 2),
        ] as [(Int, UInt64, Int)])
    func batchesFollowTheRule(count: Int, texts: UInt64, columns: Int) {
        for size in [1, 3, 32, 1000] {
            let rows = rows(count, texts: texts, columns: columns, seed: texts &+ UInt64(size))
            for order in BatchOrder.allCases {
                let plan = NoDuplicatesPlan(
                    TextIDs(rows: rows), batchSize: size, seed: 5, order: order)
                let went = order.rows(count: count, seed: 5, epoch: 2)
                let batches = plan.batches(epoch: 2)
                #expect(batches == plainly(rows, order: went, size: size), "\(size), \(order)")
            }
        }
    }

    @Test func everyRowIsThereOnceAndNoTextTwice() {
        let rows = rows(8000, texts: 9000, columns: 3, seed: 1)
        let plan = NoDuplicatesPlan(TextIDs(rows: rows), batchSize: 128, seed: 42)
        for epoch in [3, 0, 1] {
            let batches = plan.batches(epoch: epoch)
            #expect(batches == plan.batches(epoch: epoch))
            #expect(batches.joined().sorted() == Array(0..<8000))
            let place = Dictionary(
                uniqueKeysWithValues: BatchOrder.shuffled.rows(count: 8000, seed: 42, epoch: epoch)
                    .enumerated().map { ($1, $0) })
            for batch in batches {
                #expect(!batch.isEmpty && batch.count <= 128)
                let places = batch.compactMap { place[$0] }
                #expect(places == places.sorted())
                #expect(
                    Set(batch.flatMap { rows[$0] }).count
                        == batch.map { Set(rows[$0]).count }.reduce(0, +))
            }
        }
        #expect(plan.batches(epoch: 0) != plan.batches(epoch: 1))
        let other = NoDuplicatesPlan(TextIDs(rows: rows), batchSize: 128, seed: 43)
        #expect(plan.batches(epoch: 0) != other.batches(epoch: 0))
    }

    @Test func withoutDuplicatesNothingChanges() {
        let rows = (0..<103).map { [Int32(2 * $0), Int32(2 * $0 + 1)] }
        for order in BatchOrder.allCases {
            for dropLast in [false, true] {
                let plan = NoDuplicatesPlan(
                    TextIDs(rows: rows), batchSize: 10, seed: 4, order: order, dropLast: dropLast,
                    validates: true)
                let plain = BatchPlan(
                    count: 103, batchSize: 10, seed: 4, order: order, dropLast: dropLast,
                    validates: true)
                #expect(plan.batches(epoch: 1) == plain.batches(epoch: 1))
            }
        }
    }

    @Test func aRowThatDoesNotFitWaitsForTheNextBatch() {
        func plan(_ rows: [[Int32]], dropLast: Bool = false) -> [[Int]] {
            NoDuplicatesPlan(
                TextIDs(rows: rows), batchSize: 2, seed: 0, order: .file, dropLast: dropLast
            ).batches(epoch: 0)
        }
        // Row 1 shares a text with row 0, in another column.
        let rows: [[Int32]] = [[1, 2], [3, 1], [4, 5], [6, 7], [8, 9]]
        #expect(plan(rows) == [[0, 2], [1, 3], [4]])
        #expect(plan(rows, dropLast: true) == [[0, 2], [1, 3]])
        // A row with one text twice stands with other rows, and not with its like.
        #expect(plan([[1, 1], [1, 1], [2, 2]]) == [[0, 2], [1]])
        // A batch that is not full may stand before one that is.
        #expect(plan([[1, 2], [1, 3], [2, 4]]) == [[0], [1, 2]])
        #expect(plan([[1, 2], [1, 3], [2, 4]], dropLast: true) == [[1, 2]])
        #expect(plan([]) == [])
        #expect(plan([[], [], []]) == [[0, 1], [2]])
    }

    /// The very batches of sentence-transformers, for the order of rows that it drew.
    @Test func batchesAreThoseOfSentenceTransformers() throws {
        for golden in try Goldens.cases("no_duplicates", in: "batches.json") {
            let rows = try #require(golden["rows"]?.array).map { row in
                (row.array ?? []).compactMap { $0.int.flatMap { Int32(exactly: $0) } }
            }
            let order = try #require(golden["order"]?.array).compactMap(\.int)
            let plan = NoDuplicatesPlan(
                TextIDs(rows: order.map { rows[$0] }),
                batchSize: try #require(golden["size"]?.int), seed: 0, order: .file)
            let batches = plan.batches(epoch: 0).map { $0.map { order[$0] } }
            let expected = try #require(golden["batches"]?.array).map { batch in
                (batch.array ?? []).compactMap(\.int)
            }
            #expect(batches == expected)
        }
    }

    @Test func textsHaveTheSameNumberWhereTheirBytesAre() {
        let composed = "\u{E9}"
        let pairs = TextIDs(
            .pairs([
                PairRecord(text: "a", textPos: "b"), PairRecord(text: "b", textPos: composed),
                PairRecord(text: "e\u{301}", textPos: composed), PairRecord(text: "", textPos: "a"),
            ]))
        #expect((pairs.rowCount, pairs.columnCount, pairs.distinctCount) == (4, 2, 5))
        #expect((0..<4).map { Array(pairs[$0]) } == [[0, 1], [1, 2], [3, 2], [4, 0]])
        #expect(pairs == TextIDs(rows: [[7, 5], [5, -1], [0, -1], [9, 7]]))
        // Texts that differ in their first, last or any other byte, of all lengths around a word.
        let long = (0..<40).map { String(repeating: "x", count: $0) }
        let texts =
            long + long.map { "y" + $0 } + long.map { $0 + "y" } + long.map { $0 + "z" + $0 }
        let triplets = TextIDs(
            .triplets(texts.map { TripletRecord(text: $0, textPos: $0 + "!", textNeg: "-" + $0) }))
        let all = texts + texts.map { $0 + "!" } + texts.map { "-" + $0 }
        #expect(triplets.distinctCount == Set(all).count)
        #expect(triplets.columnCount == 3 && triplets.rowCount == texts.count)
        let scored = TextIDs(
            .scoredPairs([ScoredPairRecord(sentence1: "1.0", sentence2: "1.0", label: 1)]))
        #expect(Array(scored[0]) == [0, 0])
        #expect(TextIDs(.pairs([])).rowCount == 0)
    }

    /// Data in which next to no two rows may meet take no longer than others: seconds, where it
    /// would be many minutes if rows looked at all batches, or batches at all rows.
    @Test(.timeLimit(.minutes(5))) func manyDuplicatesAreNotSlow() {
        let count = 20_000
        let same = TextIDs(rows: (0..<count).map { [Int32($0), -1] })
        #expect(NoDuplicatesPlan(same, batchSize: 64, seed: 1).batches(epoch: 0).count == count)
        // Any two of three labels have one in common.
        var random = TestRandom(state: 2)
        let labels = (0..<count).map { row -> [Int32] in
            let missing = Int32(random.next() % 3)
            return [Int32(3 + row / 2)] + (0..<3).filter { $0 != missing }
        }
        let plan = NoDuplicatesPlan(TextIDs(rows: labels), batchSize: 64, seed: 1)
        #expect(plan.batches(epoch: 0).count == count)
        let crowd = rows(count, texts: 20, columns: 3, seed: 3)
        let batches = NoDuplicatesPlan(TextIDs(rows: crowd), batchSize: 64, seed: 1)
            .batches(epoch: 0)
        #expect(batches.joined().sorted() == Array(0..<count))
    }

    @Test(.enabled(if: SharedReference.isAvailable)) func realPairsWithDuplicates() throws {
        let data = try Dataset.load(
            try SharedReference.path("datasets/stsb-en/stsbenchmark.tsv.gz") + "#split=train")
        let texts = TextIDs(data.records)
        let columns = data.records.columns
        #expect(texts.distinctCount == Set(columns.joined().map { Array($0.utf8) }).count)
        #expect(texts.distinctCount < 2 * texts.rowCount)
        let batches = NoDuplicatesPlan(texts, batchSize: 64, seed: 42).batches(epoch: 0)
        #expect(batches.joined().sorted() == Array(0..<data.count))
        for batch in batches {
            let each = batch.map { row in Set(columns.map { Array($0[row].utf8) }) }
            #expect(Set(each.joined()).count == each.map(\.count).reduce(0, +))
        }
    }
}
