import Embedders
import Files
import Layers
import Records
import TestSupport
import Tensors
import Testing
import Tokenizers
import Tracking

@testable import Uniem

/// Runs of real uniem whose result is not simply ours: prefixes, PyTorch's order, accumulation.
@Suite struct StrategyGoldenTests {
    /// A run of the reference, where it is there.
    private struct Reference {
        let folder: String
        let model: String
        let run: JSON

        init?(_ name: String) throws {
            let root = GoldenRoot.all.first {
                FileBytes.exists($0.folder + "/training/\(name)/run.json")
            }
            guard let root else {
                print("skipped: no run \(name) in the shared reference")
                return nil
            }
            folder = root.folder + "/training/" + name
            run = try JSON(contentsOf: folder + "/run.json")
            model = root.folder + "/" + (try #require(run["model_dir"]?.string))
        }

        var losses: [Double] {
            (run["steps"]?.array ?? []).filter { $0["train"]?.bool == true }
                .compactMap { $0["loss_f64"]?.double }
        }
        var optimizerSteps: [JSON] { run["optimizer_steps"]?.array ?? [] }
        var data: Dataset { get throws { try Dataset.load(folder + "/train.jsonl") } }
        var final: GoldenFile {
            get throws { try GoldenFile(path: folder + "/final_f64.safetensors") }
        }

        /// The settings of the run.
        func configuration() -> TrainingConfiguration {
            let settings = run["case"]?["run"] ?? [:]
            var configuration = TrainingConfiguration()
            configuration.runsDirectory = nil
            configuration.shuffle = settings["shuffle"]?.bool ?? false
            configuration.seed = UInt64(settings["seed"]?.int ?? 42)
            configuration.threads = 2
            configuration.epochs = settings["epochs"]?.int ?? 0
            configuration.batchSize = settings["batch_size"]?.int
            configuration.maxLength = settings["max_length"]?.int
            configuration.learningRate = settings["lr"]?.double
            configuration.decayRule = .uniem
            configuration.warmup = settings["num_warmup_steps"]?.double
            return configuration
        }

        /// How far float32 may be from the final numbers of `name`.
        func allowed(_ name: String) -> Double {
            let drift = run["f32_minus_f64_per_parameter_above_1e-5"]?[name]?.double ?? 0
            let isKeyBias = name.hasSuffix("key.bias")
            let rates = optimizerSteps.compactMap { $0["lr"]?.double }.reduce(0, +)
            return max(1e-5, 4 * drift, isKeyBias ? rates : 0)
        }
    }

    private func worst(_ log: EventRecorder, _ losses: [Double]) -> Double {
        #expect(log.steps.count == losses.count)
        return zip(log.steps, losses).map { abs($0.loss - $1) / max(1, abs($1)) }.max() ?? 1
    }

    /// Trains with the new rows that the reference began with.
    ///
    /// The tokens are in the model before the run, so that the strategy takes them as they are.
    private func prefixRun(
        _ reference: Reference, trainsOnlyTokens: Bool
    ) throws -> (log: EventRecorder, outcome: FineTuner.Outcome, start: Embedder, rows: [Int]) {
        let strategy = reference.run["case"]?["strategy"] ?? [:]
        let tokens = (strategy["additional_special_tokens"]?.array ?? []).compactMap(\.string)
        #expect(!tokens.isEmpty)
        let file = try GoldenFile(path: reference.folder + "/prefix_new_rows.safetensors")
        let name = try #require(file.names.first)
        let numbers = try file.doubles(name)
        let rows = Tensor(
            numbers.map(Float.init), shape: [tokens.count, numbers.count / tokens.count])
        let embedder = try Embedder.load(reference.model)
            .addingSpecialTokens(tokens, seed: 0, rows: rows)
        var configuration = reference.configuration()
        configuration.strategy = .prefix(
            PrefixTraining(
                tokens: tokens, prefix: reference.run["prefix"]?["prefix"]?.string,
                trainsOnlyTokens: trainsOnlyTokens))
        let log = EventRecorder()
        let tuner = try FineTuner(embedder: embedder, dataset: reference.data)
        let outcome = try tuner.run(configuration, trackers: [log])
        let ids = tokens.compactMap { outcome.embedder.tokenizer.id(of: $0).map(Int.init) }
        #expect(
            ids
                == reference.run["prefix"]?["additional_special_token_ids"]?.array?
                .compactMap(\.int))
        return (log, outcome, try Embedder.load(reference.model), ids)
    }

