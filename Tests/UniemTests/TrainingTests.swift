import Embedders
import Encoders
import Files
import Layers
import Records
import TestSupport
import Tensors
import Testing
import Tokenizers
import Tracking
import Uniem

@Suite struct DeterminismTests {
    private func settings(_ seed: UInt64, threads: Int) -> TrainingConfiguration {
        quietConfiguration(batchSize: 32) {
            $0.epochs = 2
            $0.seed = seed
            $0.threads = threads
        }
    }

    /// Dropout on (0.1 in this model), rows shuffled, several chunks a batch.
    @Test(arguments: [RecordKind.pair, .triplet, .scoredPair])
    func sameBits(_ kind: RecordKind) throws {
        let data =
            switch kind {
            case .pair: pairs(80)
            case .triplet: triplets(80)
            case .scoredPair: scoredPairs(80)
            }
        let first = try train(data, settings(7, threads: 1))
        let start = try Embedder.load(tinyModel).store.parameters.map { $0.value.bits }
        #expect(first.weights != start)
        for threads in [1, 2, 4] {
            let again = try train(data, settings(7, threads: threads))
            #expect(again.weights == first.weights, "\(threads) threads")
            #expect(again.log.steps.map(\.loss) == first.log.steps.map(\.loss))
            #expect(again.log.steps.map(\.gradientNorm) == first.log.steps.map(\.gradientNorm))
        }
        let other = try train(data, settings(8, threads: 2))
        #expect(other.weights != first.weights)
    }

    @Test func shuffling() throws {
        // Without dropout only the order of rows can make a difference.
        try withFolder { folder in
            let model = folder + "/still"
            try copyFolder(tinyModel, to: model)
            var config = try JSON(contentsOf: model + "/config.json")
            config.set("hidden_dropout_prob", 0)
            config.set("attention_probs_dropout_prob", 0)
            try FileBytes.writeAtomically(config.text(), to: model + "/config.json")
            func losses(_ seed: UInt64, shuffle: Bool) throws -> [Double] {
                let configuration = quietConfiguration {
                    $0.seed = seed
                    $0.shuffle = shuffle
                }
                return try train(pairs(32), configuration, model: model).log.steps.map(\.loss)
            }
            #expect(try losses(1, shuffle: false) == losses(2, shuffle: false))
            #expect(try losses(1, shuffle: true) != losses(2, shuffle: true))
            #expect(try losses(1, shuffle: true) != losses(1, shuffle: false))
        }
    }

    /// At a rate of 0 nothing moves, so that losses differ by dropout alone.
    @Test func dropoutIsForTrainingOnly() throws {
        func run(_ seed: UInt64) throws -> RunResult {
            let configuration = quietConfiguration {
                $0.seed = seed
                $0.shuffle = false
                $0.learningRate = 0
                $0.epochs = 2
            }
            return try train(
                scoredPairs(24), configuration, validation: scoredPairs(16), test: scoredPairs(20))
        }
        let (one, two) = (try run(1), try run(2))
        let start = try Embedder.load(tinyModel).store.parameters.map { $0.value.bits }
        #expect(one.weights == start)
        #expect(zip(one.log.steps, two.log.steps).allSatisfy { $0.loss != $1.loss })
        // The second epoch sees the same rows with other masks.
        #expect(one.log.steps[0].loss != one.log.steps[3].loss)
        func validation(_ run: RunResult) -> [Double] {
            run.log.events.compactMap {
                if case .validation(_, _, let loss) = $0 { loss } else { nil }
            }
        }
        #expect(validation(one).count == 2 && Set(validation(one) + validation(two)).count == 1)
        // The same as worked out from the vectors, batch by batch.
        let embedder = one.outcome.embedder
        let batches = [scoredPairs(16).selecting(0..<8), scoredPairs(16).selecting(8..<16)]
        let expected = batches.map { batch in
            let columns = batch.records.columns.map {
                embedder.embeddings(of: $0, normalize: false, threads: 1)
            }
            var tape = Tape(.inference)
            return Double(CoSENTLoss()(columns, labels: batch.records.labels, on: &tape).scalar)
        }
        expectClose(
            [validation(one)[0]], [expected.reduce(0, +) / 2], relative: 1e-5, absolute: 0)
        for run in [one, two] {
            #expect(run.outcome.before.map(\.value) == run.outcome.after.map(\.value))
            #expect(run.outcome.before.map(\.name) == ["spearman", "pearson"])
        }
        #expect(one.outcome.before.map(\.value) == two.outcome.before.map(\.value))
    }
}

@Suite struct StepTests {
    @Test func dropLast() throws {
        for (drop, rows) in [(false, [4, 4, 2]), (true, [4, 4])] {
            let run = try train(pairs(10), quietConfiguration(batchSize: 4) { $0.dropLast = drop })
            #expect(run.log.steps.map(\.rows) == rows)
        }
        let error = trainingError {
            _ = try train(pairs(3), quietConfiguration(batchSize: 4) { $0.dropLast = true })
        }
        #expect(try #require(error).description.contains("3 rows"))
        // Alone it teaches nothing, which is said.
        let single = try train(pairs(9), quietConfiguration(batchSize: 4))
        #expect(single.log.warnings.contains { $0.contains("single row") })
        let none = try train(pairs(9), quietConfiguration(batchSize: 4) { $0.dropLast = true })
        #expect(none.log.warnings.isEmpty)
    }

