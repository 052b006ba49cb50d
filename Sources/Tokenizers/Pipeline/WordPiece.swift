/// The WordPiece model: cuts a word into the longest pieces that the vocabulary has, from the left.
struct WordPiece: Sendable {
    var vocabulary: Vocabulary
    /// What a word that cannot be cut into known pieces becomes.
    var unknownToken: String
    var unknownID: Int32
    /// What starts the name of every piece but a word's first.
    var prefix: String
    /// Longer words, in characters, are unknown.
    var maximumCharacters: Int

    private let prefixBytes: [UInt8]
    private let prefixHash: Vocabulary.Hash

    init(
        vocabulary: Vocabulary, unknownToken: String, unknownID: Int32, prefix: String,
        maximumCharacters: Int
    ) {
        self.vocabulary = vocabulary
        self.unknownToken = unknownToken
        self.unknownID = unknownID
        self.prefix = prefix
        self.maximumCharacters = maximumCharacters
        prefixBytes = Array(prefix.utf8)
        var hash = Vocabulary.Hash()
        for byte in prefixBytes { hash.add(byte) }
        prefixHash = hash
    }

    /// Appends the tokens of the word `text[word]`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into out: inout TokenBuffer) {
        let bytes = text.bytes
        if word.count > maximumCharacters, bytes.scalarCount(in: word) > maximumCharacters {
            out.append(unknownID, text, word)
            return
        }
        // Most words are in the vocabulary as they are.
        if word.count <= vocabulary.longest {
            var hash = Vocabulary.Hash()
            for index in word { hash.add(bytes[index]) }
            if let id = vocabulary.id(prefix: [], bytes, word, hash: hash.value) {
                out.append(id, text, word)
                return
            }
        }
        let before = out.count
        var start = word.lowerBound
        while start < word.upperBound {
            let isFirst = start == word.lowerBound
            guard let (id, end) = longestPiece(bytes, start..<word.upperBound, isFirst, &out)
            else {
                out.removeAll(after: before)
                out.append(unknownID, text, word)
                return
            }
            out.append(id, text, start..<end)
            start = end
        }
    }

    /// The longest piece that `rest` starts with, and where it ends.
    private func longestPiece(
        _ bytes: [UInt8], _ rest: Range<Int>, _ isFirst: Bool, _ out: inout TokenBuffer
    ) -> (id: Int32, end: Int)? {
        let longest = vocabulary.longest - (isFirst ? 0 : prefixBytes.count)
        guard longest > 0 else { return nil }
        let limit = min(rest.upperBound, rest.lowerBound + longest)
        var hash = isFirst ? Vocabulary.Hash() : prefixHash
        out.ends.removeAll(keepingCapacity: true)
        for index in rest.lowerBound..<limit {
            hash.add(bytes[index])
            let end = index + 1
            if end == rest.upperBound || bytes[end] & 0xC0 != 0x80 {
                out.ends.append((hash.value, end))
            }
        }
        for (hash, end) in out.ends.reversed() {
            let range = rest.lowerBound..<end
            let prefix = isFirst ? [] : prefixBytes
            if let id = vocabulary.id(prefix: prefix, bytes, range, hash: hash) {
                return (id, end)
            }
        }
        return nil
    }
}
