import ArgumentParser
import Uniem

/// Which model works, and how it reads texts.
struct ModelOptions: ParsableArguments {
    @Argument(help: "The model: a folder with config.json, weights and tokenizer files.")
    var model: String

    @Option(help: "How hidden states become a vector. (default: the model's own)")
    var pooling: Pooling?

    @Option(help: "The most tokens of a text that count. (default: the model's own limit)")
    var maxLength: Int?

    @Option(help: "Worker threads. (default: all processors)")
    var threads: Int?

    func validate() throws {
        try Check.filled("MODEL", model)
        try Check.whole("--max-length", maxLength, 3...1_000_000)
        try Check.whole("--threads", threads, 1...1024)
    }

    /// Throws unless there is such a folder, before anything that takes time.
    func checkFolder() throws { try ModelOptions.checkFolder(model) }

    /// Throws unless `model` is a folder; hub names are told what to do.
    static func checkFolder(_ model: String) throws(FileError) {
        if FileBytes.isFolder(model) { return }
        let problem = FileBytes.exists(model) ? "not a folder" : "no such model folder"
        throw FileError(
            path: model, problem: problem,
            remedy: "give the folder of a model (names of the Hugging Face hub are not fetched: "
                + "download the files first), or make one with uniem init")
    }

    /// Loads the model.
    func load(in context: Context) throws -> Embedder {
        try checkFolder()
        let embedder = try context.logger.timed("model loaded") {
            try Embedder.load(model, pooling: pooling)
        }
        if let maxLength, let limit = embedder.encoder.maximumLength, maxLength > limit {
            context.say(
                "note: --max-length \(maxLength): the model has \(limit) positions; longer texts are cut there"
            )
        }
        return embedder
    }
}
