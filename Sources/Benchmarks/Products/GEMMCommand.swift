import ArgumentParser
import Tensors

/// `Benchmarks gemm`: the products of linear layers.
struct GEMMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "GFLOP/s of the products of linear layers: Y = X W^T, dX = dY W, dW = dY^T X.")

    @Option(
        parsing: .upToNextOption, help: "Layers by name: 128, minilm, 512, bert-base.")
    var layers = ["128", "minilm", "512", "bert-base"]

    @Option(parsing: .upToNextOption, help: "Tokens.")
    var tokens = [8, 14, 32, 64, 256, 512, 1024]

    @Option(parsing: .upToNextOption, help: "Products: y, dx, dw.")
    var products = LinearProduct.Kind.allCases

    @Option(help: "Seconds for each figure.")
    var seconds = 0.1

    @Option(
        help: ArgumentHelp(
            "How many weights take turns.",
            discussion:
                "More than the cache holds show few tokens as in a model of many layers."))
    var weights = 1

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var output: OutputOptions

    /// Widths of models whose layers are known by name.
    static let widths = ["128": 128, "minilm": 384, "512": 512, "bert-base": 768]

    func validate() throws {
        for layer in layers where GEMMCommand.widths[layer] == nil {
            throw ValidationError("--layers \(layer): known are 128, minilm, 512, bert-base")
        }
        guard tokens.allSatisfy({ $0 > 0 }), weights > 0 else {
            throw ValidationError("--tokens and --weights are at least 1")
        }
    }

    func run() throws {
        let report = Report("gemm", output)
        let measurement = Measurement(budget: seconds)
        for layer in layers {
            let width = GEMMCommand.widths[layer] ?? 0
            for (inputs, outputs) in [(width, width), (width, 4 * width), (4 * width, width)] {
                for count in tokens {
                    try report.add(
                        try row(measurement, layer, tokens: count, inputs: inputs, outputs: outputs)
                    )
                }
            }
            try report.flush()
        }
    }

    private func row(
        _ measurement: Measurement, _ layer: String, tokens: Int, inputs: Int, outputs: Int
    ) throws -> [Figure] {
        var figures: [Figure] = [
            .text("layer", layer), .text("outputs_x_inputs", "\(outputs)x\(inputs)"),
            .count("tokens", tokens),
        ]
        for count in threads.oneAndAll {
            withPool(count) { pool in
                for product in products {
                    let rate = LinearProduct.gigaflops(
                        product, tokens: tokens, inputs: inputs, outputs: outputs,
                        weights: weights, precision: precision.value, measurement, pool)
                    figures.append(.number("\(product.rawValue)_\(count)t", rate))
                }
            }
        }
        return figures
    }
}

extension LinearProduct.Kind: ExpressibleByArgument {}
