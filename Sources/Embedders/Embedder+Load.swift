internal import Checkpoints
internal import Encoders
public import Files
internal import Layers
public import Tokenizers

extension Embedder {
    /// Loads the model in `folder`: Hugging Face's layout (`config.json`, weights, tokenizer files), with
    /// sentence-transformers' `modules.json` where there is one.
    ///
    /// - Parameter pooling: instead of the one that the folder names (`1_Pooling`, or uniem's key in `config.json`);
    ///   `last_mean` where it names none.
    ///
    /// - Parameter modelType: how the folder is read; by the files that it holds where left out.
    ///   `sentence-transformers` needs `modules.json`, `m3e` a pooling in the folder's files; `text2vec` and
    ///   `huggingface` look at the encoder only.
    ///
    /// - Parameter baseModel: where the folder holds an adapter as PEFT saves it (`adapter_config.json`), the folder of the
    ///   model that it belongs to; the one that it names where left out.
    ///
    /// Throws a ``FileError`` that says what is wrong with which file.
    public static func load(
        _ folder: String, pooling: Pooling? = nil, modelType: ModelType? = nil,
        baseModel: String? = nil
    ) throws -> Embedder {
        guard FileBytes.isFolder(folder) else {
            throw FileError(
                path: folder, problem: "no such model folder",
                remedy: "give the folder of a model (with config.json and weights)")
        }
        let isPlain = modelType == .huggingface || modelType == .text2vec
        let places = try ModelPlaces(folder: folder, baseModel: baseModel, isPlain: isPlain)
        let modules = places.modules
        if modelType == .sentenceTransformers,
            !FileBytes.exists(places.settings + "/modules.json")
        {
            throw FileError(
                path: places.settings,
                problem: "no modules.json, which a sentence-transformers model has",
                remedy: "leave out --model-type, or choose huggingface")
        }
        let path = places.encoder + "/config.json"
        guard FileBytes.exists(path) else {
            throw FileError(
                path: places.adapter == nil ? folder : places.encoder, problem: "no config.json",
                remedy: "check that this is a model folder"
            )
        }
        let configuration = try JSON(contentsOf: path)
        let family = try EncoderFamily(configuration, path: path)
        let source = try CheckpointSource(folder: places.encoder, rules: family.keyRules)
        // Words and weights take about as long to read: side by side.
        let tokenizerFolder = places.tokenizer
        let reading = Background { try Tokenizer(folder: tokenizerFolder) }
        let encoder: any Encoder
        do {
            encoder = try family.makeEncoder(configuration, path: path, source: source)
        } catch let error as ParameterError {
            throw FileError(path: places.encoder, problem: "\(error)")
        }
        let tokenizer = try reading.value()
        guard tokenizer.vocabularySize <= encoder.vocabularySize else {
            throw FileError(
                path: places.tokenizer,
                problem:
                    "the tokenizer has \(tokenizer.vocabularySize) words, the model \(encoder.vocabularySize)",
                remedy: "tokenizer files and weights belong to different models")
        }
        let keys = places.keys ?? (configuration, path)
        let saved = isPlain ? nil : try savedPooling(keys.json, path: keys.path)
        if modelType == .m3e, pooling == nil, saved == nil, modules.poolings == nil {
            throw FileError(
                path: keys.path, problem: "no uniem_pooling_strategy, which a model of uniem has",
                remedy: "leave out --model-type, or choose a pooling with --pooling")
        }
        if pooling == nil, let saved, let other = modules.poolings, [saved] != other {
            throw FileError(
                path: keys.path,
                problem: "uniem_pooling_strategy is \(saved.rawValue), but 1_Pooling says "
                    + Pooling.name(of: other),
                remedy: "choose one with --pooling")
        }
        if pooling == nil, let problem = modules.poolingProblem { throw problem }
        var report = source.report
        let content = try places.adapter?.content(for: encoder.store, rules: family.keyRules)
        report.unused += content?.unused ?? []
        let embedder = Embedder(
            tokenizer: tokenizer, encoder: encoder,
            poolings: pooling.map { [$0] } ?? modules.poolings ?? [saved ?? .lastMean],
            poolsPrompt: modules.poolsPrompt, head: try modules.head(),
            normalizes: try modules.normalizes ?? savedNormalizes(keys.json, path: keys.path),
            maxLength: try modules.maxLength ?? savedMaxLength(keys.json, path: keys.path),
            prompts: try Prompts(folder: places.settings), loadReport: report)
        try check(embedder, path: path)
        guard embedder.maxLength > tokenizer.specialTokenCount else {
            throw FileError(
                path: places.tokenizer,
                problem: "texts may have \(embedder.maxLength) tokens, and "
                    + "\(tokenizer.specialTokenCount) of them are special ones",
                remedy: "check max_position_embeddings in config.json and the tokenizer's "
                    + "model_max_length")
        }
        if let content {
            try embedder.attach(content.settings, content.layers, source: content.source)
        }
        return embedder
    }

