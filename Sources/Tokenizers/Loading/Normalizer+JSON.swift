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
        case "Precompiled":
            let text = try object.string("precompiled_charsmap")
            guard let map = Base64.decode(text).flatMap({ CharacterMap($0) }) else {
                throw object.error(
                    "precompiled_charsmap", "expected a character map in base 64",
                    remedy: "the file may be damaged; fetch it again")
            }
            self = .precompiled(map)
        case "Replace": self = .replace(try Replacement(&object))
        case "Prepend": self = .prepend(try object.shortText("prepend"))
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
        case "ByteLevel":
            _ = try object.bool("trim_offsets", default: true)
            self = .byteLevel(
                addsPrefixSpace: try object.bool("add_prefix_space"),
                usesPattern: try object.bool("use_regex", default: true))
        case "Metaspace": self = .metaspace(try Metaspace(&object))
        case "Split": self = .split(try TextSplit(&object))
        case "Digits":
            let isSingle = try object.bool("individual_digits")
            self = .split(
                TextSplit(pattern: .number, behavior: isSingle ? .isolated : .contiguous))
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in try object.array("pretokenizers").enumerated() {
                let place = "\(place).pretokenizers[\(index)]"
                if steps.last?.isByteLevel == true {
                    throw FileError(
                        path: file, problem: "\(place): a step after ByteLevel is not supported",
                        remedy: "ByteLevel must be the last")
                }
                steps.append(try PreTokenizer(step, file: file, place: place))
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
        switch type {
        case "WordPiece":
            self = .wordPiece(
                prefix: try object.string("prefix"), cleanup: try object.bool("cleanup"))
        case "ByteLevel":
            for key in ["add_prefix_space", "trim_offsets", "use_regex"] {
                _ = try object.bool(key, default: true)
            }
            self = .byteLevel
        case "Metaspace":
            let metaspace = try Metaspace(&object)
            self = .metaspace(mark: metaspace.mark, dropsFirst: metaspace.prepend != .never)
        case "BPEDecoder": self = .bytePair(suffix: Array(try object.string("suffix").utf8))
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Strip":
            let content = try object.string("content")
            guard content.unicodeScalars.count == 1 else {
                throw object.error("content", "expected one character, found \"\(content)\"")
            }
            self = .strip(
                content: Array(content.utf8),
                start: try object.int("start", in: 0...Int(Int32.max)),
                stop: try object.int("stop", in: 0...Int(Int32.max)))
        case "Replace": self = .replace(try Replacement(&object))
        case "Sequence":
            var steps: [Decoder] = []
            for (index, step) in try object.array("decoders").enumerated() {
                steps.append(
                    try Decoder(step, file: file, place: "\(place).decoders[\(index)]"))
            }
            self = .sequence(steps)
        default: throw object.unsupported(type, Self.supported)
        }
        try object.finish()
    }
}
