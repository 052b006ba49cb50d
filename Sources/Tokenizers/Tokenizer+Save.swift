public import Files

extension Tokenizer {
    /// Writes the tokenizer's files into `folder`, made where it is missing: those it came from byte for byte, and
    /// where it came from `vocab.txt` alone also a `tokenizer.json` that gives the same ids.
    public func save(to folder: String) throws(FileError) {
        try FileBytes.makeFolder(folder)
        for file in files {
            try FileBytes.writeAtomically(file.bytes, to: folder + "/" + file.name)
        }
    }

    /// The same into a folder that `FileBytes.replaceFolder` builds, which brings all files to disk.
    package func write(to folder: String) throws(FileError) {
        for file in files { try FileBytes.write(file.bytes, to: folder + "/" + file.name) }
    }

    /// A new BERT tokenizer over `vocabulary`, in the order of the ids.
    ///
    /// The vocabulary must hold `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`, no token twice and none that is empty
    /// or holds a line break; throws a ``FileError`` that names the problem. Traps where `modelMaxLength` leaves no
    /// room for text.
    public static func wordPiece(
        vocabulary: [String], lowercase: Bool, modelMaxLength: Int
    ) throws(FileError) -> Tokenizer {
        precondition(modelMaxLength > 2, "wordPiece: modelMaxLength \(modelMaxLength)")
        let path = "vocab.txt"
        var seen: [[UInt8]: Int] = [:]
        for (id, token) in vocabulary.enumerated() {
            if token.isEmpty || token.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
                throw FileError(
                    path: path, line: id + 1, problem: "a token is empty or holds a line break")
            }
            if let first = seen.updateValue(id, forKey: Array(token.utf8)) {
                throw FileError(
                    path: path, line: id + 1,
                    problem: "the token \"\(token)\" stands on line \(first + 1) already")
            }
        }
        for special in WordPieceTrainer.specialTokens where seen[Array(special.utf8)] == nil {
            throw FileError(
                path: path, problem: "the special token \"\(special)\" is not in the vocabulary",
                remedy: "put it on a line of its own")
        }
        var config = TokenizerConfig()
        config.doLowerCase = lowercase
        config.modelMaxLength = modelMaxLength
        let parts = try TokenizerParts(vocabulary: vocabulary, path: path, config: config)
        var tokens: [(key: String, value: JSON)] = []
        for case (let key, let standard?) in TokenizerConfig.roles {
            tokens.append((key, .string(standard)))
        }
        var settings: [(key: String, value: JSON)] = [
            ("do_lower_case", .bool(lowercase)), ("model_max_length", .int(modelMaxLength)),
            ("strip_accents", .null), ("tokenize_chinese_chars", true),
            ("tokenizer_class", "BertTokenizer"),
        ]
        settings += tokens
        let files = [
            ("tokenizer.json", parts.json.text(indent: 2)),
            ("vocab.txt", VocabularyFile.text(vocabulary)),
            ("tokenizer_config.json", JSON.object(settings).text(indent: 2)),
            ("special_tokens_map.json", JSON.object(tokens).text(indent: 2)),
        ]
        return Tokenizer(
            parts, config: config,
            files: files.map { SourceFile(name: $0.0, bytes: Array($0.1.utf8)) })
    }
}