    @Test func batchSizeByItself() throws {
        let few = try train(pairs(20), quietConfiguration(batchSize: nil))
        #expect(few.log.steps.map(\.rows) == [20])
        let many = try train(pairs(300), quietConfiguration(batchSize: nil))
        #expect(many.log.steps.map(\.rows) == [256, 44])
        // More than all rows is one batch.
        let huge = try train(pairs(5), quietConfiguration(batchSize: .max))
        #expect(huge.log.steps.map(\.rows) == [5])
    }

    @Test func maximumSteps() throws {
        func run(_ steps: Int) throws -> EventRecorder {
            let configuration = quietConfiguration(batchSize: 4) {
                $0.epochs = 3
                $0.maxSteps = steps
            }
            return try train(pairs(12), configuration, test: pairs(12)).log
        }
        for (steps, epoch) in [(1, 1), (3, 1), (4, 2), (9, 3), (100, 3)] {
            let log = try run(steps)
            #expect(log.steps.map(\.step) == Array(1...min(steps, 9)))
            #expect(log.epochs == Array(1...epoch))
            let after = try #require(log.evaluations.last)
            #expect(after.phase == .after && after.epoch == epoch && after.step == min(steps, 9))
        }
    }

    @Test func metricsOfAStep() throws {
        let run = try train(
            pairs(12),
            quietConfiguration(batchSize: 5) {
                $0.maxLength = 6
                $0.warmup = 2
                $0.epochs = 2
            })
        let steps = run.log.steps
        #expect(steps.map(\.epoch) == [1, 1, 1, 2, 2, 2])
        #expect(steps.map(\.learningRate).prefix(3) == [0, 5e-4, 1e-3])
        #expect(abs(steps[2].meanLoss - steps[0..<3].map(\.loss).reduce(0, +) / 3) < 1e-12)
        #expect(steps[3].meanLoss == steps[3].loss)
        for step in steps {
            #expect(step.tokens <= step.rows * 2 * 6 && step.tokens > step.rows * 2 * 2)
            #expect(step.truncatedTexts > 0 && step.truncatedTexts <= 2 * step.rows)
            #expect(try #require(step.gradientNorm) > 0)
        }
    }

    @Test func sigmoidNeedsAnotherRow() throws {
        func run(_ rows: Int, batchSize: Int, dropLast: Bool = false) throws {
            let configuration = quietConfiguration(batchSize: batchSize) {
                $0.loss = .sigmoid
                $0.dropLast = dropLast
            }
            _ = try train(pairs(rows), configuration)
        }
        #expect(
            try #require(trainingError { try run(4, batchSize: 1) }).description
                .contains("batch of 1"))
        #expect(
            try #require(trainingError { try run(9, batchSize: 4) }).description
                .contains("--drop-last"))
        try run(9, batchSize: 4, dropLast: true)
        try run(10, batchSize: 4)
    }

    /// A setting that makes no sense, and what the message must hold.
    struct BadSetting: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout TrainingConfiguration) -> Void

        init(
            _ expected: String, _ change: @escaping @Sendable (inout TrainingConfiguration) -> Void
        ) {
            (testDescription, self.change) = (expected, change)
        }

        static let all: [BadSetting] = [
            BadSetting("epochs") { $0.epochs = 0 },
            BadSetting("epochs") { $0.epochs = .max },
            BadSetting("batch size") { $0.batchSize = 0 },
            BadSetting("learning rate") { $0.learningRate = -1 },
            BadSetting("learning rate") { $0.learningRate = .nan },
            BadSetting("weight decay") { $0.weightDecay = -1 },
            BadSetting("weight decay") { $0.weightDecay = .infinity },
            BadSetting("warm-up") { $0.warmup = -0.1 },
            BadSetting("warm-up") { $0.warmup = 1.5 },
            BadSetting("warm-up") { $0.warmup = .nan },
            BadSetting("warm-up") { $0.warmup = 1e300 },
            BadSetting("length") { $0.maxLength = 2 },
            BadSetting("steps") { $0.maxSteps = 0 },
            BadSetting("threads") { $0.threads = 0 },
            BadSetting("threads") { $0.threads = 100_000 },
            BadSetting("temperature") { $0.temperature = 0 },
            BadSetting("temperature") { $0.temperature = .nan },
            BadSetting("swap") { $0.addsSwapLoss = true },
            BadSetting("contains") { $0.strategy = .bitFit(keywords: ["no such name"]) },
        ]
    }

    @Test(arguments: BadSetting.all) func badSettings(_ setting: BadSetting) throws {
        let tuner = try FineTuner.fromPretrained(tinyModel, dataset: pairs(8))
        let configuration = quietConfiguration(batchSize: 4, setting.change)
        let error = trainingError { _ = try tuner.run(configuration) }
        #expect(try #require(error).description.contains(setting.testDescription))
        // Nothing stays frozen.
        #expect(tuner.embedder.store.parameters.allSatisfy { !$0.isFrozen })
    }

    @Test func badData() throws {
        let embedder = try Embedder.load(tinyModel)
        func tuner(
            _ data: Dataset, validation: Dataset? = nil, test: Dataset? = nil
        ) throws {
            _ = try FineTuner(
                embedder: embedder, dataset: data, validation: validation, test: test)
        }
        let row = ScoredPairRecord(sentence1: "a", sentence2: "b", label: 1)
        for label in [Double.nan, .infinity] {
            let bad = ScoredPairRecord(sentence1: "a", sentence2: "b", label: label)
            let error = fileError { try tuner(Dataset(scoredPairs: [row, bad])) }
            #expect(error?.line == 2 && error?.problem.contains("label") == true)
            let test = fileError {
                try tuner(scoredPairs(4), test: Dataset(scoredPairs: [row, row, bad]))
            }
            #expect(test?.line == 3)
        }
        let blank = fileError { try tuner(Dataset(pairs: [PairRecord(text: "a", textPos: " \n")])) }
        #expect(blank?.problem.contains("text_pos") == true)
        for (what, body) in [
            ("validation", { try tuner(pairs(4), validation: triplets(4)) }),
            ("test", { try tuner(pairs(4), test: scoredPairs(4)) }),
            ("training data have no rows", { try tuner(Dataset(pairs: [])) }),
            (
                "validation data have no rows",
                { try tuner(pairs(4), validation: Dataset(pairs: [])) }
            ),
            ("test data have no rows", { try tuner(pairs(4), test: Dataset(pairs: [])) }),
        ] as [(String, () throws -> Void)] {
            #expect(try #require(trainingError(body)).description.contains(what))
        }
    }

    @Test func numbersThatExplode() throws {
        let tuner = try FineTuner.fromPretrained(tinyModel, dataset: pairs(32))
        let configuration = quietConfiguration(batchSize: 4) {
            $0.learningRate = 1e38
            $0.epochs = 3
        }
        let error = try #require(trainingError { _ = try tuner.run(configuration) })
        guard case .notFinite(_, let step, let epoch, let rows, let place) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(step >= 2 && epoch >= 1 && rows.count == 4)
        #expect(!place.isEmpty && error.description.contains(place))
        #expect(error.description.contains("lower learning rate"))
    }
}

