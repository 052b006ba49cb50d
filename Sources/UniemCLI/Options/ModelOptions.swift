import ArgumentParser
import Uniem

/// Which model works, and how it reads texts.
struct ModelOptions: ParsableArguments {
    @Argument(
        help: "The model: a folder, or a name on the Hugging Face hub such as moka-ai/m3e-small.")
    var model: String

    @Option(help: "How hidden states become a vector. (default: the model's own)")
    var pooling: Pooling?

    @Option(help: "How the model's folder is read. (default: as its files say)")
    var modelType: ModelType?

    @Option(help: "The most tokens of a text that count. (default: the model's own limit)")
    var maxLength: Int?

    @Option(
        help: ArgumentHelp(
            "Put this before every text. (default: the model's default prompt)", valueName: "text"))
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "Put the model's prompt of that name before every text. (default: its default prompt)",
            valueName: "name"))
    var promptName: String?

    @Option(
        help:
            "bf16: factors of matrix products in half precision; sums, norms and weights stay float32."
    )
    var mixedPrecision = MixedPrecision.no

    @Option(help: "Worker threads. (default: all processors)")
    var threads: Int?

    func validate() throws {
        try Check.filled("MODEL", model)
        try Check.whole("--max-length", maxLength, 3...1_000_000)
        try Check.whole("--threads", threads, 1...1024)
        try Check.filled("--prompt-name", promptName)
        if prompt != nil && promptName != nil {
            throw ValidationError("give --prompt or --prompt-name, one of them")
        }
    }

    /// What was asked to be put before every text of `embedder`; `nil` where the model's own prompts stand.
    func givenPrompt(of embedder: Embedder) throws -> String? {
        if let promptName { return try embedder.prompts.text(named: promptName) }
        return prompt
    }

    /// What is put before every text of `embedder`.
    func prompt(of embedder: Embedder) throws -> String {
        if let promptName { return try embedder.prompts.text(named: promptName) }
        return prompt ?? embedder.prompts.defaultText
    }

    /// The folder of the model, fetched from the hub where it is a name; before anything else that takes time.
    func folder(in context: Context) throws -> String {
        try context.withHub { try Pretrained.folder(of: model, hub: $0) }
    }

    /// Begins to load the model in `folder`, for ``load(_:begun:in:)``, while other things are done.
    func beginLoading(_ folder: String) -> Background<Embedder>? {
        // The base model of an adapter may have to be fetched: that is done in its turn, and told.
        do { if try Embedder.adapterBase(of: folder) != nil { return nil } } catch { return nil }
        let (pooling, modelType) = (pooling, modelType)
        return Background {
            try Embedder.load(folder, pooling: pooling, modelType: modelType)
        }
    }

    /// Loads the model in `folder`, or waits for what was `begun`.
    func load(
        _ folder: String, begun: Background<Embedder>? = nil, in context: Context
    ) throws -> Embedder {
        let embedder = try context.logger.timed("model loaded") {
            if let begun { return try begun.value() }
            return try context.withHub {
                try Pretrained.embedder(
                    in: folder, pooling: pooling, modelType: modelType, hub: $0)
            }
        }
        embedder.precision = mixedPrecision.precision
        if let maxLength, let limit = embedder.encoder.maximumLength, maxLength > limit {
            context.say(
                "note: --max-length \(maxLength): the model has \(limit) positions; longer texts are cut there"
            )
        }
        return embedder
    }
}
