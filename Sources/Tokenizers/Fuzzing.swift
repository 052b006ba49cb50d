package import Files

// Ways in for fuzzing and for tests with random files: bytes in memory instead of a folder.

/// Reads `bytes` as the JSON files of a tokenizer and encodes a few texts with it.
///
/// Parts are separated by the byte 0xFF, which no UTF-8 has: `tokenizer.json`, then, as far as they are there, a text
/// to encode (of which at most 64 bytes count), `tokenizer_config.json`, `special_tokens_map.json` and
/// `added_tokens.json`. Returns the number of tokens made; throws what is wrong with a file; traps where a promise
/// about encodings is broken.
@discardableResult
package func fuzzTokenizerJSON(_ bytes: [UInt8]) throws(FileError) -> Int {
    let parts = bytes.split(separator: 0xFF, maxSplits: 4, omittingEmptySubsequences: false)
        .map { Array($0) }
    let names = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
    let config = try TokenizerConfig(folder: "memory") { path throws(FileError) in
        guard let index = names.firstIndex(of: FileBytes.name(of: path)), index + 2 < parts.count
        else { return nil }
        do throws(JSONSyntaxError) {
            return try JSON(parsing: parts[index + 2])
        } catch {
            throw FileError(path: path, line: error.line, problem: error.problem)
        }
    }
    let tokenizer = Tokenizer(
        try TokenizerParts(tokenizerJSON: parts[0], path: "memory", config: config),
        config: config, files: [])
    return exercise(tokenizer, parts.count > 1 ? parts[1].prefix(64) : bytes.suffix(64))
}

/// Reads `bytes` as a SentencePiece model and encodes a few texts with it.
///
/// The number of bytes tells which family the model is of, the one it looks like or a given one. Returns the number of
/// tokens made; throws what is wrong with the file; traps where a promise about encodings is broken.
@discardableResult
package func fuzzSentencePiece(_ bytes: [UInt8]) throws(FileError) -> Int {
    let families: [TokenizerFamily?] = [nil, .xlmRoberta, .t5, .albert]
    var config = TokenizerConfig()
    config.tokenizerClass = families[bytes.count % families.count]?.className
    config.extraIDs = 3
    let parts = try TokenizerParts(sentencePiece: bytes, path: "memory", config: config)
    return exercise(Tokenizer(parts, config: config, files: []), bytes.suffix(64))
}

/// Encodes two texts, one of them `own`, in several ways; returns the number of tokens.
private func exercise(_ tokenizer: Tokenizer, _ own: some Collection<UInt8>) -> Int {
    let own = String(decoding: own, as: UTF8.self)
    let other = " It's ﬁne\u{301}: 20 中İ\t한 🎉\r\n<s>[SEP] </s>"
    var count = 0
    for text in [own, other] {
        let all = tokenizer.encode(text)
        let characters = text.unicodeScalars.count
        check(all, tokenizer, characters)
        let room = tokenizer.specialTokenCount + 3
        let cut = tokenizer.encode(text, maxLength: room)
        check(cut, tokenizer, characters)
        precondition(
            cut.ids.count <= room && cut.ids.count + cut.truncatedCount == all.ids.count,
            "\(cut.ids.count) of \(all.ids.count) tokens with room for \(room)")
        let quick = tokenizer.ids(of: text, maxLength: room)
        precondition(
            quick.ids == cut.ids && quick.truncated == cut.truncatedCount,
            "\(quick.ids) and \(cut.ids) of \"\(text)\"")
        _ = tokenizer.decode(all.ids, skipSpecialTokens: text == own)
        count += all.ids.count
    }
    let room = tokenizer.pairSpecialTokenCount + 4
    let pair = tokenizer.encode(pair: own, other, maxLength: room)
    check(pair, tokenizer, max(own.unicodeScalars.count, other.unicodeScalars.count))
    precondition(pair.ids.count <= room, "\(pair.ids.count) tokens with room for \(room)")
    return count + tokenizer.encode(pair: other, own, addSpecialTokens: false).ids.count
}

/// Traps unless ids are rows of an embedding table and offsets are places in a text of so many characters.
private func check(_ encoding: Encoding, _ tokenizer: Tokenizer, _ characters: Int) {
    let count = encoding.ids.count
    precondition(
        encoding.typeIDs.count == count && encoding.specialTokensMask.count == count
            && encoding.offsets.count == count, "\(count) ids, other counts of their properties")
    for (id, offset) in zip(encoding.ids, encoding.offsets) {
        precondition(
            id >= 0 && id < tokenizer.vocabularySize, "id \(id) of \(tokenizer.vocabularySize)")
        precondition(
            offset.lowerBound >= 0 && offset.upperBound <= characters,
            "offsets \(offset) in a text of \(characters) characters")
    }
}
