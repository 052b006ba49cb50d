internal import Files

extension Model {
    /// Reads the `model` of `tokenizer.json`; where `isByteLevel`, its words are bytes.
    init(_ json: JSON, isByteLevel: Bool, file: String) throws(FileError) {
        var object = try ObjectReader(json, file: file, place: "model")
        // Early files do not name the type; the keys tell.
        var type = "WordPiece"
        if object.optional("type") != nil {
            type = try object.string("type")
        } else if json["merges"] != nil {
            type = "BPE"
        } else if json["vocab"]?.array != nil {
            type = "Unigram"
        } else if json["max_input_chars_per_word"] == nil {
            throw object.error(
                "type", "missing",
                remedy: "supported are " + Self.supported.joined(separator: ", "))
        }
        switch type {
        case "WordPiece": self = try Self.wordPiece(&object)
        case "BPE": self = .bytePair(try BytePair(&object, isByteLevel: isByteLevel))
        case "Unigram": self = .unigram(try Unigram(&object))
        default: throw object.unsupported(type, Self.supported)
        }
        if isByteLevel, type != "BPE" {
            throw FileError(
                path: file, problem: "pre_tokenizer: ByteLevel is not supported with \(type)",
                remedy: "supported is BPE")
        }
        try object.finish()
    }

    private static func wordPiece(_ object: inout ObjectReader) throws(FileError) -> Model {
        let unknownToken = try object.string("unk_token")
        let prefix = try object.string("continuing_subword_prefix")
        let maximum = try object.int("max_input_chars_per_word", in: 1...Int(Int32.max))
        let vocabulary = try Vocabulary(
            try object.required("vocab"), file: object.file, place: object.path("vocab"))
        guard let unknownID = vocabulary.id(of: unknownToken) else {
            throw object.error(
                "unk_token", "\"\(unknownToken)\" is not in the vocabulary",
                remedy: "without it words that cannot be cut have no id")
        }
        return .wordPiece(
            WordPiece(
                vocabulary: vocabulary, unknownToken: unknownToken, unknownID: Int32(unknownID),
                prefix: prefix, maximumCharacters: maximum))
    }
}

extension Vocabulary {
    /// Reads an object of tokens and ids: the `model.vocab` of `tokenizer.json`, or all of `vocab.json`.
    init(_ json: JSON, file: String, place: String) throws(FileError) {
        let start = place.isEmpty ? "" : place + ": "

        guard let members = json.members else {
            throw FileError(
                path: file, problem: start + "expected an object, found \(json.kind)")
        }
        guard !members.isEmpty else {
            throw FileError(path: file, problem: start + "expected tokens, found none")
        }
        self.init(capacity: members.count)
        for (token, value) in members {
            guard let id = value.int else {
                let found = if case .number(let text) = value { text } else { value.kind }
                throw FileError(
                    path: file,
                    problem: (place.isEmpty ? "" : place + ".")
                        + "\(token): expected a whole number, found \(found)")
            }
            do throws(Problem) {
                try add(token, id: id)
            } catch {
                throw FileError(path: file, problem: "\(start)\(error)")
            }
        }
    }
}

extension Vocabulary.Problem: CustomStringConvertible {
    var description: String {
        switch self {
        case .duplicateToken(let token, let first, let second):
            "the token \"\(token)\" has two ids, \(first) and \(second)"
        case .duplicateID(let id, let first, let second):
            "the id \(id) stands for two tokens, \"\(first)\" and \"\(second)\""
        case .badID(let id, let token):
            "the id of \"\(token)\" must be from 0 to \(Vocabulary.maximumSize - 1), found \(id)"
        }
    }
}
