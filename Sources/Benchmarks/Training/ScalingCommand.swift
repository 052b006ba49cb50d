import ArgumentParser
import Tokenizers
import Uniem

/// `Benchmarks scaling`: how the time of a step grows.
struct ScalingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling",
        abstract: "The time of a training step against tokens, layers and the length of texts.",
        discussion: """
            BERTs with random weights on random tokens. A line is fitted through the times by least squares: r2 of 1 \
            means that time grows in proportion. attention_share is the time of the attention kernels alone, spread \
            over the threads, in the time of the step.
            """)

    @Option(help: "The width of hidden states.")
    var hidden = 384

    @Option(help: "Layers, where they do not change.")
    var layers = 6

    @Option(help: "Attention heads.")
    var heads = 12

    @Option(help: "Rows of the word table.")
    var words = 30522

    @Option(parsing: .upToNextOption, help: "Tokens of a batch.")
    var tokens = [1000, 2000, 4000, 8000, 16000, 30000]

    @Option(parsing: .upToNextOption, help: "Numbers of layers.")
    var layerCounts = [1, 2, 4, 6, 8, 12]

    @Option(parsing: .upToNextOption, help: "Lengths of texts.")
    var lengths = [16, 32, 64, 128, 256, 512]

    @Option(help: "Tokens of a batch where layers or lengths change.")
    var fixedTokens = 4096

    @Option(help: "Times that each step is measured.")
    var rounds = 3

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let sizes = [hidden, layers, heads, fixedTokens, rounds] + tokens + layerCounts + lengths
        guard sizes.allSatisfy({ $0 > 0 }), words > 1000 else {
            throw ValidationError("sizes are at least 1, --words above 1000")
        }
        guard hidden % heads == 0 else {
            throw ValidationError("--heads \(heads) does not divide --hidden \(hidden)")
        }
    }

    func run() throws {
        let report = Report("scaling", output)
        try withPool(threads.count) { pool in
            let model = try ScaledStep(self, layers: layers, pool)
            try sweep("tokens", tokens, report) { count in
                try model.measure(tokens: count, length: 32, rounds: rounds)
            }
            try sweep("layers", layerCounts, report) { count in
                try ScaledStep(self, layers: count, pool)
                    .measure(tokens: fixedTokens, length: 32, rounds: rounds)
            }
            try sweep("length", lengths, report) { length in
                try model.measure(tokens: fixedTokens, length: length, rounds: rounds)
            }
        }
    }

    /// Measures a step for each of `values`, and fits a line through the times.
    private func sweep(
        _ name: String, _ values: [Int], _ report: Report,
        _ measure: (Int) throws -> ScaledStep.Result
    ) throws {
        var points: [(x: Double, y: Double)] = []
        for value in values {
            let result = try measure(value)
            points.append((Double(value), 1000 * result.seconds))
            try report.add([
                .text("against", name), .count("value", value), .count("tokens", result.tokens),
                .number("ms_step", 1000 * result.seconds, 2),
                .number("tokens_s", Double(result.tokens) / result.seconds, 0),
                .number("gflops", result.flops / result.seconds / 1e9),
                .percent("attention_share", result.attentionShare),
                .number("peak_mib", SystemFacts.peakMiB),
            ])
        }
        try report.flush()
        guard points.count > 1 else { return }
        let line = LineFit(points)
        try report.add([
            .text("line_against", name), .number("slope_ms", line.slope, 5),
            .number("intercept_ms", line.intercept, 2), .number("r2", line.r2, 5),
        ])
        try report.flush()
    }
}
