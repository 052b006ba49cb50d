import Embedders
import Encoders
import Files
import Layers
import Records
import TestSupport
import Tensors
import Testing

@testable import Uniem

/// The folder of a small model of the reference; says so where it is not there.
func referenceModel(_ name: String) -> String? {
    for root in GoldenRoot.all {
        let path = root.folder + "/models/" + name
        if FileBytes.isFolder(path) { return path }
    }
    print("skipped: no model \(name) in the shared reference")
    return nil
}

@Suite struct StrategyTests {
    private func learning(_ strategy: Strategy, model: String = tinyModel) throws -> [String] {
        let embedder = try Embedder.load(model)
        try strategy.apply(to: embedder)
        return embedder.store.parameters.filter { !$0.isFrozen }.map(\.name)
    }

    @Test func lastLayers() throws {
        let all = try Embedder.load(tinyModel).store.parameters.map(\.name)
        let last = try learning(.lastLayers(1))
        #expect(last == all.filter { $0.hasPrefix("encoder.layer.1.") } && !last.isEmpty)
        let both = try learning(.lastLayers(2))
        #expect(both == all.filter { $0.hasPrefix("encoder.layer.") })
        for count in [0, 3] {
            let error = trainingError { _ = try learning(.lastLayers(count)) }
            #expect(error?.description.contains("from 1 to 2") == true)
        }
    }

    /// Layers are found in the names of every family; what comes after them learns too.
    @Test(arguments: [
        ("distilbert-tiny", "transformer.layer.1.", [String]()),
        ("gpt2-tiny", "h.1.", ["ln_f.weight", "ln_f.bias"]),
        ("t5-encoder-tiny", "encoder.block.1.", ["encoder.final_layer_norm.weight"]),
        ("mpnet-tiny", "encoder.layer.1.", []), ("roberta-tiny", "encoder.layer.1.", []),
    ])
    func families(_ model: String, _ prefix: String, _ after: [String]) throws {
        guard let path = referenceModel(model) else { return }
        let all = try Embedder.load(path).store.parameters.map(\.name)
        let last = try learning(.lastLayers(1), model: path)
        #expect(last == all.filter { $0.hasPrefix(prefix) || after.contains($0) })
        #expect(!last.isEmpty)
    }

    @Test func sharedLayers() throws {
        guard let path = referenceModel("albert-tiny") else { return }
        let error = trainingError { _ = try learning(.lastLayers(1), model: path) }
        #expect(error?.description.contains("one and the same") == true)
    }

    @Test func patterns() throws {
        let names = try learning(.only(pattern: #"layer\.0\..*(query|value)\.weight$"#))
        #expect(
            names == [
                "encoder.layer.0.attention.self.query.weight",
                "encoder.layer.0.attention.self.value.weight",
            ])
        #expect(
            trainingError { _ = try learning(.only(pattern: "nothing")) }?.description
                .contains("no parameter's name matches") == true)
        #expect(
            trainingError { _ = try learning(.only(pattern: "(")) }?.description
                .contains("no regular expression") == true)
    }

    /// What is frozen below the first layer that learns is not even recorded: less is kept than in full training.
    @Test func frozenPartsCostNothing() throws {
        let pool = WorkerPool(threads: 1)
        defer { pool.close() }
        let data = pairs(8)
        for (strategy, wanted) in [(Strategy.lastLayers(1), 0.6), (.bitFit(), 1.0)] {
            let embedder = try Embedder.load(tinyModel)
            let tokens = TokenCache(embedder: embedder, maxLength: nil)
            let loss = try LossName.softmax.make(for: .pair, temperature: 0.05)
            let batch = StepEngine.Batch(
                columns: tokens.columns(of: data.records).columns, labels: nil, loss: loss, seed: 1)
            func gradients() -> Int {
                let engine = StepEngine(embedder: embedder, skippedTokens: 0, pool: pool)
                let result = engine.step([batch])
                return embedder.store.parameters.filter { result.gradients.has($0) }.count
            }
            let all = gradients()
            try strategy.apply(to: embedder)
            let some = gradients()
            let learning = embedder.store.parameters.filter { !$0.isFrozen }.count
            #expect(some <= learning && Double(some) < wanted * Double(all))
        }
    }
}

@Suite struct ScheduleNameTests {
    /// Transformers' `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`.
    @Test func factors() {
        let linear = ScheduleName.linear.schedule(warmup: 4, total: 14)
        #expect((0...4).map { linear.factor(step: $0) } == [0, 0.25, 0.5, 0.75, 1])
        #expect(linear.factor(step: 9) == 0.5 && linear.factor(step: 14) == 0)
        #expect(linear.factor(step: 20) == 0)
        let constant = ScheduleName.constant.schedule(warmup: 2, total: 14)
        #expect((0...3).map { constant.factor(step: $0) } == [0, 0.5, 1, 1])
        #expect(ScheduleName.cosine.schedule(warmup: 1, total: 9) == .cosine(warmup: 1, total: 9))
    }
}

@Suite struct ParameterGroupTests {
    @Test func ratesAndDecays() throws {
        let embedder = try Embedder.load(tinyModel)
        let groups = [
            ParameterGroup(pattern: "embeddings", learningRate: 0),
            ParameterGroup(pattern: #"layer\.1\."#, learningRate: 5e-3, weightDecay: 0.5),
            ParameterGroup(pattern: "layer", weightDecay: 0),
        ]
        let optimizer = AdamW(
            embedder.store, settings: AdamW.Settings(weightDecay: 0.1), groups: groups)
        func entry(_ name: String) throws -> AdamW.Entry {
            let parameter = try #require(embedder.store[name])
            return try #require(optimizer.entry(of: parameter))
        }
        let table = try entry("embeddings.word_embeddings.weight")
        #expect(table.rate == 0 && table.decay == 0.1)
        let upper = try entry("encoder.layer.1.attention.self.query.weight")
        #expect(upper.rate == 5e-3 && upper.decay == 0.5)
        // A group's own decay holds for biases too.
        #expect(try entry("encoder.layer.1.attention.self.query.bias").decay == 0.5)
        let lower = try entry("encoder.layer.0.attention.self.query.weight")
        #expect(lower.rate == nil && lower.decay == 0)
        #expect(try entry("pooler.dense.weight").decay == 0.1)
    }

    /// Rate 0 for all but one group: only that moves, and along the schedule.
    @Test func onlyTheGroupMoves() throws {
        let before = try Embedder.load(tinyModel).store.parameters.map { $0.value.bits }
        let result = try train(
            pairs(24),
            quietConfiguration {
                $0.learningRate = 0
                $0.weightDecay = 0
                $0.parameterGroups = [ParameterGroup(pattern: "layer.1.", learningRate: 1e-3)]
            })
        for (parameter, old) in zip(result.outcome.embedder.store.parameters, before) {
            #expect(
                (parameter.value.bits != old) == parameter.name.contains("layer.1."),
                "\(parameter.name)")
        }
    }

    @Test func clipping() throws {
        let limit = 0.01
        let clipped = try train(
            pairs(8), quietConfiguration { $0.maxGradientNorm = limit })
        let free = try train(pairs(8), quietConfiguration())
        // The norm that is told is the one before clipping.
        #expect(clipped.log.steps[0].gradientNorm == free.log.steps[0].gradientNorm)
        #expect(try #require(free.log.steps[0].gradientNorm) > limit)
        // Adam's first step does not feel the scale, but for epsilon; its moments do.
        #expect(clipped.weights != free.weights)
        let loose = try train(pairs(8), quietConfiguration { $0.maxGradientNorm = 1e6 })
        #expect(loose.weights == free.weights)
    }
}
