internal import Files

/// The parts of a tokenizer as files describe them, checked against each other.
struct TokenizerParts {
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var model: Model
    var postProcessor = PostProcessor.none
    var decoder: Decoder?
    /// The family whose own files it came from, where that is not `tokenizer.json`.
    var family: TokenizerFamily?
    /// The added tokens and their ids.
    private(set) var added: [(token: AddedToken, id: Int)] = []
    /// Where in ``added`` a token stands, by its bytes and by its id.
    private var places: (byContent: [[UInt8]: Int], byID: [Int: Int]) = ([:], [:])
    /// One more than the highest id.
    private var idEnd: Int

    /// Reads `tokenizer.json`.
    init(tokenizerJSON bytes: [UInt8], path: String, config: TokenizerConfig) throws(FileError) {
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw FileError(
                path: path, line: error.line,
                problem: "not valid JSON at column \(error.column): \(error.problem)",
                remedy: "the file may be damaged or cut short; fetch it again")
        }
        var object = try ObjectReader(json, file: path, place: "")
        for key in ["version", "truncation", "padding"] { _ = object.optional(key) }
        preTokenizer = try object.optional("pre_tokenizer").map { json throws(FileError) in
            try PreTokenizer(json, file: path, place: "pre_tokenizer")
        }
        model = try Model(
            try object.required("model"), isByteLevel: preTokenizer?.isByteLevel == true,
            file: path)
        idEnd = model.vocabulary.end
        normalizer = try object.optional("normalizer").map { json throws(FileError) in
            try Normalizer(json, file: path, place: "normalizer")
        }
        decoder = try object.optional("decoder").map { json throws(FileError) in
            try Decoder(json, file: path, place: "decoder")
        }
        try TextGrowth.check(normalizer?.longest(of:), file: path, place: "normalizer")
        try TextGrowth.check(decoder?.longest(of:), file: path, place: "decoder")
        if object.optional("added_tokens") != nil {
            for (index, json) in try object.array("added_tokens").enumerated() {
                try readAdded(json, path, "added_tokens[\(index)]")
            }
        }
        try add(config, from: config.file)
        if let json = object.optional("post_processor") {
            postProcessor = try PostProcessor(
                json, idEnd: idEnd, file: path, place: "post_processor")
        }
        try object.finish()
        override(with: config)
    }

    /// A model with the tokens that `config` knows; the steps around it are still to be set.
    init(model: Model, config: TokenizerConfig, path: String) throws(FileError) {
        self.model = model
        idEnd = model.vocabulary.end
        try add(config, from: FileBytes.exists(config.file) ? config.file : path)
    }

    /// The id of an added token, or one of the vocabulary.
    func id(of token: String) -> Int32? {
        let place = places.byContent[Array(token.utf8)]
        return (place.map { added[$0].id } ?? model.vocabulary.id(of: token)).map { Int32($0) }
    }

    private mutating func readAdded(
        _ json: JSON, _ path: String, _ place: String
    ) throws(FileError) {
        var object = try ObjectReader(json, file: path, place: place)
        let id = try object.int("id", in: 0...Vocabulary.maximumSize - 1)
        let token = AddedToken(
            content: try object.string("content"),
            singleWord: try object.bool("single_word"),
            leftStrip: try object.bool("lstrip"), rightStrip: try object.bool("rstrip"),
            isNormalized: try object.bool("normalized"), isSpecial: try object.bool("special"))
        try object.finish()
        if places.byContent[Array(token.content.utf8)] != nil {
            throw object.error("content", "the token \"\(token.content)\" is added twice")
        }
        try add(token, id: id, from: path, place: place)
    }

    /// Adds a token, or changes how one that is there is found.
    private mutating func add(
        _ token: AddedToken, id: Int, from path: String, place: String
    ) throws(FileError) {
        if token.content.isEmpty { return }
        let same = places.byContent[Array(token.content.utf8)]
        let expected =
            same.map { added[$0].id } ?? model.vocabulary.id(of: token.content)
        if let expected, expected != id {
            throw FileError(
                path: path,
                problem: "\(place): \"\(token.content)\" has the id \(id) here, but \(expected) "
                    + "in the vocabulary")
        }
        if expected == nil {
            let other =
                model.vocabulary.token(id) ?? places.byID[id].map { added[$0].token.content }
            if let other {
                throw FileError(
                    path: path,
                    problem: "\(place): the id \(id) of \"\(token.content)\" already stands for "
                        + "\"\(other)\"")
            }
        }
        if let same {
            added[same].token = token
        } else {
            places.byContent[Array(token.content.utf8)] = added.count
            places.byID[id] = added.count
            added.append((token, id))
            idEnd = max(idEnd, id + 1)
        }
    }

    /// Adds the tokens that `config` knows more than the tokenizer.
    private mutating func add(_ config: TokenizerConfig, from path: String) throws(FileError) {
        let special = config.named.map(\.token) + config.additional
        let contents = Set(special.map { Array($0.content.utf8) })
        for (token, id) in config.added.sorted(by: { $0.id < $1.id }) {
            var token = token
            if contents.contains(Array(token.content.utf8)) { token.isSpecial = true }
            try add(token, id: id, from: path, place: "added token \(id)")
        }
        for token in special
        where places.byContent[Array(token.content.utf8)] == nil {
            let id = model.vocabulary.id(of: token.content) ?? idEnd
            try add(token, id: id, from: path, place: "special token \"\(token.content)\"")
        }
    }

    /// What the config of a BERT, GPT-2 or RoBERTa folder says about some steps holds against `tokenizer.json`, as in
    /// the Python library.
    private mutating func override(with config: TokenizerConfig) {
        if config.family == .gpt2 || config.family == .roberta,
            case .byteLevel(_, let usesPattern) = preTokenizer
        {
            let addsPrefixSpace = config.addsPrefixSpace ?? false
            preTokenizer = .byteLevel(addsPrefixSpace: addsPrefixSpace, usesPattern: usesPattern)
            if config.family == .roberta {
                let trims = config.trimsOffsets ?? true
                postProcessor.trim =
                    trims ? PostProcessor.Trim(addsPrefixSpace: addsPrefixSpace) : nil
            }
        }
        // The class without a family does not look at these keys.
        guard case .bert(var normalizer) = normalizer,
            config.tokenizerClass != "PreTrainedTokenizerFast"
        else { return }
        if let value = config.doLowerCase { normalizer.lowercase = value }
        if let value = config.stripAccents { normalizer.stripAccents = value }
        if let value = config.tokenizeChineseCharacters {
            normalizer.handleChineseCharacters = value
        }
        self.normalizer = .bert(normalizer)
    }

    /// The classes whose `vocab.txt` means WordPiece after BERT's cleaning.
    private static let vocabularyClasses = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "RetriBertTokenizer", "ErnieTokenizer",
    ]

    /// Reads `vocab.txt`, a WordPiece vocabulary.
    init(vocabularyFile path: String, config: TokenizerConfig) throws(FileError) {
        if let name = config.tokenizerClass,
            !Self.vocabularyClasses.contains(where: { name == $0 || name == $0 + "Fast" })
        {
            throw FileError(
                path: config.file,
                problem: "tokenizer_class: \"\(name)\" is not supported with vocab.txt alone",
                remedy: "supported are " + Self.vocabularyClasses.joined(separator: ", ")
                    + ", or any WordPiece tokenizer.json")
        }
        try self.init(
            vocabulary: try VocabularyFile.read(path), path: path, config: config)
    }

    /// BERT's tokenizer over `tokens`, in the order of their ids.
    ///
    /// Of a token given twice the later id counts; empty tokens only take an id.
    init(vocabulary tokens: [String], path: String, config: TokenizerConfig) throws(FileError) {
        guard tokens.contains(where: { !$0.isEmpty }) else {
            throw FileError(path: path, problem: "expected a token a line, found none")
        }
        guard tokens.count <= Vocabulary.maximumSize else {
            throw FileError(
                path: path,
                problem: "expected at most \(Vocabulary.maximumSize) tokens, found \(tokens.count)")
        }
        var vocabulary = Vocabulary(capacity: tokens.count)
        for (id, token) in tokens.enumerated() { vocabulary.insert(token, id: id) }
        func content(_ key: String, _ standard: String) -> String {
            config.token(key)?.content ?? standard
        }
        let unknown = content("unk_token", "[UNK]")
        guard let unknownID = vocabulary.id(of: unknown) else {
            throw Self.missing(unknown, path)
        }
        model = .wordPiece(
            WordPiece(
                vocabulary: vocabulary, unknownToken: unknown, unknownID: Int32(unknownID),
                prefix: "##", maximumCharacters: 100))
        idEnd = model.vocabulary.end
        normalizer = .bert(
            BertNormalizer(
                handleChineseCharacters: config.tokenizeChineseCharacters ?? true,
                stripAccents: config.stripAccents ?? nil, lowercase: config.doLowerCase ?? true))
        preTokenizer = .bert
        decoder = .wordPiece(prefix: "##", cleanup: true)
        // Those that BERT has by default, where the vocabulary has them, then what the config names.
        for (key, standard) in TokenizerConfig.roles {
            guard config.token(key) == nil, let standard, let id = vocabulary.id(of: standard)
            else { continue }
            try add(AddedToken(content: standard), id: id, from: path, place: key)
        }
        try add(config, from: config.file)
        var ids: [Int32] = []
        for name in [content("cls_token", "[CLS]"), content("sep_token", "[SEP]")] {
            let id =
                vocabulary.id(of: name)
                ?? places.byContent[Array(name.utf8)].map { added[$0].id }
            guard let id else { throw Self.missing(name, path) }
            ids.append(Int32(id))
        }
        postProcessor = .bert(cls: ids[0], sep: ids[1])
    }

    private static func missing(_ token: String, _ path: String) -> FileError {
        FileError(
            path: path, problem: "the special token \"\(token)\" is not in the vocabulary",
            remedy: "check that this is a BERT vocabulary, or name its tokens in "
                + "tokenizer_config.json")
    }
}
