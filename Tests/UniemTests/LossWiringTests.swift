import Files
import Records
import TestSupport
import Tensors
import Testing
import Uniem

/// That names, kinds and options lead to the right losses; the arithmetic itself is tested with the operations.
@Suite struct LossWiringTests {
    private func kind(_ name: String?) -> RecordKind? {
        switch name {
        case "pair": .pair
        case "triplet": .triplet
        case "scored_pair": .scoredPair
        default: nil
        }
    }

    @Test(arguments: GoldenRoot.all) func asUniemComputes(_ root: GoldenRoot) throws {
        let file = try root.tensors("losses/losses.safetensors")
        var seen: Set<String> = []
        for item in try #require(root.json("losses/index.json")["cases"]?.array) {
            let name = try #require(item["name"]?.string)
            guard let kind = kind(item["kind"]?.string) else { continue }
            let lossName = try #require(LossName(rawValue: item["loss_type"]?.string ?? "cosent"))
            let hasSwap = item["add_swap_loss"]?.bool ?? false
            let loss = try lossName.make(
                for: kind, temperature: try #require(item["temperature"]?.double),
                addsSwapLoss: hasSwap)
            #expect(loss.kind == kind && loss.name == lossName.rawValue)
            let expected = try #require(item["loss_f64"])
            let rows = try #require(item["batch"]?.int)
            // Where uniem has no value, so many rows are refused before they get here.
            #expect((expected.double == nil) == (rows < loss.minimumRows), "\(name)")
            guard let value = expected.double else { continue }
            let inputs = try #require(item["inputs"]?.members).map {
                try file.tensor("\(name)/\($0.key)")
            }
            var tape = Tape(.inference)
            let labels = kind == .scoredPair ? inputs[2].values.map(Double.init) : nil
            let result = loss(Array(inputs.prefix(kind.textCount)), labels: labels, on: &tape)
            expectClose(result, [value], relative: 1e-6, absolute: 1e-12, name)
            seen.insert("\(kind) \(lossName) \(hasSwap)")
        }
        #expect(seen.count == 3 + 6 + 1, "\(seen.sorted())")
    }

    @Test func defaults() throws {
        #expect(LossName.standard(for: .pair) == .softmax)
        #expect(LossName.standard(for: .triplet) == .softmax)
        #expect(LossName.standard(for: .scoredPair) == .cosent)
        #expect(CoSENTLoss().temperature == 0.05 && PairInBatchLoss().temperature == 0.05)
        #expect(PairInBatchLoss().name == "softmax" && TripletInBatchLoss().name == "softmax")
    }

    @Test func minimumRows() throws {
        func rows(_ name: LossName, _ kind: RecordKind, swap: Bool = false) throws -> Int {
            try name.make(for: kind, temperature: 1, addsSwapLoss: swap).minimumRows
        }
        #expect(try rows(.softmax, .pair) == 1 && rows(.sigmoid, .pair) == 2)
        #expect(try rows(.softmax, .triplet) == 1 && rows(.sigmoid, .triplet) == 1)
        #expect(try rows(.sigmoid, .triplet, swap: true) == 2)
        #expect(try rows(.cosent, .triplet, swap: true) == 1)
        #expect(try rows(.cosent, .scoredPair) == 1)
    }

    @Test func refusals() throws {
        for temperature in [0, -0.05, .nan, .infinity] as [Double] {
            for kind in RecordKind.allCases {
                let error = trainingError {
                    _ = try LossName.standard(for: kind).make(for: kind, temperature: temperature)
                }
                #expect(try #require(error).description.contains("temperature"))
            }
        }
        for name in [LossName.softmax, .sigmoid] {
            let error = trainingError { _ = try name.make(for: .scoredPair, temperature: 1) }
            #expect(try #require(error).description.contains(name.rawValue))
        }
        for kind in [RecordKind.pair, .scoredPair] {
            let error = trainingError {
                _ = try LossName.cosent.make(for: kind, temperature: 1, addsSwapLoss: true)
            }
            #expect(try #require(error).description.contains("swap"))
        }
    }
}
