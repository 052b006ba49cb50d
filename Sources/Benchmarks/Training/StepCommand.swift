import ArgumentParser
import Uniem

/// `Benchmarks step`: training steps on real data.
struct StepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time, throughput and memory of training steps.",
        discussion: """
            Batches in the order of the file, evenly spread over it; a step has everything that one of `uniem finetune` \
            has, tokenising too. The time is the sum over batches of the medians of their rounds. GFLOP/s are those of \
            the matrix products on tokens, where the backward pass counts as two forward passes.
            """)

    @OptionGroup var input: TextOptions

    @Option(help: "Rows of a batch.")
    var batchSize = 32

    @Option(help: "Batches that are measured, evenly spread over the file. (default: all)")
    var batches = 0

    @Option(help: "Times that each batch is trained on.")
    var rounds = 3

    @Option(help: "Steps before the first that counts.")
    var warmup = 3

    @Option(help: "Which parameters learn: full, bitfit.")
    var strategy = "full"

    @Option(help: "Tokens whose activations are kept at a time. (default: the whole batch's)")
    var chunkTokens: Int?

    @Option(help: "GFLOP/s that the machine can do at most. (default: measured on large products)")
    var floor: Double?

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard batchSize > 0, batches >= 0, rounds > 0, warmup >= 0 else {
            throw ValidationError("--batch-size and --rounds are at least 1")
        }
        guard ["full", "bitfit"].contains(strategy) else {
            throw ValidationError("--strategy \(strategy): full or bitfit")
        }
    }

    func run() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let embedder = try Embedder.load(input.model)
        let loadSeconds = (clock.now - start) / .seconds(1)
        let data = try Dataset.load(input.data)
        let batches = try chosenBatches(data)
        let limit = floor ?? peak
        let result = try withPool(threads.count) { pool in
            try StepMeasurement(
                embedder, try TrainingSettings(self).configuration, precision.value, pool
            ).run(batches, warmup: warmup, rounds: rounds)
        }
        let lengths = batches.flatMap { $0.texts.map { embedder.tokenIDs(of: $0).ids.count } }
        let gflops = ModelFLOPs(embedder).map { $0.training(lengths) / result.median / 1e9 }
        let setting: [Figure] = [
            .text("model", input.modelName), .text("precision", precision.value.rawValue),
            .count("threads", threads.count), .count("batch_size", batchSize),
            .count("batches", batches.count), .count("tokens", result.tokens),
            .number("load_ms", 1000 * loadSeconds),
        ]
        let floorFigures: [Figure] = [
            .number("gflops", gflops), .number("floor_gflops", limit),
            .percent("floor_share", gflops.map { $0 / limit }),
        ]
        try Report("step", output).addFacts(
            setting + speed(result, batches) + floorFigures + shares(result) + memory(result))
    }

    private func speed(_ result: StepMeasurement.Result, _ batches: [Records]) -> [Figure] {
        let rows = Double(batches.count * batchSize)
        let tokens = Double(result.tokens)
        let milliseconds = 1000 * result.median / Double(batches.count)
        return [
            .number("tokens_per_row", tokens / rows, 2), .number("ms_step", milliseconds, 2),
            .number("rows_s", rows / result.median, 2),
            .number("best_rows_s", rows / result.best, 2),
            .number("tokens_s", tokens / result.median, 0),
        ]
    }

    private func shares(_ result: StepMeasurement.Result) -> [Figure] {
        [
            .percent("tokenizing", result.tokenizing), .percent("gradients", result.gradients),
            .percent("norm", result.norm), .percent("optimizer", result.optimizer),
            .number("last_loss", result.lastLoss, 4), .percent("others", result.others),
        ]
    }

    private func memory(_ result: StepMeasurement.Result) -> [Figure] {
        let held = Double(result.pool.bytesHeld) / 0x1p20
        let inUse = Double(result.pool.peakBytesInUse) / 0x1p20
        return [
            .number("peak_mib", result.peakMiB), .number("pool_held_mib", held),
            .number("pool_peak_in_use_mib", inUse),
            .number("pool_requests_step", result.requestsPerStep, 0),
            .count("pool_misses", result.misses),
        ]
    }

    /// Full batches in the order of the file, ``batches`` of them.
    private func chosenBatches(_ data: Dataset) throws -> [Records] {
        let full = data.count / batchSize
        guard full > 0 else {
            throw ValidationError("\(data.count) rows are fewer than a batch of \(batchSize)")
        }
        return spread(full, count: batches).map { number in
            data.records[number * batchSize..<(number + 1) * batchSize]
        }
    }

    private var peak: Double {
        withPool(threads.count) { pool in
            [(512, 768, 768), (512, 768, 3072)].map { tokens, inputs, outputs in
                LinearProduct.gigaflops(
                    .forward, tokens: tokens, inputs: inputs, outputs: outputs,
                    precision: precision.value, Measurement(budget: 0.25), pool)
            }.max() ?? 0
        }
    }
}

/// The settings of a run that count in a step.
struct TrainingSettings {
    let configuration: TrainingConfiguration

    init(_ command: StepCommand) throws {
        var configuration = TrainingConfiguration()
        configuration.learningRate = 1e-5
        configuration.chunkTokens = command.chunkTokens
        if command.strategy == "bitfit" { configuration.strategy = .bitFit() }
        self.configuration = configuration
    }
}
