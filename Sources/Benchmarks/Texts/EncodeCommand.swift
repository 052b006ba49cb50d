import ArgumentParser
import Uniem

/// `Benchmarks encode`: texts to vectors.
struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Sentences/s of encoding in bulk, and the latency of one sentence.",
        discussion: """
            The sentences are sorted by length and encoded in units of --unit; the time is the sum of the median times \
            of the units. Each sentence is taken once, as the encoder embeds equal ones once.
            """)

    @OptionGroup var input: TextOptions

    @Option(help: "Only so many sentences, evenly spread. (default: all)")
    var sentences = 0

    @Option(help: "Sentences that are encoded in one call.")
    var unit = 2048

    @Option(help: "Times that each unit is encoded.")
    var rounds = 3

    @Option(help: "Sentences that are encoded one by one, for the latency; 0 for none.")
    var latency = 500

    @Flag(help: "Take sentences as often as they stand in the data.")
    var keepDuplicates = false

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard unit > 0, rounds > 0, latency >= 0 else {
            throw ValidationError("--unit and --rounds are at least 1, --latency at least 0")
        }
    }

    func run() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let embedder = try Embedder.load(input.model)
        embedder.precision = precision.value.precision
        let loadSeconds = (clock.now - start) / .seconds(1)
        let all = try input.texts(keepsDuplicates: keepDuplicates)
        let texts = spread(all.count, count: sentences).map { all[$0] }
        let first = seconds { _ = encode([all[0]], embedder) }
        let flops = ModelFLOPs(embedder)
        let lengths = texts.map { embedder.tokenIDs(of: $0).ids.count }
        let tokens = lengths.reduce(0, +)
        let neighbours = Neighbours()
        let samples = bulk(texts, lengths, embedder)
        let others = neighbours.share
        let (median, best) = (
            samples.reduce(0) { $0 + $1.median }, samples.reduce(0) { $0 + $1.best }
        )
        let single = latency > 0 ? oneByOne(all, embedder) : nil
        let report = Report("encode", output)
        try report.addFacts([
            .text("model", input.modelName), .text("precision", precision.value.rawValue),
            .count("threads", threads.count), .count("sentences", texts.count),
            .count("tokens", tokens),
            .number("sentences_s", Double(texts.count) / median),
            .number("best_sentences_s", Double(texts.count) / best),
            .number("tokens_s", Double(tokens) / median, 0),
            .number("gflops", flops.map { $0.forward(lengths) / median / 1e9 }),
            .number("load_ms", 1000 * loadSeconds), .number("first_ms", 1000 * first, 2),
            .number("latency_p50_ms", single.map { 1000 * $0.median }, 3),
            .number("latency_p99_ms", single.map { 1000 * $0.percentile(0.99) }, 3),
            .number("peak_mib", SystemFacts.peakMiB), .percent("others", others),
        ])
    }

    private func encode(_ texts: [String], _ embedder: Embedder) -> Tensor {
        embedder.embeddings(of: texts, threads: threads.count)
    }

    /// The times of each unit.
    private func bulk(_ texts: [String], _ lengths: [Int], _ embedder: Embedder) -> [Samples] {
        let order = texts.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
        let units = stride(from: 0, to: order.count, by: unit).map { start in
            order[start..<min(start + unit, order.count)].map { texts[$0] }
        }
        _ = encode(spread(texts.count, count: 128).map { texts[$0] }, embedder)
        var times = units.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, unit) in units.enumerated() {
                times[index].append(seconds { _ = encode(unit, embedder) })
            }
        }
        return times.map { Samples($0) }
    }

    private func oneByOne(_ texts: [String], _ embedder: Embedder) -> Samples {
        let chosen = spread(texts.count, count: latency).map { texts[$0] }
        for text in chosen.prefix(20) { _ = encode([text], embedder) }
        return Samples(chosen.map { text in seconds { _ = encode([text], embedder) } })
    }
}
