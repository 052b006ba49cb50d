public import Files

extension Tokenizer {
    /// This tokenizer with `specialTokens` as further special tokens, as Transformers'
    /// `add_special_tokens({"additional_special_tokens": ...})` adds them.
    ///
    /// They are found in the text as it is, anywhere in it, and take no white space. A token that is known keeps its
    /// id, and is found so from now on; the others get the ids after ``vocabularySize``, in their order.
    /// ``save(to:)`` writes files that give the same ids, to the reference library too.
    ///
    /// Throws a ``FileError`` for an empty token, one given twice, more tokens than a vocabulary may have, and where
    /// the ids of the tokenizer have gaps that the reference library would fill with the new tokens.
    public func adding(specialTokens: [String]) throws(FileError) -> Tokenizer {
        guard !specialTokens.isEmpty else { return self }
        var entries = added.tokens
        var places = Dictionary(
            uniqueKeysWithValues: entries.indices.map { (entries[$0].id, $0) })
        var end = vocabularySize
        var seen: Set<[UInt8]> = []
        for (index, content) in specialTokens.enumerated() {
            func error(_ problem: String, _ remedy: String) -> FileError {
                FileError(
                    path: TokenizerFiles.additionalKey,
                    problem: "token \(index + 1) of \(specialTokens.count) \(problem)",
                    remedy: remedy)
            }
            guard !content.isEmpty else { throw error("is empty", "leave it out") }
            guard seen.insert(Array(content.utf8)).inserted else {
                throw error("(\"\(content)\") is given twice", "name each token once")
            }
            let known = id(of: content)
            guard known != nil || end < Vocabulary.maximumSize else {
                throw error("would be one of more than \(Vocabulary.maximumSize)", "name fewer")
            }
            let id = known ?? Int32(end)
            if known == nil { end += 1 }
            if let place = places[id] {
                entries[place].token = AddedToken(content: content)
            } else {
                places[id] = entries.count
                entries.append((AddedToken(content: content), id))
            }
        }
        entries.sort { $0.id < $1.id }
        var files = TokenizerFiles(files)
        try files.list(entries, adding: specialTokens, to: model.vocabulary)
        return Tokenizer(
            normalizer: normalizer, preTokenizer: preTokenizer, model: model,
            postProcessor: postProcessor, decoder: decoder,
            added: AddedTokens(entries, normalizer: normalizer), special: special,
            files: files.files, modelMaxLength: modelMaxLength)
    }
}

/// The files of a tokenizer, in which added tokens are entered.
///
/// Every version of the reference library looks elsewhere for them: the Rust library in `tokenizer.json`,
/// Transformers from 4.34 on in `added_tokens_decoder`, older ones in the two small files.
private struct TokenizerFiles {
    typealias Entry = (token: AddedToken, id: Int32)

    static let additionalKey = "additional_special_tokens"
    /// The name that version 5 gives the same list; what version 4 writes there is no list.
    private static let extraKey = "extra_special_tokens"
    private static let decoderKey = "added_tokens_decoder"

    private(set) var files: [Tokenizer.SourceFile]

    init(_ files: [Tokenizer.SourceFile]) { self.files = files }

    /// Enters `entries`, all added tokens in the order of their ids, of which `new` are to be special ones, beside
    /// those of `vocabulary`.
    mutating func list(
        _ entries: [Entry], adding new: [String], to vocabulary: Vocabulary
    ) throws(FileError) {
        try listSpecial(entries, adding: new)
        let name = "added_tokens.json"
        let outside = entries.filter { vocabulary.id(of: $0.token.content) == nil }
        let contents = Set(outside.map { Array($0.token.content.utf8) })
        let others = (try object(name)?.members ?? []).filter {
            !contents.contains(Array($0.key.utf8))
        }
        if !outside.isEmpty {
            set(name, .object(others + outside.map { ($0.token.content, .int(Int($0.id))) }))
        }
        try listModel(entries, beside: vocabulary)
    }

    /// Enters them in `tokenizer_config.json` and `special_tokens_map.json`.
    private mutating func listSpecial(_ entries: [Entry], adding new: [String]) throws(FileError) {
        let (configName, mapName) = ("tokenizer_config.json", "special_tokens_map.json")
        var config = try object(configName) ?? [:]
        var map = try object(mapName) ?? [:]
        if config[Self.decoderKey]?.members == nil {
            // Without the list of added tokens the map rules, with it the map is not read.
            for (key, _) in TokenizerConfig.roles {
                guard let content = map[key].flatMap(Self.content) else { continue }
                config.set(key, .string(content))
            }
        }
        let tokens = Dictionary(
            uniqueKeysWithValues: entries.map { (Array($0.token.content.utf8), $0.token) })
        var contents: [String] = []
        var listed: Set<[UInt8]> = []
        let lists = [config[Self.additionalKey], config[Self.extraKey], map[Self.additionalKey]]
        for content in lists.flatMap({ $0?.array ?? [] }).compactMap(Self.content) + new {
            let bytes = Array(content.utf8)
            if tokens[bytes] != nil, listed.insert(bytes).inserted { contents.append(content) }
        }
        // T5 takes a list with all of these or with none.
        let isOfT5 = { (content: String) in content.contains("<extra_id_") }
        if contents.contains(where: isOfT5) {
            contents += entries.map(\.token.content).filter {
                isOfT5($0) && listed.insert(Array($0.utf8)).inserted
            }
        }
        if config[Self.extraKey]?.array != nil { config.remove(Self.extraKey) }
        config.set(
            Self.additionalKey,
            .array(
                contents.map { content in
                    guard let token = tokens[Array(content.utf8)],
                        token != AddedToken(content: content)
                    else { return .string(content) }
                    var json = Self.json(token)
                    json.set("__type", "AddedToken")
                    return json
                }))
        config.set(
            Self.decoderKey,
            .object(entries.map { (key: String($0.id), value: Self.json($0.token)) }))
        map.set(Self.additionalKey, .array(contents.map(JSON.string)))
        set(configName, config)
        set(mapName, map)
    }

