/// The byte-pair model (BPE): a word starts as its characters, or its bytes, and pairs are joined as the merges say.
struct BytePair: Sendable {
    /// How a file sets the model up.
    struct Settings: Equatable, Sendable {
        /// What a character that the vocabulary has not becomes; `nil` to drop it.
        var unknownToken: String?
        /// What starts the name of every character but a word's first.
        var prefix = ""
        /// What ends the name of a word's last character.
        var suffix = ""
        /// Unknown characters side by side become one token.
        var fusesUnknown = false
        /// An unknown character becomes the tokens `<0x..>` of its bytes, where all are there.
        var byteFallback = false
        /// A word that is in the vocabulary is one token whatever the merges say.
        var ignoresMerges = false
        /// Words are bytes, which the vocabulary spells by ``ByteAlphabet``.
        var isByteLevel = false
    }

    let vocabulary: Vocabulary
    let merges: MergeTable
    let settings: Settings

    private let unknownID: Int32?
    /// By position (1: not the first, 2: the last) and byte, the token a byte starts as; -1 for none.
    private var byteIDs: [Int32] = []
    /// The tokens of single bytes (`<0x00>` ...), for ``Settings/byteFallback``.
    private var fallbackIDs: [Int32?] = []
    /// Words that are one token in the end, by their bytes.
    private var whole: Vocabulary
    private let isPlain: Bool

