public import Files

extension Tokenizer {
    /// Reads the tokenizer of a model folder: `tokenizer.json` where there is one, else `vocab.txt` (WordPiece),
    /// `vocab.json` with `merges.txt` (GPT-2, RoBERTa), `sentencepiece.bpe.model` or `spiece.model` (XLM-RoBERTa, T5,
    /// ALBERT), with `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` beside it.
    ///
    /// Throws a ``FileError`` that names the file and the key for anything missing, malformed or not supported.
    /// Sections that only set a default for truncation or padding are not used.
    public init(folder: String) throws(FileError) {
        let config = try TokenizerConfig(folder: folder)
        var files: [SourceFile] = []
        for name in Self.fileNames where FileBytes.exists(folder + "/" + name) {
            files.append(SourceFile(name: name, bytes: try FileBytes.read(folder + "/" + name)))
        }
        let parts: TokenizerParts
        if let file = files.first(where: { $0.name == "tokenizer.json" }) {
            parts = try TokenizerParts(
                tokenizerJSON: file.bytes, path: folder + "/" + file.name, config: config)
        } else if FileBytes.exists(folder + "/vocab.txt") {
            parts = try TokenizerParts(vocabularyFile: folder + "/vocab.txt", config: config)
            files.append(
                SourceFile(name: "tokenizer.json", bytes: Array(parts.json.text(indent: 2).utf8)))
        } else if FileBytes.exists(folder + "/vocab.json"),
            FileBytes.exists(folder + "/merges.txt")
        {
            parts = try TokenizerParts(
                vocabularyFile: folder + "/vocab.json", mergesFile: folder + "/merges.txt",
                config: config)
        } else if let file = files.first(where: { Self.modelNames.contains($0.name) }) {
            parts = try TokenizerParts(
                sentencePiece: file.bytes, path: folder + "/" + file.name, config: config)
        } else {
            throw Self.nothingFound(in: folder)
        }
        // Without it, a saved folder would not tell what its files mean.
        let name = "tokenizer_config.json"
        if let family = parts.family, !files.contains(where: { $0.name == name }) {
            let json: JSON = ["tokenizer_class": .string(family.className)]
            files.append(SourceFile(name: name, bytes: Array(json.text(indent: 2).utf8)))
        }
        self.init(parts, config: config, files: files)
    }

    /// The files of a tokenizer, of every family: what is there is saved again.
    static let fileNames =
        [
            "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json",
            "special_tokens_map.json", "added_tokens.json",
        ] + modelNames

    private static let modelNames = ["sentencepiece.bpe.model", "spiece.model"]

    private static func nothingFound(in folder: String) -> FileError {
        guard FileBytes.isFolder(folder) else {
            return FileError(path: folder, problem: "no such folder", remedy: "check the path")
        }
        let others = ["vocab.json", "merges.txt", "tokenizer.model"].filter {
            FileBytes.exists(folder + "/" + $0)
        }
        return FileError(
            path: folder,
            problem: "no tokenizer.json and no vocab.txt"
                + (others.isEmpty ? "" : "; found " + others.joined(separator: ", ")),
            remedy: "supported are tokenizer.json, vocab.txt, vocab.json with merges.txt, "
                + modelNames.joined(separator: " and "))
    }

    init(_ parts: TokenizerParts, config: TokenizerConfig, files: [SourceFile]) {
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        postProcessor = parts.postProcessor
        decoder = parts.decoder
        added = AddedTokens(parts.added.map { ($0.token, Int32($0.id)) }, normalizer: normalizer)
        var config = config
        if let family = parts.family { config.complete(as: family) }
        modelMaxLength = config.modelMaxLength
        self.files = files
        let (added, model, named) = (added, model, config)
        func id(_ key: String) -> Int32? {
            guard let content = named.token(key)?.content ?? named.standard(key) else { return nil }
            return added.id(of: content) ?? model.vocabulary.id(of: content).map { Int32($0) }
        }
        special = SpecialIDs(
            pad: id("pad_token"), cls: id("cls_token"), sep: id("sep_token"),
            unknown: model.unknownToken.flatMap { model.vocabulary.id(of: $0) }.map { Int32($0) }
                ?? id("unk_token"),
            mask: id("mask_token"))
    }
}
