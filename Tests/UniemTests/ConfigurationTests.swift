import Embedders
import Files
import Records
import Testing

@testable import Uniem

@Suite("Settings survive run.json")
struct ConfigurationTests {
    /// Every setting away from its default.
    static let unusual: TrainingConfiguration = {
        var c = TrainingConfiguration()
        c.epochs = 7
        c.maxSteps = 11
        c.batchSize = 13
        c.gradientAccumulationSteps = 3
        c.chunkTokens = 99
        c.strategy = .bitFit(keywords: ["bias", "é"])
        c.mergesAdapter = true
        c.mixedPrecision = .bf16
        c.learningRate = 1.0 / 3
        c.schedule = .linear
        c.warmup = 0.1
        c.weightDecay = 0.2
        c.decayRule = .uniem
        c.parameterGroups = [
            ParameterGroup(pattern: "a\"b", learningRate: 0.1),
            ParameterGroup(pattern: ".", weightDecay: 0),
        ]
        c.maxGradientNorm = 1.5
        c.loss = .sigmoid
        c.temperature = 0.07
        c.addsSwapLoss = true
        c.maxLength = 33
        c.prompt = "auto"
        c.shuffle = false
        c.shuffleOrder = .torch
        c.shuffleBuffer = 5
        c.dropLast = true
        c.avoidsDuplicates = true
        c.mixing = .roundRobin
        c.evaluationSteps = 17
        c.bestMetric = "loss"
        c.earlyStoppingPatience = 2
        c.restoresBest = true
        c.checkpointSteps = 19
        c.checkpointMinutes = nil
        c.checkpointsEpochs = false
        c.keptCheckpoints = 4
        c.recordsExamples = false
        c.tensorBoard = true
        c.seed = .max
        c.threads = 3
        return c
    }()

    private func roundTrip(_ configuration: TrainingConfiguration) throws -> TrainingConfiguration {
        let text = configuration.json.text(indent: 2)
        var result = try TrainingConfiguration(JSON(parsing: Array(text.utf8)), path: "run.json")
        result.runsDirectory = configuration.runsDirectory
        return result
    }

    @Test("to the bit, the defaults and their opposites")
    func roundTrip() throws {
        #expect(try roundTrip(TrainingConfiguration()) == TrainingConfiguration())
        #expect(try roundTrip(Self.unusual) == Self.unusual)
        // Nothing of the unusual ones is as by default, so that a forgotten setting is seen.
        let (a, b) = (TrainingConfiguration().json.members ?? [], Self.unusual.json.members ?? [])
        for ((key, value), (_, other)) in zip(a, b) {
            #expect(value.text() != other.text(), "\(key)")
        }
    }

    @Test(
        "every strategy",
        arguments: [
            Strategy.full, .bitFit(), .lastLayers(2), .only(pattern: "layer\\.\\d"),
            .prefix(PrefixTraining(tokens: ["[Q1]", "[Q2]"])),
            .prefix(
                PrefixTraining(
                    tokens: ["[Q]"], prefix: "[Q] 查询：", trainsOnlyTokens: false,
                    isOnAllTexts: true)),
        ])
    func strategies(_ strategy: Strategy) throws {
        var configuration = TrainingConfiguration()
        configuration.strategy = strategy
        let result = try roundTrip(configuration)
        if case .prefix(let prefix) = strategy, case .prefix(let other) = result.strategy {
            #expect(prefix.text == other.text && prefix.tokens == other.tokens)
        } else {
            #expect(result == configuration)
        }
    }

    @Test("what is missing, unknown or of another kind is named")
    func damage() throws {
        let json = TrainingConfiguration().json
        for (key, value) in [
            ("epochs", JSON?.none), ("epochs", "three"), ("shuffle", 1), ("mix", "sometimes"),
            ("seed", -1), ("warmup", "a bit"), ("strategy", "full"), ("new_setting", 1),
            ("prompt", 5), ("parameter_groups", [["pattern": "x"]]),
        ] as [(String, JSON?)] {
            var damaged = json
            if let value { damaged.set(key, value) } else { damaged.remove(key) }
            do {
                _ = try TrainingConfiguration(damaged, path: "RUN/run.json")
                Issue.record("\(key) was taken")
            } catch {
                let name = key == "parameter_groups" ? "learning_rate" : key
                #expect(error.path == "RUN/run.json" && error.problem.contains(name), "\(error)")
                #expect(!error.remedy.isEmpty)
            }
        }
    }
}
