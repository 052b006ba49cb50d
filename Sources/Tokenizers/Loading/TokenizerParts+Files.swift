internal import Files

extension TokenizerParts {
    /// Reads `vocab.json` and `merges.txt`: GPT-2 or RoBERTa.
    init(
        vocabularyFile: String, mergesFile: String, config: TokenizerConfig
    ) throws(FileError) {
        let model = try BytePair(vocabularyFile: vocabularyFile, mergesFile: mergesFile)
        var config = config
        let family = try Self.family(
            config, of: [.gpt2, .roberta], in: vocabularyFile
        ) { model.vocabulary.id(of: "<|endoftext|>") != nil ? .gpt2 : .roberta }
        config.complete(as: family)
        try self.init(model: .bytePair(model), config: config, path: vocabularyFile)
        self.family = family
        let addsPrefixSpace = config.addsPrefixSpace ?? false
        preTokenizer = .byteLevel(addsPrefixSpace: addsPrefixSpace, usesPattern: true)
        decoder = .byteLevel
        if family == .roberta {
            postProcessor = .roberta(
                cls: try id("cls_token", config, vocabularyFile),
                sep: try id("sep_token", config, vocabularyFile),
                trim: config.trimsOffsets ?? true
                    ? PostProcessor.Trim(addsPrefixSpace: addsPrefixSpace) : nil)
        } else if config.addsBosToken == true {
            let bos = PostProcessor.Piece.special(
                id: try id("bos_token", config, vocabularyFile), typeID: 0)
            postProcessor = PostProcessor(
                single: [bos, .first(typeID: 0)],
                pair: [bos, .first(typeID: 0), .second(typeID: 1)])
        }
    }

    /// Reads `bytes`, the SentencePiece model at `path`: XLM-RoBERTa, T5 or ALBERT.
    init(
        sentencePiece bytes: [UInt8], path: String, config: TokenizerConfig
    ) throws(FileError) {
        let file = try SentencePieceModel(bytes, path: path)
        func has(_ text: String) -> Bool {
            file.pieces.contains { $0.text.utf8.elementsEqual(text.utf8) }
        }
        var config = config
        let family = try Self.family(config, of: [.xlmRoberta, .t5, .albert], in: path) {
            if has("[CLS]"), has("[SEP]") { return .albert }
            return has("<pad>") ? .t5 : .xlmRoberta
        }
        var map: CharacterMap?
        if !file.map.isEmpty {
            map = CharacterMap(file.map)
            if map == nil {
                throw FileError(
                    path: path,
                    problem: "normalizer_spec.precompiled_charsmap: not a character map",
                    remedy: "the file may be damaged; fetch it again")
            }
        }
        config.complete(as: family)
        let (tokens, unknownID) = Self.tokens(file, family, config)
        guard tokens.count <= Vocabulary.maximumSize, unknownID < tokens.count else {
            throw FileError(
                path: path,
                problem: "expected at most \(Vocabulary.maximumSize) tokens with "
                    + "the unknown one, found \(tokens.count)")
        }
        let model = Unigram(
            tokens: tokens, unknownID: Int32(unknownID),
            byteFallback: file.byteFallback && family != .xlmRoberta)
        try self.init(model: .unigram(model), config: config, path: path)
        self.family = family
        normalizer = Self.normalizer(family, map, config)
        let metaspace = Metaspace(
            mark: Metaspace.standardMark,
            prepend: family == .t5 && config.isLegacy == false ? .first : .always)
        preTokenizer = .metaspace(metaspace)
        decoder = .metaspace(mark: metaspace.mark, dropsFirst: true)
        switch family {
        case .t5:
            let end = PostProcessor.Piece.special(id: try id("eos_token", config, path), typeID: 0)
            postProcessor = PostProcessor(
                single: [.first(typeID: 0), end],
                pair: [.first(typeID: 0), end, .second(typeID: 0), end])
        case .albert:
            var processor = PostProcessor.bert(
                cls: try id("cls_token", config, path), sep: try id("sep_token", config, path))
            processor.barePair = [.first(typeID: 0), .second(typeID: 1)]
            postProcessor = processor
        default:
            postProcessor = .roberta(
                cls: try id("cls_token", config, path), sep: try id("sep_token", config, path),
                trim: nil)
        }
    }