    /// A model with random weights: `configuration` as ``BERTConfig/fresh(vocabularySize:hiddenSize:layers:heads:intermediateSize:maximumPositions:)``
    /// makes it.
    public static func fresh(
        configuration: JSON, tokenizer: Tokenizer, pooling: Pooling = .lastMean, seed: UInt64 = 42
    ) throws -> Embedder {
        let path = "config.json"
        let encoder = try EncoderFamily(configuration, path: path)
            .makeEncoder(configuration, path: path, source: RandomSource(seed: seed))
        let embedder = Embedder(tokenizer: tokenizer, encoder: encoder, poolings: [pooling])
        try check(embedder, path: path)
        return embedder
    }

    /// Whether pooling and the modules after it fit the encoder and each other.
    private static func check(_ embedder: Embedder, path: String) throws(FileError) {
        let encoder = embedder.encoder
        if embedder.poolings.contains(.embeddingLastMean),
            encoder.wordEmbeddingSize != encoder.hiddenSize
        {
            // ALBERT's word rows have no mean with its hidden states.
            throw FileError(
                path: path,
                problem: "embedding_last_mean needs word rows as wide as hidden states, found "
                    + "\(encoder.wordEmbeddingSize) and \(encoder.hiddenSize)",
                remedy: "choose another pooling with --pooling")
        }
        if !embedder.head.isEmpty || !embedder.poolsPrompt,
            let pooling = embedder.poolings.first(where: { $0.sentenceTransformersFlag == nil })
        {
            throw FileError(
                path: path,
                problem:
                    "pooling \(pooling.rawValue) cannot stand beside the modules of this folder: "
                    + "sentence-transformers has no name for it",
                remedy: "choose another with --pooling: "
                    + Pooling.allCases.filter { $0.sentenceTransformersFlag != nil }
                    .map(\.rawValue).joined(separator: ", "))
        }
        var width = embedder.poolings.count * encoder.hiddenSize
        for case .dense(let dense) in embedder.head {
            guard dense.inputs == width else {
                throw FileError(
                    path: path,
                    problem:
                        "module \(dense.prefix.dropLast()) takes vectors of \(dense.inputs) numbers, "
                        + "and gets \(width)",
                    remedy: "its config.json, or the pooling, belongs to another model")
            }
            width = dense.outputs
        }
    }

    private static func savedPooling(_ configuration: JSON, path: String) throws(FileError)
        -> Pooling?
    {
        for key in ["uniem_pooling_strategy", "uniem_embedding_strategy"] {
            guard let value = configuration[key], !value.isNull else { continue }
            guard let pooling = value.string.flatMap({ Pooling(rawValue: $0) }) else {
                throw FileError(
                    path: path, problem: "\(key): unknown pooling \(value.text())",
                    remedy: "known: " + Pooling.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return pooling
        }
        return nil
    }

    /// Whether vectors get length 1 where no `modules.json` says so; uniem's do.
    private static func savedNormalizes(_ configuration: JSON, path: String) throws(FileError)
        -> Bool
    {
        guard let value = configuration[normalizeKey], !value.isNull else { return true }
        guard let bool = value.bool else {
            throw FileError(
                path: path,
                problem: "\(normalizeKey): expected true or false, found \(value.text())")
        }
        return bool
    }

    private static func savedMaxLength(_ configuration: JSON, path: String) throws(FileError)
        -> Int?
    {
        guard let value = configuration[maxLengthKey], !value.isNull else { return nil }
        guard let length = value.int, length > 0 else {
            throw FileError(
                path: path,
                problem:
                    "\(maxLengthKey): expected a whole number above 0, found \(value.text())")
        }
        return length
    }

    /// Keys in `config.json` for what sentence-transformers' files say where they can express the model.
    static let normalizeKey = "uniem_normalize"
    static let maxLengthKey = "uniem_max_length"
}
