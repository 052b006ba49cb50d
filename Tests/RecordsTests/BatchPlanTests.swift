import Records
import Testing

@Suite struct BatchPlanTests {
    /// Made by an independent implementation in Python. These orders are a promise: saved runs rely
    /// on them.
    @Test(
        arguments: [
            (42, 0, [6, 10, 2, 3, 9, 1, 0, 5, 4, 11, 7, 8]),
            (42, 1, [8, 9, 4, 5, 10, 7, 0, 11, 2, 1, 6, 3]),
            (0, 0, [5, 8, 7, 11, 9, 6, 2, 10, 4, 3, 1, 0]),
            (UInt64.max, 7, [2, 1, 4, 8, 11, 7, 3, 6, 5, 9, 0, 10]),
        ] as [(UInt64, Int, [Int])])
    func orderNeverChanges(seed: UInt64, epoch: Int, order: [Int]) {
        #expect(BatchPlan.order(count: 12, seed: seed, epoch: epoch, shuffle: true) == order)
    }

    @Test func orderOfManyRowsNeverChanges() {
        let order = BatchPlan.order(count: 5749, seed: 42, epoch: 3, shuffle: true)
        #expect(order.prefix(8) == [5538, 373, 1237, 2942, 1223, 3671, 2418, 833])
        #expect(order.suffix(4) == [5312, 914, 5251, 5084])
        #expect(order.sorted() == Array(0..<5749))
    }

    @Test func withoutShufflingRowsKeepTheirOrder() {
        #expect(BatchPlan.order(count: 4, seed: 1, epoch: 9, shuffle: false) == [0, 1, 2, 3])
        #expect(BatchPlan.order(count: 0, seed: 1, epoch: 0, shuffle: true) == [])
        #expect(BatchPlan.order(count: 1, seed: 1, epoch: 0, shuffle: true) == [0])
    }

    @Test func everyPlaceIsEquallyLikely() {
        // 6000 shuffles of 4 rows: each row stands in each place 1500 times, give or take 5
        // standard deviations.
        var counts = [[Int]](repeating: [0, 0, 0, 0], count: 4)
        for epoch in 0..<6000 {
            let order = BatchPlan.order(count: 4, seed: 3, epoch: epoch, shuffle: true)
            for (place, row) in order.enumerated() { counts[row][place] += 1 }
        }
        for count in counts.joined() { #expect(abs(count - 1500) < 168) }
    }

    @Test(arguments: [
        (10, 4, false, [4, 4, 2]), (10, 4, true, [4, 4]), (8, 4, false, [4, 4]), (3, 4, true, []),
        (3, 4, false, [3]), (0, 4, false, []), (2, 1, false, [1, 1]),
    ])
    func batches(count: Int, size: Int, dropLast: Bool, sizes: [Int]) {
        let plan = BatchPlan(count: count, batchSize: size, seed: 42, dropLast: dropLast)
        let batches = plan.batches(epoch: 2)
        #expect(batches.map(\.count) == sizes)
        #expect(plan.batchCount == sizes.count)
        let order = BatchPlan.order(count: count, seed: 42, epoch: 2, shuffle: true)
        #expect(Array(batches.joined()) == Array(order.prefix(sizes.reduce(0, +))))
    }

    @Test func ordersAreOfOneKindOrTheOther() {
        func plan(_ order: BatchOrder) -> BatchPlan {
            BatchPlan(count: 50, batchSize: 8, seed: 9, order: order)
        }
        #expect(BatchPlan(count: 50, batchSize: 8, seed: 9) == plan(.shuffled))
        #expect(BatchPlan(count: 50, batchSize: 8, seed: 9, shuffle: false) == plan(.file))
        #expect(plan(.shuffled).shuffle && plan(.torch).shuffle && !plan(.file).shuffle)
        for order in BatchOrder.allCases {
            let rows = order.rows(count: 50, seed: 9, epoch: 3)
            #expect(rows.sorted() == Array(0..<50))
            #expect(Array(plan(order).batches(epoch: 3).joined()) == rows)
            #expect(order.rows(count: 0, seed: 9, epoch: 3) == [])
            #expect(BatchOrder(rawValue: order.rawValue) == order)
        }
        #expect(Set(BatchOrder.allCases.map { $0.rows(count: 50, seed: 9, epoch: 3) }).count == 3)
    }
}