    /// The family that the configuration names, or that `guess` tells; it must be one of `families`.
    private static func family(
        _ config: TokenizerConfig, of families: [TokenizerFamily], in path: String,
        guess: () -> TokenizerFamily
    ) throws(FileError) -> TokenizerFamily {
        guard let name = config.tokenizerClass ?? config.modelType else { return guess() }
        let family =
            config.tokenizerClass.map(TokenizerFamily.init(className:))
            ?? TokenizerFamily(modelType: name)
        guard let family, families.contains(family) else {
            throw FileError(
                path: config.tokenizerClass == nil ? config.modelFile : config.file,
                problem: (config.tokenizerClass == nil ? "model_type" : "tokenizer_class")
                    + ": \"\(name)\" is not supported with \(FileBytes.name(of: path)) alone",
                remedy: "supported are " + families.map(\.className).joined(separator: ", ")
                    + ", or any tokenizer.json")
        }
        return family
    }

    /// The vocabulary in the order of the ids, and the id of the unknown token.
    private static func tokens(
        _ file: SentencePieceModel, _ family: TokenizerFamily, _ config: TokenizerConfig
    ) -> (tokens: [(token: String, score: Double)], unknownID: Int) {
        var tokens = file.pieces.map { (token: $0.text, score: Double($0.score)) }
        switch family {
        case .xlmRoberta:
            // The ids of fairseq: its own four, then SentencePiece's but <unk>, <s> and </s>.
            let first = ["<s>", "<pad>", "</s>", "<unk>"].map { (token: $0, score: 0.0) }
            return (first + tokens.dropFirst(3) + [("<mask>", 0)], 3)
        case .t5:
            let extra = (0..<(config.extraIDs ?? 100)).reversed()
            tokens += extra.map { ("<extra_id_\($0)>", 0) }
        default:
            // A number with a comma is to be cut: its pieces score higher.
            for index in tokens.indices {
                let end = Array(tokens[index].token.unicodeScalars.suffix(2))
                guard end.count == 2, end[1] == ",",
                    [.decimal, .digit].contains(end[0].properties.numericType)
                else { continue }
                tokens[index].score -= 100
            }
        }
        return (tokens, file.unknownID)
    }

    private static func normalizer(
        _ family: TokenizerFamily, _ map: CharacterMap?, _ config: TokenizerConfig
    ) -> Normalizer {
        let spaces = Replacement.Pattern.run(ofSpaces: false, minimum: 2)
        let precompiled = map.map { [Normalizer.precompiled($0)] } ?? []
        guard family == .albert else {
            return .sequence(
                precompiled + [
                    .strip(left: false, right: true),
                    .replace(Replacement(pattern: spaces, content: Metaspace.standardMark)),
                ])
        }
        var steps = ["``", "''"].map {
            Normalizer.replace(
                Replacement(pattern: .text(Array($0.utf8)), content: [UInt8(ascii: "\"")]))
        }
        if config.keepsAccents != true { steps += [.nfkd, .stripAccents] }
        if config.doLowerCase ?? true { steps.append(.lowercase) }
        let space = Replacement(pattern: spaces, content: [UInt8(ascii: " ")])
        return .sequence(steps + precompiled + [.replace(space)])
    }

    private func id(
        _ key: String, _ config: TokenizerConfig, _ path: String
    ) throws(FileError) -> Int32 {
        let content = config.token(key)?.content ?? ""
        guard let id = id(of: content) else {
            throw FileError(
                path: path, problem: "the special token \"\(content)\" is not in the vocabulary",
                remedy: "name the model's tokens in tokenizer_config.json")
        }
        return id
    }
}