@Suite struct BitFitTests {
    @Test func onlyBiasesMove() throws {
        let tuner = try FineTuner.fromPretrained(tinyModel, dataset: pairs(24))
        let store = tuner.embedder.store
        let before = store.parameters.map { $0.value.bits }
        let run = try tuner.run(
            quietConfiguration {
                $0.strategy = .bitFit()
                $0.weightDecay = 0.1
            }, trackers: [])
        var moved = 0
        for (parameter, old) in zip(run.embedder.store.parameters, before) {
            if parameter.name.contains("bias") && !parameter.name.hasPrefix("pooler") {
                // Softmax does not see key biases, but rounding moves them too.
                if parameter.value.bits != old { moved += 1 }
            } else {
                #expect(parameter.value.bits == old, "\(parameter.name)")
            }
            #expect(!parameter.isFrozen)
        }
        #expect(moved >= 15, "\(moved) biases moved")
    }

    @Test func momentsAreSmall() throws {
        let embedder = try Embedder.load(tinyModel)
        let store = embedder.store
        try Strategy.bitFit().apply(to: embedder)
        let biases = store.parameters.filter { $0.name.contains("bias") }
        #expect(store.trainableCount == biases.reduce(0) { $0 + $1.shape.count })
        #expect(store.trainableCount < store.count / 10)
        let pool = WorkerPool(threads: 1)
        defer { pool.close() }
        let optimizer = AdamW(store)
        var tape = Tape(.training(seed: 1))
        let vectors = embedder.embed(TokenBatch([[6, 20, 21, 7], [6, 22, 7]]), on: &tape)
        let gradients = Gradients(turns: 1)
        tape.backward(
            from: vectors, seed: Tensor(Array(repeating: 1, count: 18), shape: [2, 9]),
            into: gradients, turn: 0)
        optimizer.step(gradients, rate: 1e-3, pool: pool)
        // The pooler's bias takes no part.
        let pooler = try #require(store["pooler.dense.bias"]).shape.count
        #expect(optimizer.stateBytes == 8 * (store.trainableCount - pooler))
        try Strategy.full.apply(to: embedder)
        #expect(store.trainableCount == store.count)
    }

    @Test func keywords() throws {
        let embedder = try Embedder.load(tinyModel)
        let store = embedder.store
        try Strategy.bitFit(keywords: ["layer.1.", "word_embeddings"]).apply(to: embedder)
        for parameter in store.parameters {
            let learns =
                parameter.name.contains("layer.1.") || parameter.name.contains("word_embeddings")
            #expect(parameter.isFrozen == !learns)
        }
        #expect(Strategy.full.name == "full" && Strategy.bitFit().name == "bitfit")
    }
}
