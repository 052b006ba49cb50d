import ArgumentParser
import Tokenizers

/// `Benchmarks tokenizer`: texts to token ids.
struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract:
            "Sentences/s and MB/s of a tokenizer on one thread.")

    @OptionGroup var input: TextOptions

    @Option(help: "Times that all texts are gone through.")
    var rounds = 7

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds is at least 1") }
    }

    func run() throws {
        let tokenizer = try Tokenizer(folder: input.model)
        let texts = try input.texts(keepsDuplicates: true)
        let bytes = texts.reduce(0) { $0 + $1.utf8.count }
        var tokens = 0
        let neighbours = Neighbours()
        var times: [Double] = []
        for round in 0...rounds {
            tokens = 0
            let time = seconds {
                for text in texts { tokens += tokenizer.ids(of: text).ids.count }
            }
            if round > 0 { times.append(time) }
        }
        let samples = Samples(times)
        func rates(_ seconds: Double) -> (sentences: Double, megabytes: Double) {
            (Double(texts.count) / seconds, Double(bytes) / seconds / 1e6)
        }
        let (median, best) = (rates(samples.median), rates(samples.best))
        let report = Report("tokenizer", output)
        try report.addFacts([
            .text("model", input.modelName), .text("kind", tokenizer.kind),
            .count("sentences", texts.count), .count("tokens", tokens),
            .number("megabytes", Double(bytes) / 1e6, 3),
            .number("sentences_s", median.sentences, 0),
            .number("mb_s", median.megabytes, 2),
            .number("tokens_s", Double(tokens) / samples.median, 0),
            .number("best_sentences_s", best.sentences, 0),
            .percent("others", neighbours.share),
        ])
    }
}
