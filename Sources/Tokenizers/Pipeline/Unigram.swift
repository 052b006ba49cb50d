/// The Unigram model (SentencePiece): of all ways to cut a word into tokens the one with the highest sum of scores.
///
/// As in the reference library: sums are Double, a character that no token covers costs ten more than the worst
/// token, of equal sums the one found first counts, and unknown characters side by side become one token.
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    let unknownID: Int32
    /// Unknown text becomes the tokens `<0x..>` of its bytes, where all are there.
    let byteFallback: Bool

    private let scores: [Double]
    private let trie: ByteTrie
    private let unknownScore: Double
    private let fallbackIDs: [Int32?]

    /// `tokens` with their scores, in the order of their ids; of a token given twice the later id counts.
    /// Traps where `unknownID` is not one of them.
    init(tokens: [(token: String, score: Double)], unknownID: Int32, byteFallback: Bool) {
        precondition(
            tokens.indices.contains(Int(unknownID)), "Unigram: unknown id \(unknownID) is no token")
        var vocabulary = Vocabulary(capacity: tokens.count)
        for (id, entry) in tokens.enumerated() { vocabulary.insert(entry.token, id: id) }
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.byteFallback = byteFallback
        scores = tokens.map(\.score)
        unknownScore = (scores.min() ?? 0) - 10
        trie = ByteTrie(
            tokens.enumerated().compactMap { id, entry in
                entry.token.isEmpty || vocabulary.id(of: entry.token) != id
                    ? nil : (Array(entry.token.utf8), Int32(truncatingIfNeeded: id))
            })
        fallbackIDs =
            byteFallback
            ? (0..<256).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return vocabulary.id(of: "<0x" + (byte < 16 ? "0" : "") + digits + ">")
                    .map { Int32($0) }
            } : []
    }

    /// The best way to end at a byte of the word.
    struct Step: Sendable {
        var score = 0.0
        /// Where the last token starts, from the start of the word; -1 where no way leads here.
        var start: Int32 = -1
        var id: Int32 = -1
    }

    /// Appends the tokens of the word `text[word]`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into out: inout TokenBuffer) {
        findBest(text.bytes, word, &out.steps)
        out.path.removeAll(keepingCapacity: true)
        var end = word.count
        while end > 0 {
            out.path.append(Int32(truncatingIfNeeded: end))
            end = Int(out.steps[end].start)
        }
        var start = 0
        while let end = out.path.popLast() {
            let id = out.steps[Int(end)].id
            var stop = Int(end)
            if id != unknownID {
                out.append(id, text, word.lowerBound + start..<word.lowerBound + stop)
            } else {
                while let next = out.path.last, out.steps[Int(next)].id == unknownID {
                    stop = Int(next)
                    out.path.removeLast()
                }
                let range = word.lowerBound + start..<word.lowerBound + stop
                appendUnknown(text, range, into: &out)
            }
            start = stop
        }
    }

    private func findBest(_ bytes: [UInt8], _ word: Range<Int>, _ steps: inout [Step]) {
        steps.removeAll(keepingCapacity: true)
        steps.append(contentsOf: repeatElement(Step(), count: word.count + 1))
        var start = word.lowerBound
        while start < word.upperBound {
            let length = bytes.scalar(at: start).length
            let place = start - word.lowerBound
            let sum = steps[place].score
            var coversCharacter = false
            var node = ByteTrie.root
            var index = start
            while index < word.upperBound {
                node = trie.child(of: node, bytes[index])
                if node == 0 { break }
                index += 1
                let id = trie.id(at: node)
                if id < 0 { continue }
                let score = scores[Int(id)] + sum
                let end = index - word.lowerBound
                if steps[end].start < 0 || score > steps[end].score {
                    steps[end] = Step(
                        score: score, start: Int32(truncatingIfNeeded: place), id: id)
                }
                if index - start == length { coversCharacter = true }
            }
            if !coversCharacter {
                let score = unknownScore + sum
                let end = place + length
                if steps[end].start < 0 || score > steps[end].score {
                    steps[end] = Step(
                        score: score, start: Int32(truncatingIfNeeded: place), id: unknownID)
                }
            }
            start += length
        }
    }

    private func appendUnknown(
        _ text: NormalizedText, _ range: Range<Int>, into out: inout TokenBuffer
    ) {
        if let id = trie.id(of: text.bytes, range) {
            out.append(id, text, range)
            return
        }
        if byteFallback {
            let ids = text.bytes[range].map { fallbackIDs[Int($0)] }
            if ids.allSatisfy({ $0 != nil }) {
                for id in ids { if let id { out.append(id, text, range) } }
                return
            }
        }
        out.appendSpelled(unknownID, text, range)
    }
}
