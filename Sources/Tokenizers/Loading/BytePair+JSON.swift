internal import Files

extension BytePair {
    /// Reads the `model` of `tokenizer.json`.
    init(_ object: inout ObjectReader, isByteLevel: Bool) throws(FileError) {
        _ = object.optional("type")
        if let dropout = object.optional("dropout"), dropout.double != 0 {
            throw object.error(
                "dropout", "merges left out by chance are not supported", remedy: "set it to null")
        }
        var settings = Settings(isByteLevel: isByteLevel)
        settings.prefix = try object.string("continuing_subword_prefix", default: "")
        settings.suffix = try object.string("end_of_word_suffix", default: "")
        settings.fusesUnknown = try object.bool("fuse_unk", default: false)
        settings.byteFallback = try object.bool("byte_fallback", default: false)
        settings.ignoresMerges = try object.bool("ignore_merges", default: false)
        let vocabulary = try Vocabulary(
            try object.required("vocab"), file: object.file, place: object.path("vocab"))
        if object.optional("unk_token") != nil {
            let token = try object.string("unk_token")
            guard vocabulary.id(of: token) != nil else {
                throw object.error("unk_token", "\"\(token)\" is not in the vocabulary")
            }
            settings.unknownToken = token
        }
        var pairs: [(left: String, right: String, line: Int?)] = []
        for (index, json) in try object.array("merges").enumerated() {
            if let text = json.string {
                if text.utf8.starts(with: "#version".utf8) { continue }
                guard let pair = Self.pair(text) else {
                    throw object.error(
                        "merges[\(index)]", "expected two tokens with a space between")
                }
                pairs.append((pair.left, pair.right, nil))
            } else if let pair = json.array, pair.count == 2, let left = pair[0].string,
                let right = pair[1].string
            {
                pairs.append((left, right, nil))
            } else {
                throw object.error("merges[\(index)]", "expected a pair of tokens")
            }
        }
        let merges = try Self.merges(
            pairs, vocabulary, prefix: settings.prefix, file: object.file,
            place: object.path("merges"))
        self.init(vocabulary: vocabulary, merges: merges, settings: settings)
    }

    /// Reads `vocab.json` and `merges.txt` of a byte-level model.
    init(vocabularyFile: String, mergesFile: String) throws(FileError) {
        let json = try JSON(contentsOf: vocabularyFile)
        let vocabulary = try Vocabulary(json, file: vocabularyFile, place: "")
        var reader = try LineReader(path: mergesFile)
        var pairs: [(left: String, right: String, line: Int?)] = []
        while let line = try reader.next() {
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            guard let text = String(validating: line, as: UTF8.self), let pair = Self.pair(text)
            else {
                throw FileError(
                    path: mergesFile, line: reader.number,
                    problem: "expected two tokens with a space between")
            }
            pairs.append((pair.left, pair.right, reader.number))
        }
        let merges = try Self.merges(pairs, vocabulary, prefix: "", file: mergesFile, place: "")
        self.init(
            vocabulary: vocabulary, merges: merges, settings: Settings(isByteLevel: true))
    }

    private static func pair(_ text: String) -> (left: String, right: String)? {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (String(parts[0]) ?? "", String(parts[1]) ?? "")
    }

    private static func merges(
        _ pairs: [(left: String, right: String, line: Int?)], _ vocabulary: Vocabulary,
        prefix: String, file: String, place: String
    ) throws(FileError) -> MergeTable {
        guard pairs.count <= Vocabulary.maximumSize else {
            throw FileError(
                path: file,
                problem: "expected at most \(Vocabulary.maximumSize) merges, found \(pairs.count)")
        }
        var merges = MergeTable(capacity: pairs.count)
        let dropped = prefix.utf8.count
        for (rank, (left, right, line)) in pairs.enumerated() {
            func id(_ token: String) throws(FileError) -> Int32 {
                if let id = vocabulary.id(of: token) { return Int32(id) }
                let where_ = place.isEmpty ? "" : "\(place)[\(rank)]: "
                throw FileError(
                    path: file, line: line,
                    problem: where_ + "the token \"\(token)\" is not in the vocabulary",
                    remedy: "vocabulary and merges must be of one model")
            }
            let (leftID, rightID) = (try id(left), try id(right))
            let rest = right.utf8.dropFirst(dropped)
            guard right.utf8.count >= dropped, let rest = String(rest) else {
                throw FileError(
                    path: file, line: line,
                    problem: "\(place)[\(rank)]: \"\(right)\" does not start with \"\(prefix)\"")
            }
            let joined = try id(left + rest)
            merges.insert(leftID, rightID, .init(rank: UInt32(rank), id: joined))
        }
        return merges
    }
}
