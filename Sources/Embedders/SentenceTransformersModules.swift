internal import Files

/// What `modules.json` and the files it points to say.
struct SentenceTransformersModules {
    /// Where `config.json` and the weights are.
    var transformerFolder: String
    /// The poolings whose vectors are put one after the other, where they are given and built.
    var poolings: [Pooling]?
    /// Whether tokens of a prompt are pooled.
    var poolsPrompt = true
    /// Why the given one cannot be used.
    var poolingProblem: FileError?
    /// Whether vectors get length 1; `nil` without `modules.json`.
    var normalizes: Bool?
    /// The most tokens.
    var maxLength: Int?
    /// What comes after pooling: the folders of `Dense` modules, `nil` for `Normalize`; a last one is ``normalizes``.
    private var steps: [(folder: String, name: String)?] = []

    /// Reads what there is in `folder`; of what is ignored only the place of the encoder and its longest text count.
    init(folder: String, isIgnored: Bool = false) throws {
        transformerFolder = folder
        let path = folder + "/modules.json"
        guard FileBytes.exists(path) else { return }
        guard let modules = try JSON(contentsOf: path).array, !modules.isEmpty else {
            throw FileError(
                path: path, problem: "expected a list of modules", remedy: "fetch the file again")
        }
        for (index, module) in modules.enumerated() {
            let kind =
                module["type"]?.string?.split(separator: ".").last.map(String.init) ?? "(none)"
            let relative = module["path"]?.string ?? ""
            let place = relative.isEmpty ? folder : folder + "/" + relative
            switch kind {
            case "Transformer":
                transformerFolder = place
            case _ where isIgnored: continue
            case "Pooling":
                let file = place + "/config.json"
                do throws(FileError) {
                    let json = try JSON(contentsOf: file)
                    poolings = try Pooling.read(sentenceTransformers: json, path: file)
                    poolsPrompt = json["include_prompt"]?.bool ?? true
                } catch {
                    poolingProblem = error
                }
            case "Dense":
                steps.append((place, relative))
            case "Normalize":
                steps.append(nil)
            default:
                throw FileError(
                    path: path, problem: "module \(kind) is not supported",
                    remedy: "supported: Transformer, Pooling, Dense, Normalize")
            }
            guard kind != "Pooling" || steps.isEmpty, kind != "Transformer" || index == 0 else {
                throw FileError(
                    path: path, problem: "module \(kind) stands at place \(index + 1)",
                    remedy: "the order is Transformer, Pooling, then Dense and Normalize")
            }
        }
        // The last step is what `normalizes` says; one before a Dense is a step of its own.
        normalizes = isIgnored ? nil : steps.last.map { $0 == nil } ?? false
        if normalizes == true { steps.removeLast() }
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
    /// Loads the modules between pooling and the last normalisation; throws a ``FileError`` for a damaged one.
    func head() throws -> [HeadModule] {
        try steps.map { step in
            guard let (folder, name) = step else { return .normalize }
            return .dense(try Dense(folder: folder, name: name))
        }
    }
}
