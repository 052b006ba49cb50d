import Files
import TestSupport
import Testing

@testable import Records

/// What torch answers; made by `Goldens/batches_goldens.py`.
@Suite struct TorchTests {
    func number(_ golden: JSON) throws -> UInt64 {
        try #require(golden["seed"]?.string.flatMap { UInt64($0) })
    }

    @Test func wordsAreTorchs() throws {
        for golden in try Goldens.cases("words", in: "batches.json") {
            let seed = try number(golden)
            var random = TorchGenerator(seed: seed)
            let drawn = (0..<700).map { _ in Int(random.nextInt64()) }
            #expect(Goldens.matches(drawn, golden["drawn"]), "seed \(seed)")
        }
    }

    @Test func onlyTheLowerHalfOfASeedCounts() {
        var (a, b) = (TorchGenerator(seed: 7), TorchGenerator(seed: 7 | 0xABCD << 32))
        #expect(a.next64() == b.next64())
    }

    @Test func permutationsAreTorchs() throws {
        for golden in try Goldens.cases("permutations", in: "batches.json") {
            let seed = try number(golden)
            var random = TorchGenerator(seed: seed)
            let count = try #require(golden["count"]?.int)
            #expect(
                Goldens.matches(random.permutation(of: count), golden["order"]),
                "seed \(seed), \(count) rows")
            #expect("\(random.nextInt64())" == golden["after"]?.string)
        }
    }

    @Test func permutationsOfVeryManyFollowTheirRule() throws {
        for golden in try Goldens.cases("inside_out", in: "batches.json") {
            let seed = try number(golden)
            var random = TorchGenerator(seed: seed)
            let count = try #require(golden["count"]?.int)
            #expect(Goldens.matches(random.insideOut(count), golden["order"]), "\(count) rows")
        }
    }

    @Test func epochsAreThoseOfDataLoaders() throws {
        for golden in try Goldens.cases("loaders", in: "batches.json") {
            let count = try #require(golden["count"]?.int)
            let seed = try number(golden)
            let validates = try #require(golden["validates"]?.bool as Bool?)
            let epochs = try #require(golden["epochs"]?.array)
            // The last first: an epoch does not need those before.
            for epoch in epochs.indices.reversed() {
                let rows = BatchOrder.torch.rows(
                    count: count, seed: seed, epoch: epoch, validates: validates)
                #expect(
                    Goldens.matches(rows, epochs[epoch]),
                    "seed \(seed), \(count) rows, \(validates), epoch \(epoch)")
            }
        }
    }

    @Test(.enabled(if: SharedReference.isAvailable)) func referenceNumbersAreMet() throws {
        let reference = try JSON(
            contentsOf: try SharedReference.path("reference/quirks/torch_rng.json"))
        for golden in try #require(reference["seeds"]?.array) {
            let seed = UInt64(try #require(golden["seed"]?.int))
            var random = TorchGenerator(seed: seed)
            let drawn = (0..<4).map { _ in Int(random.nextInt64()) }
            #expect(drawn == golden["random_int64"]?.array?.map(\.int))
            for count in [1, 2, 5, 10, 33, 160] {
                var random = TorchGenerator(seed: seed)
                let order = random.permutation(of: count)
                #expect(order == golden["randperm_\(count)"]?.array?.map(\.int))
            }
            for (epoch, answer) in try #require(golden["dataloader_epochs"]?.array).enumerated() {
                let order = BatchOrder.torch.rows(count: 13, seed: seed, epoch: epoch)
                #expect(order == answer["order_of_13"]?.array?.map(\.int))
            }
        }
    }

    /// What uniem itself read when it was told to shuffle, over two epochs.
    @Test(.enabled(if: SharedReference.isAvailable)) func rowsAreReadInUniemsOrder() throws {
        let run = try JSON(
            contentsOf: try SharedReference.path("reference/training/shuffle/run.json"))
        let settings = try #require(run["case"]?["run"])
        let plan = BatchPlan(
            count: try #require(run["rows"]?.int),
            batchSize: try #require(settings["batch_size"]?.int),
            seed: UInt64(try #require(settings["seed"]?.int)), order: .torch)
        let read = try #require(run["row_order"]?.array).map(\.int)
        #expect(read.count == 2 * plan.count)
        #expect(Array((plan.batches(epoch: 0) + plan.batches(epoch: 1)).joined()) == read)
    }
}
