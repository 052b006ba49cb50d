internal import Files

extension Normalizer {
    /// Reads the `normalizer` of `tokenizer.json`.
    init(_ json: JSON, file: String, place: String) throws(FileError) {
        var object = try ObjectReader(json, file: file, place: place)
        let type = try object.string("type")
        switch type {
        case "BertNormalizer":
            self = .bert(
                BertNormalizer(
                    cleanText: try object.bool("clean_text"),
                    handleChineseCharacters: try object.bool("handle_chinese_chars"),
                    stripAccents: try object.optional("strip_accents").map {
                        value throws(FileError) in try object.bool(value, "strip_accents")
                    },
                    lowercase: try object.bool("lowercase")))
        case "Lowercase": self = .lowercase
        case "NFC": self = .nfc
        case "NFD": self = .nfd
        case "NFKC": self = .nfkc
        case "NFKD": self = .nfkd
        case "StripAccents": self = .stripAccents
        case "Strip":
            self = .strip(
                left: try object.bool("strip_left"), right: try object.bool("strip_right"))
        case "Sequence":
            var steps: [Normalizer] = []
            for (index, step) in try object.array("normalizers").enumerated() {
                steps.append(
                    try Normalizer(step, file: file, place: "\(place).normalizers[\(index)]"))
            }
            self = .sequence(steps)
        default: throw object.unsupported(type, Self.supported)
        }
        try object.finish()
    }
}

extension PreTokenizer {
    /// Reads the `pre_tokenizer` of `tokenizer.json`.
    init(_ json: JSON, file: String, place: String) throws(FileError) {
        var object = try ObjectReader(json, file: file, place: place)
        let type = try object.string("type")
        switch type {
        case "BertPreTokenizer": self = .bert
        case "Whitespace": self = .whitespace
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Punctuation":
            let behavior = try object.string("behavior", default: "Isolated")
            guard behavior == "Isolated" else {
                throw object.error(
                    "behavior", "\"\(behavior)\" is not supported", remedy: "supported is Isolated")
            }
            self = .punctuation
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in try object.array("pretokenizers").enumerated() {
                steps.append(
                    try PreTokenizer(step, file: file, place: "\(place).pretokenizers[\(index)]"))
            }
            self = .sequence(steps)
        default: throw object.unsupported(type, Self.supported)
        }
        try object.finish()
    }
}

extension Decoder {
    /// Reads the `decoder` of `tokenizer.json`.
    init(_ json: JSON, file: String, place: String) throws(FileError) {
        var object = try ObjectReader(json, file: file, place: place)
        let type = try object.string("type")
        guard type == "WordPiece" else { throw object.unsupported(type, Self.supported) }
        self = .wordPiece(
            prefix: try object.string("prefix"), cleanup: try object.bool("cleanup"))
        try object.finish()
    }
}
