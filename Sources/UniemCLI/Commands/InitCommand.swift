import ArgumentParser
import Tokenizers
import Uniem

/// `uniem init`: a fresh small BERT.
struct InitCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a fresh small BERT with random weights.",
        usage: """
            uniem init <dir> --corpus <file> [<options>]
            uniem init <dir> --vocab <file> [<options>]
            """,
        discussion: """
            Its vocabulary comes from a file (vocab.txt, a token a line) or is learnt from text: a .txt file, or \
            the texts of any data set that finetune reads.

            Example:
              uniem init tiny --corpus pairs.jsonl --vocab-size 2000 --hidden 128
            """)

    @Argument(help: "The folder to make; it must be new or empty.")
    var dir: String

    @Option(help: "How many layers.")
    var layers = 2

    @Option(help: "The width of hidden states, and of vectors.")
    var hidden = 128

    @Option(help: "Attention heads a layer; divides the width.")
    var heads = 2

    @Option(help: "The width inside feed-forward blocks. (default: 4 times the width)")
    var intermediate: Int?

    @Option(help: "The longest text, in tokens.")
    var maxPositions = 512

    @Option(help: ArgumentHelp("The vocabulary, a token a line.", valueName: "file"))
    var vocab: String?

    @Option(help: ArgumentHelp("Texts to learn a vocabulary from.", valueName: "file"))
    var corpus: String?

    @Option(help: "With --corpus: how many tokens to learn. (default: 8000)")
    var vocabSize: Int?

    @Option(help: "How hidden states become a vector.")
    var pooling = Pooling.lastMean

    @Flag(help: "Tell capital letters from small ones, and keep accents.")
    var cased = false

    @Option(help: "The seed of the weights.")
    var seed: UInt64 = 42

    @OptionGroup var logging: LoggingOptions

    /// How many tokens are learnt unless something else is asked for.
    static let standardVocabulary = 8000

    /// More numbers than this are no small model.
    static let largest = 2_000_000_000

    func validate() throws {
        try Check.filled("DIR", dir)
        try Check.filled("--vocab", vocab)
        try Check.filled("--corpus", corpus)
        try Check.whole("--layers", layers, 1...1024)
        try Check.whole("--hidden", hidden, 1...65_536)
        try Check.whole("--heads", heads, 1...1024)
        try Check.whole("--intermediate", intermediate, 1...1_048_576)
        try Check.whole("--max-positions", maxPositions, 8...1_048_576)
        try Check.whole(
            "--vocab-size", vocabSize, WordPieceTrainer.specialTokens.count + 1...1_000_000)
        guard (vocab == nil) != (corpus == nil) else {
            throw ValidationError("give --vocab or --corpus, one of them")
        }
        guard vocab == nil || vocabSize == nil else {
            throw ValidationError("--vocab-size needs --corpus; a --vocab file has its own size")
        }
        guard hidden % heads == 0 else {
            throw ValidationError("--heads \(heads) does not divide --hidden \(hidden)")
        }
        let count = estimatedParameters
        guard count <= InitCommand.largest else {
            throw ValidationError(
                "about \(count) parameters are more than \(InitCommand.largest); use smaller sizes")
        }
    }

    private var estimatedParameters: Int {
        let inner = intermediate ?? 4 * hidden
        return ((vocabSize ?? InitCommand.standardVocabulary) + maxPositions) * hidden
            + layers * (4 * hidden * hidden + 2 * hidden * inner)
    }

    func run(in context: Context) throws {
        if FileBytes.exists(dir) {
            guard FileBytes.isFolder(dir), try FileBytes.names(in: dir).isEmpty else {
                throw FileError(
                    path: dir, problem: "there is something already",
                    remedy: "choose a new folder, or remove it first")
            }
        }
        let source = FreshTokenizer(
            isCased: cased, modelMaxLength: maxPositions, vocabulary: vocab, corpus: corpus,
            size: vocabSize ?? InitCommand.standardVocabulary)
        let tokenizer = try source.make(in: context)
        let configuration = BERTConfig.fresh(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: hidden, layers: layers,
            heads: heads, intermediateSize: intermediate, maximumPositions: maxPositions)
        let embedder = try Embedder.fresh(
            configuration: configuration, tokenizer: tokenizer, pooling: pooling, seed: seed)
        try context.logger.timed("model saved") { try embedder.save(to: dir) }
        context.say(
            "A fresh BERT of \(embedder.parameterCount) parameters and \(tokenizer.vocabularySize) tokens in \(dir)"
        )
        context.say("Train it: uniem finetune \(ShellWord.quoted(dir)) --dataset FILE")
    }
}
