internal import Files

extension PostProcessor {
    /// Reads the `post_processor` of `tokenizer.json`; ids must be below `idEnd`.
    init(_ json: JSON, idEnd: Int, file: String, place: String) throws(FileError) {
        var object = try ObjectReader(json, file: file, place: place)
        let type = try object.string("type")
        switch type {
        case "TemplateProcessing": self = try Self.template(&object, idEnd)
        case "BertProcessing":
            self = .bert(
                cls: try Self.named("cls", &object, idEnd),
                sep: try Self.named("sep", &object, idEnd))
        case "RobertaProcessing":
            let addsPrefixSpace = try object.bool("add_prefix_space")
            self = .roberta(
                cls: try Self.named("cls", &object, idEnd),
                sep: try Self.named("sep", &object, idEnd),
                trim: try object.bool("trim_offsets") ? Trim(addsPrefixSpace: addsPrefixSpace) : nil
            )
        case "ByteLevel":
            let addsPrefixSpace = try object.bool("add_prefix_space")
            _ = try object.bool("use_regex", default: true)
            self = .none
            trim = try object.bool("trim_offsets") ? Trim(addsPrefixSpace: addsPrefixSpace) : nil
        case "Sequence": self = try Self.sequence(&object, idEnd)
        default: throw object.unsupported(type, Self.supported)
        }
        try object.finish()
    }

    /// Steps of which at most one places tokens.
    private static func sequence(
        _ object: inout ObjectReader, _ idEnd: Int
    ) throws(FileError) -> PostProcessor {
        var result = PostProcessor.none
        for (index, json) in try object.array("processors").enumerated() {
            let place = "\(object.path("processors"))[\(index)]"
            let step = try PostProcessor(json, idEnd: idEnd, file: object.file, place: place)
            let trim = step.trim ?? result.trim
            if step.placement != PostProcessor.none.placement {
                guard result.placement == PostProcessor.none.placement else {
                    throw FileError(
                        path: object.file, problem: "\(place): a second step that places tokens",
                        remedy: "supported is one, beside ByteLevel")
                }
                result = step
            }
            result.trim = trim
        }
        return result
    }

    /// How tokens are placed.
    private var placement: [[Piece]] { [single, pair, bareSingle, barePair] }

    /// A token with its id, as `["[SEP]", 102]`.
    private static func named(
        _ key: String, _ object: inout ObjectReader, _ idEnd: Int
    ) throws(FileError) -> Int32 {
        let pair = try object.array(key)
        guard pair.count == 2, pair[0].string != nil else {
            throw object.error(key, "expected a token and its id")
        }
        return Int32(try object.int(pair[1], key, in: 0...max(0, idEnd - 1)))
    }

    private static func template(
        _ object: inout ObjectReader, _ idEnd: Int
    ) throws(FileError) -> PostProcessor {
        var special: [[UInt8]: [Int32]] = [:]
        let json = try object.required("special_tokens")
        let table = try ObjectReader(
            json, file: object.file, place: object.path("special_tokens"))
        for (name, value) in json.members ?? [] {
            var entry = try ObjectReader(value, file: table.file, place: table.path(name))
            _ = try entry.string("id")
            _ = try entry.array("tokens")
            var ids: [Int32] = []
            for id in try entry.array("ids") {
                ids.append(Int32(try entry.int(id, "ids", in: 0...max(0, idEnd - 1))))
            }
            try entry.finish()
            special[Array(name.utf8)] = ids
        }
        let single = try pieces("single", &object, special)
        let pair = try pieces("pair", &object, special)
        func count(_ pieces: [Piece], first: Bool) -> Int {
            pieces.count {
                switch $0 {
                case .first: first
                case .second: !first
                case .special: false
                }
            }
        }
        guard count(single, first: true) == 1, count(single, first: false) == 0 else {
            throw object.error("single", "expected sequence A once and no sequence B")
        }
        guard count(pair, first: true) == 1, count(pair, first: false) == 1 else {
            throw object.error("pair", "expected the sequences A and B once each")
        }
        return PostProcessor(single: single, pair: pair)
    }

    /// No template has more parts.
    private static let maximumPieces = 1024

    private static func pieces(
        _ key: String, _ object: inout ObjectReader, _ special: [[UInt8]: [Int32]]
    ) throws(FileError) -> [Piece] {
        var pieces: [Piece] = []
        let list = try object.array(key)
        // A file of few bytes could place a long list of ids many times over.
        func tooMany() -> FileError {
            object.error(key, "expected at most \(maximumPieces) tokens around a text")
        }
        guard list.count <= maximumPieces else { throw tooMany() }
        for (index, json) in list.enumerated() {
            let place = "\(object.path(key))[\(index)]"
            guard let members = json.members, members.count == 1, let (kind, value) = members.first
            else {
                throw FileError(
                    path: object.file, problem: "\(place): expected one Sequence or SpecialToken")
            }
            var piece = try ObjectReader(value, file: object.file, place: "\(place).\(kind)")
            let id = try piece.string("id")
            let typeID = Int32(try piece.int("type_id", in: 0...Int(Int32.max)))
            try piece.finish()
            switch (kind, id) {
            case ("Sequence", "A"): pieces.append(.first(typeID: typeID))
            case ("Sequence", "B"): pieces.append(.second(typeID: typeID))
            case ("SpecialToken", _):
                guard let ids = special[Array(id.utf8)] else {
                    throw piece.error("id", "\"\(id)\" is not among special_tokens")
                }
                guard ids.count <= maximumPieces - pieces.count else { throw tooMany() }
                pieces += ids.map { .special(id: $0, typeID: typeID) }
            default:
                throw FileError(
                    path: object.file,
                    problem: "\(place): expected a SpecialToken, or a Sequence A or B, found "
                        + "\(kind) \"\(id)\"")
            }
        }
        return pieces
    }
}