    /// uniem freezes the old rows by zeroing their gradients; its AdamW still decays them, by 1 - rate * decay in each
    /// step. Ours stay as they were: that is what freezing means, and what the name of the option promises. The new
    /// rows, the losses and all else are the same.
    @Test(arguments: ["prefix_hf", "prefix_list"]) func prefixRows(_ name: String) throws {
        guard let reference = try Reference(name) else { return }
        // A list of dictionaries gets the prefix again in each epoch in uniem: only its first epoch is right.
        let (log, outcome, start, rows) = try prefixRun(reference, trainsOnlyTokens: true)
        if name == "prefix_list" {
            let epoch = log.steps.count / 2
            let worst = zip(log.steps, reference.losses).prefix(epoch)
                .map { abs($0.loss - $1) }.max()
            #expect(try #require(worst) < 1e-4)
            return
        }
        // The losses of later steps feel the old rows that decay in uniem: by 30 * 1e-5 of their size at the end.
        #expect(worst(log, reference.losses) < 2e-4)
        let name = outcome.embedder.wordTableName
        let table = try #require(outcome.embedder.store[name]).value
        let old = try #require(start.store[name]).value
        let final = try reference.final.doubles(name)
        let width = table.shape.width
        let (rate, decay) = (1e-2, 1e-3)
        var kept = 1.0
        for _ in reference.optimizerSteps { kept *= 1 - rate * decay }
        for row in 0..<old.shape.rows {
            #expect(table.row(row).map(\.bitPattern) == old.row(row).map(\.bitPattern))
            for (column, value) in old.row(row).enumerated() {
                #expect(abs(final[row * width + column] - Double(value) * kept) < 1e-9)
            }
        }
        for row in rows {
            for (column, value) in table.row(row).enumerated() {
                #expect(abs(Double(value) - final[row * width + column]) < 1e-4)
            }
        }
        for parameter in outcome.embedder.store.parameters where parameter.name != name {
            #expect(parameter.value.bits == start.store[parameter.name]?.value.bits)
        }
        // The prefix stays with the model.
        #expect(outcome.embedder.prompts.defaultText == "[Q1][Q2]")
        #expect(try outcome.embedder.prompts.text(named: "document").isEmpty)
    }

    @Test func prefixAndEverything() throws {
        guard let reference = try Reference("prefix_full") else { return }
        let (log, outcome, _, _) = try prefixRun(reference, trainsOnlyTokens: false)
        #expect(worst(log, reference.losses) < 1e-5)
        for parameter in outcome.embedder.store.parameters {
            expectClose(
                parameter.value, try reference.final.doubles(parameter.name), relative: 0,
                absolute: reference.allowed(parameter.name), parameter.name)
        }
    }

