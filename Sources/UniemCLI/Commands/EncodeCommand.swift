import ArgumentParser
import Uniem

/// `uniem encode`: texts to vectors.
struct EncodeCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Turn texts into vectors.",
        usage: "uniem encode [<options>] <model> [<text> ...]",
        discussion: """
            The texts are those given; or those of --input; or, where neither is given and something is piped in, \
            the lines of standard input. Without --output each becomes a JSON line {"text":...,"embedding":[...]} \
            on standard output. Files appear complete or not at all: .jsonl holds such lines, .npy a NumPy array \
            (float32, one row a text), .safetensors the same as tensor "embeddings".

            Example:
              uniem encode Runs/my-run/model --input texts.txt --output vectors.npy
            """)

    @OptionGroup var model: ModelOptions

    @Argument(help: "The texts.")
    var text: [String] = []

    @Option(
        help: ArgumentHelp(
            "Texts from a file: .txt (a text a line) or .jsonl (the field text), also gzipped.",
            valueName: "file"))
    var input: String?

    @Option(
        help: ArgumentHelp(
            "The file to write: .jsonl, .npy or .safetensors. (default: standard output)",
            valueName: "file"))
    var output: String?

    @Flag(
        inversion: .prefixedNo, help: "Scale vectors to length 1. (default: the model's own)")
    var normalize: Bool?

    @Option(help: "About how many tokens a thread works on at once.")
    var batchTokens = 512

    @OptionGroup var logging: LoggingOptions

    /// How many texts go through the model before their vectors are written.
    static let block = 1024

    func validate() throws {
        try Check.whole("--batch-tokens", batchTokens, 1...10_000_000)
        try Check.filled("--input", input)
        try Check.filled("--output", output)
        if let input, TextFile.Format(path: input) == nil {
            throw ValidationError("--input \(input): expected a name that ends in .txt or .jsonl")
        }
        if let output, EmbeddingFormat(path: output) == nil {
            throw ValidationError(
                "--output \(output): expected a name that ends in \(EmbeddingFormat.endings)")
        }
        if !text.isEmpty && input != nil {
            throw ValidationError("give texts or --input, not both")
        }
        for (index, text) in text.enumerated() where TextFile.isBlank(text) {
            throw ValidationError("text \(index + 1) is empty")
        }
    }

    func run(in context: Context) throws {
        let folder = try model.folder(in: context)
        let texts = try readTexts(in: context)
        let embedder = try model.load(folder, in: context)
        let pool = WorkerPool(threads: model.threads ?? availableProcessors())
        defer { pool.close() }
        let writer = try makeWriter(count: texts.count, width: embedder.dimension, in: context)
        let prompt = try model.prompt(of: embedder)
        let skipped = embedder.promptTokens(prompt)
        var cut = 0
        for start in stride(from: 0, to: texts.count, by: EncodeCommand.block) {
            let part = Array(texts[start..<min(start + EncodeCommand.block, texts.count)])
            let tokens = part.map {
                embedder.tokenIDs(of: $0, prompt: prompt, maxLength: model.maxLength)
            }
            cut += tokens.count { $0.truncated > 0 }
            let vectors = context.logger.timed("encoded \(part.count) texts") {
                embedder.embeddings(
                    ofTokens: tokens.map(\.ids), skipping: skipped, normalize: normalize,
                    chunkTokens: batchTokens, pool: pool)
            }
            guard vectors.isFinite else {
                throw FileError(
                    path: model.model, problem: "a vector holds NaN or an infinity",
                    remedy: "the weights are damaged, or training went astray")
            }
            try writer.write(part, vectors)
        }
        try writer.finish()
        if cut > 0 {
            context.say("note: \(cut) of \(texts.count) texts were too long and have been cut")
        }
        if let output {
            context.say("\(texts.count) vectors of \(embedder.dimension) in \(output)")
        }
    }

    private func readTexts(in context: Context) throws -> [String] {
        if !text.isEmpty { return text }
        guard let path = input ?? context.inputPath else {
            throw ValidationError("no texts: give some, or --input FILE, or pipe them in")
        }
        let texts = try TextFile.texts(
            of: path, format: input.flatMap { TextFile.Format(path: $0) } ?? .lines)
        guard !texts.isEmpty else {
            throw FileError(
                path: input ?? "standard input", problem: "no texts",
                remedy: "give texts after the model, a file with --input, or lines to read")
        }
        return texts
    }

    private func makeWriter(
        count: Int, width: Int, in context: Context
    ) throws -> any EmbeddingWriter {
        guard let output, let format = EmbeddingFormat(path: output) else {
            return JSONLinesWriter(sink: context.output)
        }
        return try format.writer(path: output, count: count, width: width)
    }
}
