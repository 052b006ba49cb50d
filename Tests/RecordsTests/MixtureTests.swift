import Files
import Records
import Testing

@Suite struct MixtureTests {
    typealias Turn = MixturePlan.Turn

    /// Which data sets take turns; expects of each batches 0, 1, 2, ... in that order.
    func datasets(_ turns: [Turn]) -> [Int] {
        var next: [Int: Int] = [:]
        for turn in turns {
            #expect(turn.batch == next[turn.dataset, default: 0])
            next[turn.dataset, default: 0] += 1
        }
        return turns.map(\.dataset)
    }

    /// Made by an independent implementation in Python. These orders are a promise: saved runs rely
    /// on them.
    @Test func shuffledTurnsNeverChange() throws {
        for golden in try Goldens.cases("mixture", in: "batches.json") {
            let seed = try #require(golden["seed"]?.string.flatMap { UInt64($0) })
            let counts = try #require(golden["counts"]?.array).compactMap(\.int)
            let plan = MixturePlan(.proportional, seed: seed)
            let turns = plan.turns(
                epoch: try #require(golden["epoch"]?.int), batchCounts: counts)
            #expect(Goldens.matches(datasets(turns), golden["datasets"]), "\(seed), \(counts)")
            #expect(turns.count == plan.turnCount(batchCounts: counts))
            for (dataset, count) in counts.enumerated() {
                #expect(turns.count { $0.dataset == dataset } == count)
            }
        }
    }

    @Test func shuffledTurnsAreAFunctionOfSeedAndEpoch() {
        let plan = MixturePlan(.proportional, seed: 1)
        let turns = plan.turns(epoch: 4, batchCounts: [30, 20])
        #expect(turns == plan.turns(epoch: 4, batchCounts: [30, 20]))
        #expect(turns != plan.turns(epoch: 5, batchCounts: [30, 20]))
        #expect(
            turns != MixturePlan(.proportional, seed: 2).turns(epoch: 4, batchCounts: [30, 20]))
    }

    @Test func everyOrderOfTurnsIsEquallyLikely() {
        // Three of one data set and one of another: the one is first in a quarter of 4000 epochs,
        // give or take 5 standard deviations, and so on.
        var places = [0, 0, 0, 0]
        let plan = MixturePlan(.proportional, seed: 8)
        for epoch in 0..<4000 {
            let turns = datasets(plan.turns(epoch: epoch, batchCounts: [3, 1]))
            if let place = turns.firstIndex(of: 1) { places[place] += 1 }
        }
        for count in places { #expect(abs(count - 1000) < 137) }
    }

    @Test func withoutShufflingDataSetsAreSpreadEvenly() {
        func turns(_ counts: [Int]) -> [Int] {
            let plan = MixturePlan(.proportional, seed: 1, shuffle: false)
            let turns = plan.turns(epoch: 3, batchCounts: counts)
            #expect(turns == plan.turns(epoch: 0, batchCounts: counts))
            return datasets(turns)
        }
        #expect(turns([4, 2]) == [0, 1, 0, 0, 1, 0])
        #expect(turns([2, 2, 2]) == [0, 1, 2, 0, 1, 2])
        #expect(turns([1, 3]) == [1, 0, 1, 1])
        #expect(turns([3, 0, 1]) == [0, 0, 2, 0])
        #expect(turns([]) == [] && turns([0, 0]) == [] && turns([2]) == [0, 0])
        // At every point each data set is within half a batch of its share, but for ties.
        let counts = [700, 300, 41, 1]
        let all = turns(counts)
        #expect(all.count == 1042)
        var done = [0, 0, 0, 0]
        for (index, dataset) in all.enumerated() {
            done[dataset] += 1
            for (count, mine) in zip(counts, done) {
                let share = Double(count) * Double(index + 1) / 1042
                #expect(abs(Double(mine) - share) < 1.5, "data set of \(count) at \(index)")
            }
        }
    }

    @Test func roundRobinTakesTurnsUntilOneIsExhausted() throws {
        for golden in try Goldens.cases("round_robin", in: "batches.json") {
            let counts = try #require(golden["counts"]?.array).compactMap(\.int)
            for shuffle in [false, true] {
                let plan = MixturePlan(.roundRobin, seed: 3, shuffle: shuffle)
                let turns = plan.turns(epoch: 1, batchCounts: counts)
                let expected = try #require(golden["turns"]?.array).map { turn in
                    (turn.array ?? []).compactMap(\.int)
                }
                #expect(turns.map { [$0.dataset, $0.batch] } == expected, "\(counts)")
                #expect(plan.turnCount(batchCounts: counts) == turns.count)
            }
        }
        #expect(MixturePlan(.roundRobin, seed: 3).turns(epoch: 0, batchCounts: []) == [])
        #expect(MixturePlan.Rule(rawValue: "round-robin") == .roundRobin)
    }
}