    /// The very rows, in the very order.
    @Test func torchShuffle() throws {
        guard let reference = try Reference("shuffle") else { return }
        var configuration = reference.configuration()
        configuration.shuffleOrder = .torch
        let rows = SeenRows()
        let tuner = try FineTuner.fromPretrained(reference.model, dataset: reference.data)
        let outcome = try tuner.run(configuration, trackers: [rows])
        #expect(rows.rows == reference.run["row_order"]?.array?.compactMap(\.int))
        #expect(
            zip(rows.log.steps, reference.losses).allSatisfy { abs($0.loss - $1) < 1e-5 })
        for parameter in outcome.embedder.store.parameters {
            expectClose(
                parameter.value, try reference.final.doubles(parameter.name), relative: 0,
                absolute: reference.allowed(parameter.name), parameter.name)
        }
    }

    /// uniem accepts `gradient_accumulation_steps` and does nothing (its progress bar resets it): its numbers are those
    /// of a run without. So are ours, without; with 2 we make half as many steps.
    @Test func accumulationThatIsNone() throws {
        guard let reference = try Reference("grad_accum2") else { return }
        var configuration = reference.configuration()
        let log = EventRecorder()
        _ = try FineTuner.fromPretrained(reference.model, dataset: reference.data)
            .run(configuration, trackers: [log])
        #expect(worst(log, reference.losses) < 2e-4)
        #expect(
            zip(log.steps, reference.optimizerSteps).allSatisfy {
                abs($0.learningRate - ($1["lr"]?.double ?? -1)) < 1e-12
            })
        configuration.gradientAccumulationSteps = 2
        let half = EventRecorder()
        _ = try FineTuner.fromPretrained(reference.model, dataset: reference.data)
            .run(configuration, trackers: [half])
        #expect(half.steps.count == 16 && log.steps.count == 30)
        #expect(half.steps[0].rows == 32 && half.steps[7].rows == 16)
    }

    /// With uniem's progress bar put right it accumulates, and then forgets: `zero_grad` at the beginning of the last
    /// batch of a step drops the gradients of those before, and what is left is divided by 3. So its steps follow the
    /// third part of one batch. Ours follow the mean over all rows of a step, as that of a large batch.
    @Test func accumulation() throws {
        guard let reference = try Reference("grad_accum3_effective") else { return }
        var configuration = reference.configuration()
        let data = try reference.data
        func run(
            _ dataset: Dataset, _ change: (inout TrainingConfiguration) -> Void
        ) throws -> [StepMetrics] {
            let log = EventRecorder()
            change(&configuration)
            _ = try FineTuner.fromPretrained(reference.model, dataset: dataset)
                .run(configuration, trackers: [log])
            return log.steps
        }
        let steps = try run(data) { $0.gradientAccumulationSteps = 3 }
        // Ten batches an epoch: three steps of three, one of one.
        #expect(steps.count == reference.optimizerSteps.count)
        #expect(steps.map(\.rows) == [48, 48, 48, 16, 48, 48, 48, 16])
        #expect(abs(steps[0].loss - reference.losses.prefix(3).reduce(0, +) / 3) < 1e-5)
        // What uniem's first step followed.
        let third = try run(data.selecting(32..<48)) {
            $0.gradientAccumulationSteps = 1
            $0.maxSteps = 1
        }
        let norm = try #require(reference.optimizerSteps[0]["grad_norm_f64"]?.double)
        let own = try #require(third[0].gradientNorm)
        #expect(abs(own / 3 - norm) < 1e-4 * norm)
        #expect(try #require(steps[0].gradientNorm) > 1.5 * norm)
    }

    /// uniem keeps the checkpoints of the last two epochs (and removes one before the next is written); ours are the
    /// same two, by steps, complete at any moment.
    @Test func savedCheckpoints() throws {
        guard let reference = try Reference("save_checkpoints") else { return }
        try withFolder { folder in
            var configuration = reference.configuration()
            configuration.runsDirectory = folder
            configuration.runID = "a"
            let log = EventRecorder()
            let outcome = try FineTuner.fromPretrained(
                reference.model, dataset: reference.data,
                validation: .load(reference.folder + "/validation.jsonl")
            ).run(configuration, trackers: [log])
            #expect(worst(log, reference.losses) < 1e-5)
            let names = try FileBytes.names(in: folder + "/a/checkpoints")
            let saved = reference.run["saved_files"]?.array?.compactMap(\.string) ?? []
            let theirs = Set(saved.compactMap { $0.split(separator: "/").dropFirst().first })
                .filter { $0.hasPrefix("checkpoint_") }
            #expect(theirs.count == 2)
            // The best of the three may be an older one: then it is kept beside the two.
            #expect(names.suffix(2) == ["step-000006", "step-000009"] && names.count <= 3)
            for parameter in outcome.embedder.store.parameters {
                expectClose(
                    parameter.value, try reference.final.doubles(parameter.name), relative: 0,
                    absolute: reference.allowed(parameter.name), parameter.name)
            }
        }
    }
}

/// The rows of all batches in order.
private final class SeenRows: RunTracker {
    let log = EventRecorder()
    func track(_ event: RunEvent) { log.track(event) }
    func finish() {}
    var rows: [Int] {
        log.events.flatMap { event -> [Int] in
            if case .examples(_, _, let examples) = event { examples.map(\.row) } else { [] }
        }
    }
}