    /// Enters them in `tokenizer.json`, where there is one.
    private mutating func listModel(
        _ entries: [Entry], beside vocabulary: Vocabulary
    ) throws(FileError) {
        let (name, words) = ("tokenizer.json", "vocab.json")
        guard var json = try object(name) else {
            if let closed = try withoutGaps(object(words), in: words, entries, vocabulary) {
                set(words, closed)
            }
            return
        }
        json.set(
            "added_tokens",
            .array(
                entries.map { token, id in
                    .object([("id", .int(Int(id)))] + (Self.json(token).members ?? []))
                }))
        if var model = json["model"], model.members != nil,
            let closed = try withoutGaps(model["vocab"], in: name, entries, vocabulary)
        {
            model.set("vocab", closed)
            json.set("model", model)
        }
        set(name, json)
    }

    /// The tokens and ids `json` of the file `name` with tokens that no text has for ids that none has; `nil` where
    /// nothing is to be changed.
    ///
    /// The reference library does not read the ids of added tokens, it counts: the first one outside the vocabulary
    /// gets the number of tokens in it. Where ids are left out, that is the id of another token.
    private func withoutGaps(
        _ json: JSON?, in name: String, _ entries: [Entry], _ vocabulary: Vocabulary
    ) throws(FileError) -> JSON? {
        // A list, as Unigram has it, has no gaps.
        guard let members = json?.members else { return nil }
        func counted(from count: Int) -> Bool {
            var last = -1
            for (token, id) in entries {
                let next =
                    vocabulary.id(of: token.content) ?? (last >= count ? last + 1 : count)
                guard next == id else { return false }
                last = max(last, next)
            }
            return true
        }
        if counted(from: members.count) { return nil }
        let outside = entries.first { vocabulary.id(of: $0.token.content) == nil }
        var isFree = [Bool](repeating: true, count: outside.map { Int($0.id) } ?? 0)
        for (_, value) in members {
            if let id = value.int, isFree.indices.contains(id) { isFree[id] = false }
        }
        // No word has a space.
        let gaps = isFree.indices.filter { isFree[$0] }.map { (key: "[gap \($0)]", id: $0) }
        guard gaps.count <= Self.maximumGaps, counted(from: members.count + gaps.count),
            gaps.allSatisfy({ vocabulary.id(of: $0.key) == nil })
        else {
            throw FileError(
                path: name,
                problem: "the ids of the tokenizer have gaps: other libraries would give the new "
                    + "tokens ids that stand for others",
                remedy: "number the vocabulary without gaps, added tokens last")
        }
        return .object(members + gaps.map { ($0.key, .int($0.id)) })
    }

    /// So many tokens may be put into gaps.
    private static let maximumGaps = 1024

    private static func json(_ token: AddedToken) -> JSON {
        [
            "content": .string(token.content), "single_word": .bool(token.singleWord),
            "lstrip": .bool(token.leftStrip), "rstrip": .bool(token.rightStrip),
            "normalized": .bool(token.isNormalized), "special": .bool(token.isSpecial),
        ]
    }

    /// What a token is spelled like that is given by its text alone, or as an object.
    private static func content(_ json: JSON) -> String? { json.string ?? json["content"]?.string }

    /// The object in the file `name`; `nil` where there is no such file.
    private func object(_ name: String) throws(FileError) -> JSON? {
        guard let file = files.first(where: { $0.name == name }) else { return nil }
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: file.bytes)
        } catch {
            throw FileError(
                path: name, line: error.line,
                problem: "not valid JSON at column \(error.column): \(error.problem)",
                remedy: "the file may be damaged or cut short; fetch it again")
        }
        guard json.members != nil else {
            throw FileError(path: name, problem: "expected an object, found \(json.kind)")
        }
        return json
    }

    private mutating func set(_ name: String, _ json: JSON) {
        let file = Tokenizer.SourceFile(name: name, bytes: Array(json.text(indent: 2).utf8))
        if let index = files.firstIndex(where: { $0.name == name }) {
            files[index] = file
        } else {
            files.append(file)
        }
    }
}
