internal import Files

/// What `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` say beside the tokenizer itself.
struct TokenizerConfig: Sendable {
    /// The file that most of it comes from, for messages.
    var file = "tokenizer_config.json"
    var tokenizerClass: String?
    var doLowerCase: Bool?
    /// Outer `nil`: not said. Inner `nil`: as lower-casing.
    var stripAccents: Bool??
    var tokenizeChineseCharacters: Bool?
    var modelMaxLength: Int?
    /// What `config.json` says the model is, and where it stands.
    var modelType: String?
    var modelFile = "config.json"
    /// For the families without `tokenizer.json`.
    var addsPrefixSpace: Bool?
    var addsBosToken: Bool?
    var trimsOffsets: Bool?
    var keepsAccents: Bool?
    var isLegacy: Bool?
    var extraIDs: Int?
    /// The tokens that have a part, by key (`cls_token` ...).
    var named: [(key: String, token: AddedToken)] = []
    /// More special tokens.
    var additional: [AddedToken] = []
    /// Tokens with ids (`added_tokens_decoder` or `added_tokens.json`).
    var added: [(token: AddedToken, id: Int)] = []

    /// The keys that name special tokens, and how BERT spells them.
    static let roles = [
        ("bos_token", nil), ("eos_token", nil), ("unk_token", "[UNK]"), ("sep_token", "[SEP]"),
        ("pad_token", "[PAD]"), ("cls_token", "[CLS]"), ("mask_token", "[MASK]"),
    ]

    /// The family that the files name, if it is one of those known.
    var family: TokenizerFamily? {
        if let tokenizerClass { return TokenizerFamily(className: tokenizerClass) }
        return modelType.flatMap(TokenizerFamily.init(modelType:))
    }

    /// How the token with the part `key` is spelled where no file says it.
    func standard(_ key: String) -> String? {
        if let family { return family.tokens.first { $0.key == key }?.token.content }
        return Self.roles.first { $0.0 == key }?.1
    }

    /// Adds what the Python class of `family` takes by default.
    mutating func complete(as family: TokenizerFamily) {
        for (key, token) in family.tokens {
            guard let index = named.firstIndex(where: { $0.key == key }) else {
                named.append((key, token))
                continue
            }
            // A token that is named by its text alone is found as the class says.
            if named[index].token == AddedToken(content: token.content) {
                named[index].token = token
            }
        }
        if family == .t5, !additional.contains(where: { $0.content.contains("<extra_id_") }) {
            additional += (0..<(extraIDs ?? 100)).map { AddedToken(content: "<extra_id_\($0)>") }
        }
    }

    /// The special token with the part `key`.
    func token(_ key: String) -> AddedToken? { named.first { $0.key == key }?.token }

    /// Reads what there is in `folder`.
    init(folder: String) throws(FileError) {
        try self.init(folder: folder) { path throws(FileError) in
            FileBytes.exists(path) ? try JSON(contentsOf: path) : nil
        }
    }

    /// Reads those files of `folder` for which `json` has a value.
    init(
        folder: String, json: (_ path: String) throws(FileError) -> JSON?
    ) throws(FileError) {
        file = folder + "/tokenizer_config.json"
        var hasDecoder = false
        if let json = try json(file) {
            var object = try ObjectReader(json, file: file, place: "")
            tokenizerClass = try object.optional("tokenizer_class").map {
                _ throws(FileError) in try object.string("tokenizer_class")
            }
            doLowerCase = try object.optionalBool("do_lower_case")
            tokenizeChineseCharacters = try object.optionalBool("tokenize_chinese_chars")
            if object.contains("strip_accents") {
                stripAccents = .some(try object.optionalBool("strip_accents"))
            }
            if try object.optionalBool("do_basic_tokenize") == false {
                throw object.error(
                    "do_basic_tokenize", "false is not supported",
                    remedy: "text without basic tokenization is cut only by the Python tokenizer")
            }
            if let words = object.optional("never_split"), words.array?.isEmpty != true {
                throw object.error(
                    "never_split", "words are not supported", remedy: "make them added tokens")
            }
            let side = try object.string("truncation_side", default: "right")
            guard side == "right" else {
                throw object.error(
                    "truncation_side", "\"\(side)\" is not supported", remedy: "supported is right")
            }
            if try object.optionalBool("split_special_tokens") == true {
                throw object.error("split_special_tokens", "true is not supported")
            }
            modelMaxLength = try Self.maximumLength(&object)
            addsPrefixSpace = try object.optionalBool("add_prefix_space")
            addsBosToken = try object.optionalBool("add_bos_token")
            trimsOffsets = try object.optionalBool("trim_offsets")
            keepsAccents = try object.optionalBool("keep_accents")
            isLegacy = try object.optionalBool("legacy")
            extraIDs = try object.optional("extra_ids").map { json throws(FileError) in
                try object.int(json, "extra_ids", in: 0...100_000)
            }
            try readTokens(&object)
            if let decoder = object.optional("added_tokens_decoder") {
                hasDecoder = true
                try readDecoder(decoder)
            }
        }
        modelFile = folder + "/config.json"
        if tokenizerClass == nil, let json = try json(modelFile) {
            var object = try ObjectReader(json, file: modelFile, place: "")
            tokenizerClass = try object.optional("tokenizer_class").map {
                _ throws(FileError) in try object.string("tokenizer_class")
            }
            modelType = try object.optional("model_type").map {
                _ throws(FileError) in try object.string("model_type")
            }
        }
        let map = folder + "/special_tokens_map.json"
        if let json = try json(map) {
            var object = try ObjectReader(json, file: map, place: "")
            // As the Python library does: the map rules unless the config lists its added tokens itself.
            let config = (named, additional)
            if hasDecoder {
                try readTokens(&object)
                for (key, token) in config.0 { setNamed(key, token) }
                if !config.1.isEmpty { additional = config.1 }
            } else {
                try readTokens(&object)
            }
        }
        let addedFile = folder + "/added_tokens.json"
        if !hasDecoder, let json = try json(addedFile) { try readAdded(json, addedFile) }
    }

