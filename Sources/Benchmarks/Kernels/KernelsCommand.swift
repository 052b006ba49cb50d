import ArgumentParser
import Tensors

/// `Benchmarks kernels`: loops over floats, one by one.
struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract:
            "GB/s (GFLOP/s of attention) of each kernel, through the tape.",
        discussion: """
            Bytes are those that a kernel has to read and write; what a cache holds is read faster than memory allows. \
            A time is that of one call on one thread.
            """)

    @Option(help: "Tokens of a chunk.")
    var tokens = 512

    @Option(help: "The width of hidden states.")
    var hidden = 384

    @Option(help: "The size of an attention head.")
    var headSize = 32

    @Option(help: "Rows of the word table.")
    var words = 30522

    @Option(parsing: .upToNextOption, help: "Lengths of sequences for attention.")
    var lengths = [8, 16, 32, 64, 128, 256, 512]

    @Option(parsing: .upToNextOption, help: "Rows of batches for losses.")
    var batches = [32, 64, 256]

    @Option(help: "Only kernels whose names hold this text.")
    var only: String?

    @Option(help: "Seconds for each figure.")
    var seconds = 0.1

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let sizes = [tokens, hidden, headSize, words] + lengths + batches
        guard sizes.allSatisfy({ $0 > 0 }) else { throw ValidationError("sizes are at least 1") }
    }

    func run() throws {
        let report = Report("kernels", output)
        let measurement = Measurement(budget: seconds)
        let sizes = KernelSizes(tokens: tokens, width: hidden, headSize: headSize, words: words)
        let cases =
            sizes.rowCases + sizes.attentionCases(lengths: lengths) + sizes.parameterCases
            + sizes.lossCases(sizes: batches)
        for kernel in cases where only.map({ kernel.name.contains($0) }) ?? true {
            var figures: [Figure] = [.text("kernel", kernel.name), .text("size", kernel.size)]
            var flops: [Figure] = []
            for count in threads.oneAndAll {
                let rate = withPool(count) { measurement.perSecond($0, kernel.make) }
                if count == 1 { figures.append(.number("us", 1e6 / rate)) }
                figures.append(.number("gb_s_\(count)t", rate * kernel.bytes / 1e9))
                flops.append(.number("gflops_\(count)t", kernel.flops.map { rate * $0 / 1e9 }))
            }
            try report.add(figures + flops)
        }
        try report.flush()
    }
}
