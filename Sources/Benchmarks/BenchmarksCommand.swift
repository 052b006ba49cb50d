import ArgumentParser

/// Measures the package on the machine it runs on.
@main
struct BenchmarksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks",
        abstract: "Measures speed and memory, from single kernels to training steps.",
        discussion: """
            Build with -c release. Figures are medians. Run it on a quiet machine: where it can be told, `others` is the \
            share of the machine that other processes took meanwhile.

              swift run -c release Benchmarks machine
              swift run -c release Benchmarks step --model MODEL --data 'stsbenchmark.tsv.gz#split=train'
            """,
        subcommands: [
            MachineCommand.self, GEMMCommand.self, KernelsCommand.self, TokenizerCommand.self,
            StepCommand.self, EncodeCommand.self, ScalingCommand.self,
        ])
}
