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
    /// Throws a ``FileError`` that says what is wrong with which file.
    public static func load(_ folder: String, pooling: Pooling? = nil) throws -> Embedder {
        guard FileBytes.isFolder(folder) else {
            throw FileError(
                path: folder, problem: "no such model folder",
                remedy: "give the folder of a model (with config.json and weights)")
        }
        let modules = try SentenceTransformersModules(folder: folder)
        let path = modules.transformerFolder + "/config.json"
        guard FileBytes.exists(path) else {
            throw FileError(
                path: folder, problem: "no config.json", remedy: "check that this is a model folder"
            )
        }
        let configuration = try JSON(contentsOf: path)
        let family = try EncoderFamily(configuration, path: path)
        let source = try CheckpointSource(folder: modules.transformerFolder, rules: family.keyRules)
        let encoder: any Encoder
        do {
            encoder = try family.makeEncoder(configuration, path: path, source: source)
        } catch let error as ParameterError {
            throw FileError(path: modules.transformerFolder, problem: "\(error)")
        }
        let tokenizer = try Tokenizer(folder: modules.transformerFolder)
        guard tokenizer.vocabularySize <= encoder.vocabularySize else {
            throw FileError(
                path: modules.transformerFolder,
                problem:
                    "the tokenizer has \(tokenizer.vocabularySize) words, the model \(encoder.vocabularySize)",
                remedy: "tokenizer files and weights belong to different models")
        }
        let saved = try savedPooling(configuration, path: path)
        if pooling == nil, let saved, let other = modules.pooling, saved != other {
            throw FileError(
                path: path,
                problem:
                    "uniem_pooling_strategy is \(saved.rawValue), but 1_Pooling says \(other.rawValue)",
                remedy: "choose one with --pooling")
        }
        if pooling == nil, let problem = modules.poolingProblem { throw problem }
        let embedder = Embedder(
            tokenizer: tokenizer, encoder: encoder,
            pooling: pooling ?? modules.pooling ?? saved ?? .lastMean,
            normalizes: try modules.normalizes ?? savedNormalizes(configuration, path: path),
            maxLength: try modules.maxLength ?? savedMaxLength(configuration, path: path),
            loadReport: source.report)
        try check(embedder.pooling, of: encoder, path: path)
        guard embedder.maxLength > tokenizer.specialTokenCount else {
            throw FileError(
                path: modules.transformerFolder,
                problem: "texts may have \(embedder.maxLength) tokens, and "
                    + "\(tokenizer.specialTokenCount) of them are special ones",
                remedy: "check max_position_embeddings in config.json and the tokenizer's "
                    + "model_max_length")
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
        try check(pooling, of: encoder, path: path)
        return Embedder(tokenizer: tokenizer, encoder: encoder, pooling: pooling)
    }

    /// Word rows of another width than hidden states (ALBERT's) have no mean with them.
    private static func check(
        _ pooling: Pooling, of encoder: any Encoder, path: String
    ) throws(FileError) {
        guard pooling == .embeddingLastMean, encoder.wordEmbeddingSize != encoder.hiddenSize
        else { return }
        throw FileError(
            path: path,
            problem: "embedding_last_mean needs word rows as wide as hidden states, found "
                + "\(encoder.wordEmbeddingSize) and \(encoder.hiddenSize)",
            remedy: "choose another pooling with --pooling")
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

/// What `modules.json` and the files it points to say.
struct SentenceTransformersModules {
    /// Where `config.json` and the weights are.
    var transformerFolder: String
    /// The pooling, where one is given and built.
    var pooling: Pooling?
    /// Why the given one cannot be used.
    var poolingProblem: FileError?
    /// Whether vectors get length 1; `nil` without `modules.json`.
    var normalizes: Bool?
    /// The most tokens.
    var maxLength: Int?

    init(folder: String) throws {
        transformerFolder = folder
        let path = folder + "/modules.json"
        guard FileBytes.exists(path) else { return }
        guard let modules = try JSON(contentsOf: path).array, !modules.isEmpty else {
            throw FileError(
                path: path, problem: "expected a list of modules", remedy: "fetch the file again")
        }
        normalizes = false
        for module in modules {
            let kind =
                module["type"]?.string?.split(separator: ".").last.map(String.init) ?? "(none)"
            let relative = module["path"]?.string ?? ""
            let place = relative.isEmpty ? folder : folder + "/" + relative
            switch kind {
            case "Transformer":
                transformerFolder = place
            case "Pooling":
                let file = place + "/config.json"
                do throws(FileError) {
                    pooling = try Pooling(
                        sentenceTransformers: try JSON(contentsOf: file), path: file
                    )
                } catch {
                    poolingProblem = error
                }
            case "Normalize":
                normalizes = true
            default:
                throw FileError(
                    path: path, problem: "module \(kind) is not supported",
                    remedy: "supported: Transformer, Pooling, Normalize")
            }
        }
        let settings = transformerFolder + "/sentence_bert_config.json"
        if FileBytes.exists(settings) {
            let json = try JSON(contentsOf: settings)
            if let value = json["max_seq_length"], !value.isNull {
                guard let length = value.int, length > 2 else {
                    throw FileError(
                        path: settings,
                        problem:
                            "max_seq_length: expected a whole number above 2, found \(value.text())"
                    )
                }
                maxLength = length
            }
            if json["do_lower_case"]?.bool == true {
                throw FileError(
                    path: settings, problem: "do_lower_case: true is not supported",
                    remedy: "set it to false and do_lower_case in tokenizer_config.json to true")
            }
        }
    }
}
