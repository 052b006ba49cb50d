internal import Files

/// Which files of a model's repository are needed: configuration, tokenizer, the folders of a sentence-transformers
/// model, and the weights in one format.
struct ModelFiles {
    /// The files of the repository.
    let paths: Set<String>
    /// The folders with weights of their own: the top, and those that `modules.json` names.
    let folders: [String]

    /// The folder of the transformer: the top, or what `modules.json` names.
    let transformer: String

    /// `modules` is the content of `modules.json`, where the repository has one.
    init(paths: [String], modules: JSON?) {
        self.paths = Set(paths)
        var folders = [""]
        var transformer: String?
        for module in modules?.array ?? [] {
            guard let path = module["path"]?.string.map(ModelFiles.trimmed),
                path.isEmpty || RepositoryPath.verdict(path) == .fine
            else { continue }
            if !folders.contains(path) { folders.append(path) }
            if transformer == nil, module["type"]?.string?.hasSuffix(".Transformer") ?? false {
                transformer = path
            }
        }
        self.folders = folders
        self.transformer = transformer ?? ""
    }

    /// The file that names the parts of a sentence-transformers model.
    static let modules = "modules.json"

    /// Files at the top of a repository, or of the folder of a transformer, that are taken where they are.
    static let names = [
        "config.json", "config_sentence_transformers.json", "sentence_bert_config.json",
        "sentence_roberta_config.json", "sentence_distilbert_config.json",
        "sentence_camembert_config.json", "sentence_albert_config.json",
        "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
        "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
        "spm.model",
    ]

    /// Files of which one makes a tokenizer.
    static let tokenizers = [
        "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model",
        "tokenizer.model", "spm.model",
    ]

    /// Files that say the same as `tokenizer.json` where both are there.
    static let vocabularies = tokenizers.dropFirst() + ["merges.txt"]

    private static let single = ["model.safetensors", "pytorch_model.bin"]

    /// The weights that a folder has, best format first: one file, or the index of several.
    func weights(in folder: String) -> String? {
        for name in ModelFiles.single {
            for candidate in [name, name + ".index.json"] {
                let path = folder.isEmpty ? candidate : folder + "/" + candidate
                if paths.contains(path) { return path }
            }
        }
        return nil
    }

    /// All files but those that hold weights; indexes of weights are among them.
    var small: [String] {
        var found: [String] = []
        for name in ModelFiles.names + [ModelFiles.modules] where paths.contains(name) {
            found.append(name)
        }
        for folder in folders where !folder.isEmpty {
            found += paths.filter {
                $0.utf8.starts(with: (folder + "/").utf8) && !found.contains($0)
                    && ModelFiles.isSmall($0)
            }.sorted()
        }
        return found + folders.compactMap(weights).filter { $0.hasSuffix(".index.json") }
    }

    /// The files that hold weights, after `index` gave the content of each index.
    ///
    /// Throws where an index names files that the repository does not have.
    func large(
        of name: HubName, index: (String) throws(HubError) -> JSON
    ) throws(HubError) -> [String] {
        var found: [String] = []
        for path in folders.compactMap(weights) {
            guard path.hasSuffix(".index.json") else {
                found.append(path)
                continue
            }
            let folder = RepositoryPath.folder(path)
            guard let map = try index(path)["weight_map"]?.members, !map.isEmpty else {
                throw HubError(
                    .format, "\(name): \(path)", problem: "no weight_map",
                    remedy: "the repository may be damaged; see its page")
            }
            for shard in Set(map.compactMap { $0.value.string }).sorted() {
                let file = folder.isEmpty ? shard : folder + "/" + shard
                guard RepositoryPath.verdict(shard) == .fine, paths.contains(file) else {
                    throw HubError(
                        .format, "\(name): \(path)",
                        problem:
                            "names a file that the repository does not have: \(oneLine(shard, limit: 80))",
                        remedy: "the repository may be incomplete; see its page")
                }
                found.append(file)
            }
        }
        return found
    }

    /// What is missing for a model of `name`; `nil` where a program can load it.
    func problem(of name: HubName) -> HubError? {
        let hasConfig = paths.contains(
            (transformer.isEmpty ? "" : transformer + "/") + "config.json")
        if hasConfig, weights(in: transformer) != nil { return nil }
        let others = paths.filter { path in
            [".onnx", ".gguf", ".h5", ".msgpack", ".ot", ".ckpt", ".pt", ".pth", ".mlmodel"]
                .contains {
                    path.hasSuffix($0)
                }
        }.sorted()
        if !hasConfig {
            return HubError(
                .format, name.description,
                problem: "no config.json: not a model that can be loaded",
                remedy: "choose a repository in the layout of transformers or sentence-transformers"
            )
        }
        let found = others.isEmpty ? "" : "; found \(others.prefix(3).joined(separator: ", "))"
        return HubError(
            .format, name.description,
            problem: "no weights as model.safetensors or pytorch_model.bin\(found)",
            remedy: "choose a repository that has them, or convert the model with transformers")
    }

    /// Whether the file `path` in the folder of a module is one that is loaded, and no weights.
    private static func isSmall(_ path: String) -> Bool {
        let name = RepositoryPath.name(path)
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map {
            String(decoding: $0, as: UTF8.self)
        }
        if parts.dropLast().contains(where: {
            $0 == "onnx" || $0 == "openvino" || $0.hasPrefix(".")
        }) {
            return false
        }
        return name.hasSuffix(".json") && !name.hasSuffix(".index.json") || names.contains(name)
    }

    static func trimmed(_ path: String) -> String {
        var bytes = path.utf8[...]
        if bytes.starts(with: "./".utf8) { bytes = bytes.dropFirst(2) }
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