    /// Traps where the unknown token is not in the vocabulary.
    init(vocabulary: Vocabulary, merges: MergeTable, settings: Settings) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.settings = settings
        whole = Vocabulary(capacity: vocabulary.count)
        isPlain = settings.prefix.isEmpty && settings.suffix.isEmpty
        unknownID = settings.unknownToken.map { token in
            guard let id = vocabulary.id(of: token) else {
                preconditionFailure("BytePair: unknown token \(token) is not in the vocabulary")
            }
            return Int32(id)
        }
        if settings.byteFallback {
            fallbackIDs = (0..<256).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                let name = "<0x" + (byte < 16 ? "0" : "") + digits + ">"
                return vocabulary.id(of: name).map { Int32($0) }
            }
        }
        if settings.isByteLevel {
            for position in 0..<4 {
                for byte in UInt8.min...UInt8.max {
                    byteIDs.append(id(of: spelling(byte), position) ?? -1)
                }
            }
        }
        findWholeWords()
    }

    private mutating func findWholeWords() {
        var buffer = TokenBuffer(isAligned: false)
        var found = Vocabulary(capacity: vocabulary.count)
        for id in 0..<vocabulary.end {
            guard let token = vocabulary.token(id), vocabulary.id(of: token) == id,
                let bytes = settings.isByteLevel
                    ? ByteAlphabet.bytes(of: token) : Array(token.utf8),
                !bytes.isEmpty
            else { continue }
            if !settings.ignoresMerges {
                guard start(bytes, 0..<bytes.count, &buffer.symbols) else { continue }
                merges.join(&buffer.symbols)
                guard buffer.symbols.count == 1, buffer.symbols[0].id == id else { continue }
            }
            found.insert(bytes, id: id)
        }
        whole = found
    }

    /// Appends the tokens of the word `text[word]`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into out: inout TokenBuffer) {
        let bytes = text.bytes
        if let id = whole.id(of: bytes, word) {
            out.append(id, text, word)
            return
        }
        guard start(bytes, word, &out.symbols) else {
            tokenizeUnknown(text, word, into: &out)
            return
        }
        merges.join(&out.symbols)
        var start = word.lowerBound
        for index in out.symbols.indices {
            let end = start + Int(out.symbols[index].length)
            out.append(out.symbols[index].id, text, start..<end)
            start = end
        }
    }

    /// Makes the symbols that the word starts as; `false` where one is not in the vocabulary.
    private func start(
        _ bytes: [UInt8], _ word: Range<Int>, _ symbols: inout [BytePairSymbol]
    ) -> Bool {
        symbols.removeAll(keepingCapacity: true)
        var index = word.lowerBound
        while index < word.upperBound {
            let length = settings.isByteLevel ? 1 : bytes.scalar(at: index).length
            guard let id = id(bytes, index..<index + length, in: word) else { return false }
            symbols.append(BytePairSymbol(id: id, length: Int32(length)))
            index += length
        }
        return true
    }

    /// The token that a character, or byte, of a word starts as.
    @inline(__always)
    private func id(_ bytes: [UInt8], _ unit: Range<Int>, in word: Range<Int>) -> Int32? {
        let position =
            (unit.lowerBound > word.lowerBound ? 1 : 0)
            + (unit.upperBound == word.upperBound ? 2 : 0)
        if settings.isByteLevel {
            let id = byteIDs[position << 8 | Int(bytes[unit.lowerBound])]
            return id < 0 ? nil : id
        }
        if isPlain { return vocabulary.id(of: bytes, unit) }
        return id(of: Array(bytes[unit]), position)
    }

    private func spelling(_ byte: UInt8) -> [UInt8] {
        Array(ByteAlphabet.characters[Int(byte)].utf8)
    }

    /// The name of a character at a position in a word.
    private func name(_ character: [UInt8], _ position: Int) -> [UInt8] {
        (position & 1 == 1 ? Array(settings.prefix.utf8) : []) + character
            + (position & 2 == 2 ? Array(settings.suffix.utf8) : [])
    }

    private func id(of character: [UInt8], _ position: Int) -> Int32? {
        let name = name(character, position)
        return vocabulary.id(of: name, 0..<name.count)
    }

    /// The slow way, for a word with unknown characters.
    ///
    /// As in the reference library, offsets go by the lengths of the characters that became tokens, and an unknown
    /// token waits for the next known one.
    private func tokenizeUnknown(
        _ text: NormalizedText, _ word: Range<Int>, into out: inout TokenBuffer
    ) {
        var symbols: [BytePairSymbol] = []
        /// The byte of the text that each byte of the spelled word belongs to.
        var places: [Int] = []
        var unknown: BytePairSymbol?
        var index = word.lowerBound
        while index < word.upperBound {
            let length = settings.isByteLevel ? 1 : text.bytes.scalar(at: index).length
            let unit = index..<index + length
            let character =
                settings.isByteLevel ? spelling(text.bytes[index]) : Array(text.bytes[unit])
            for offset in character.indices { places.append(index + min(offset, length - 1)) }
            index += length
            if let id = id(text.bytes, unit, in: word) {
                if let waiting = unknown { symbols.append(waiting) }
                unknown = nil
                symbols.append(BytePairSymbol(id: id, length: Int32(character.count)))
                continue
            }
            if settings.byteFallback {
                let position =
                    (unit.lowerBound > word.lowerBound ? 1 : 0)
                    + (unit.upperBound == word.upperBound ? 2 : 0)
                let ids = name(character, position).map { fallbackIDs[Int($0)] }
                if ids.allSatisfy({ $0 != nil }) {
                    symbols += ids.compactMap { $0 }.map { BytePairSymbol(id: $0, length: 1) }
                    continue
                }
            }
            guard let unknownID else { continue }
            if let waiting = unknown, !settings.fusesUnknown {
                symbols.append(waiting)
                unknown = nil
            }
            unknown = BytePairSymbol(
                id: unknownID, length: (unknown?.length ?? 0) + Int32(character.count))
        }
        if let unknown { symbols.append(unknown) }
        merges.join(&symbols)
        var start = 0
        for symbol in symbols {
            let first = min(start, places.count - 1)
            let last = min(start + max(1, Int(symbol.length)), places.count) - 1
            out.append(symbol.id, text, places[first]..<places[max(first, last)] + 1)
            start += Int(symbol.length)
        }
    }
}