    /// Says nothing.
    init() {}

    /// The Python library writes 1e30 for "no limit".
    private static func maximumLength(_ object: inout ObjectReader) throws(FileError) -> Int? {
        guard let json = object.optional("model_max_length") else { return nil }
        if let number = json.double, number >= 1e9 { return nil }
        return try object.int(json, "model_max_length", in: 1...1_000_000_000)
    }

    private mutating func setNamed(_ key: String, _ token: AddedToken) {
        named.removeAll { $0.key == key }
        named.append((key, token))
    }

    private mutating func readTokens(_ object: inout ObjectReader) throws(FileError) {
        for (key, _) in Self.roles {
            guard let json = object.optional(key) else { continue }
            setNamed(key, try Self.token(json, object, key))
        }
        if let json = object.optional("additional_special_tokens") {
            guard let list = json.array else {
                throw object.error(
                    "additional_special_tokens", "expected an array, found \(json.kind)")
            }
            additional = []
            for item in list {
                additional.append(try Self.token(item, object, "additional_special_tokens"))
            }
        }
    }

    /// A special token: its text, or an object with its text and how it is found.
    private static func token(
        _ json: JSON, _ object: ObjectReader, _ key: String
    ) throws(FileError) -> AddedToken {
        if let text = json.string { return AddedToken(content: text) }
        return try addedToken(json, file: object.file, place: object.path(key), special: true)
    }

    private static func addedToken(
        _ json: JSON, file: String, place: String, special: Bool?
    ) throws(FileError) -> AddedToken {
        var object = try ObjectReader(json, file: file, place: place)
        let isSpecial = try object.bool("special", default: special ?? false)
        return AddedToken(
            content: try object.string("content"),
            singleWord: try object.bool("single_word", default: false),
            leftStrip: try object.bool("lstrip", default: false),
            rightStrip: try object.bool("rstrip", default: false),
            isNormalized: try object.bool("normalized", default: !isSpecial),
            isSpecial: isSpecial)
    }

    private mutating func readDecoder(_ json: JSON) throws(FileError) {
        let object = try ObjectReader(json, file: file, place: "added_tokens_decoder")
        for (key, value) in json.members ?? [] {
            guard let id = Int(key), (0..<Vocabulary.maximumSize).contains(id) else {
                throw object.error(
                    key, "expected an id from 0 to \(Vocabulary.maximumSize - 1) as the key")
            }
            let token = try Self.addedToken(
                value, file: file, place: object.path(key), special: nil)
            added.append((token, id))
        }
    }

    private mutating func readAdded(_ json: JSON, _ path: String) throws(FileError) {
        let object = try ObjectReader(json, file: path, place: "")
        let special = Set((named.map(\.token) + additional).map { Array($0.content.utf8) })
        for (content, value) in json.members ?? [] {
            let id = try object.int(value, content, in: 0...Vocabulary.maximumSize - 1)
            let isSpecial = special.contains(Array(content.utf8))
            let token = AddedToken(
                content: content, isNormalized: !isSpecial, isSpecial: isSpecial)
            added.append((token, id))
        }
    }
}

extension ObjectReader {
    /// The truth value of `key`; `nil` where it is missing or `null`.
    mutating func optionalBool(_ key: String) throws(FileError) -> Bool? {
        guard let json = optional(key) else { return nil }
        return try bool(json, key)
    }
}
