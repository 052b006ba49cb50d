import ArgumentParser
import Tensors

/// `Benchmarks machine`: what the machine is and can do at most.
struct MachineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine",
        abstract: "Processor, memory bandwidth, and the fastest large matrix product.")

    @Option(help: "Seconds for each figure.")
    var seconds = 1.0

    @Option(help: "MiB that the bandwidth is measured on, for each thread.")
    var mebibytes = 256

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let report = Report("machine", output)
        try report.addFacts([
            .text("processor", SystemFacts.processor),
            .text("features", SystemFacts.features.joined(separator: " ")),
            .count("processors", availableProcessors()),
            .text("caches", SystemFacts.caches),
            .number("memory_gib", SystemFacts.memory.map { Double($0) / 0x1p30 }),
            .text("large_pages", SystemFacts.largePages),
            .text("blas", blasDescription()),
        ])
        let measurement = Measurement(budget: seconds)
        for count in threads.oneAndAll {
            try withPool(count) { pool in
                let (read, copy) = bandwidth(measurement, pool)
                try report.add([
                    .count("threads", count), .number("read_gb_s", read),
                    .number("copy_gb_s", copy),
                    .number("peak_gflops", peak(measurement, pool)),
                ])
            }
        }
        try report.flush()
    }

    /// GB/s that all threads together read, and read and write in copying.
    private func bandwidth(_ measurement: Measurement, _ pool: WorkerPool) -> (Double, Double) {
        let shape: Shape = [mebibytes, 1 << 18]
        let bytes = Double(shape.count * 4)
        let reads = measurement.perSecond(pool) { _ in
            let source = Tensor(zeros: shape)
            return {
                Benchmarks.seconds { precondition(source.isFinite) }
            }
        }
        let copies = measurement.perSecond(pool) { _ in
            let source = Tensor(zeros: shape)
            return {
                Benchmarks.seconds { _ = source.copy }
            }
        }
        BufferPool.shared.trim()
        return (reads * bytes / 1e9, 2 * copies * bytes / 1e9)
    }

    /// The highest rate of a few large products.
    private func peak(_ measurement: Measurement, _ pool: WorkerPool) -> Double {
        let shapes = [(512, 768, 768), (512, 768, 3072), (1024, 1024, 1024), (512, 3072, 768)]
        return shapes.map { tokens, inputs, outputs in
            LinearProduct.gigaflops(
                .forward, tokens: tokens, inputs: inputs, outputs: outputs,
                precision: precision.value, Measurement(budget: measurement.budget / 4), pool)
        }.max() ?? 0
    }
}
