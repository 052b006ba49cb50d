/// A token that is found in the text before the model sees it, and never cut.
struct AddedToken: Equatable, Sendable {
    var content: String
    /// Only between characters that are not part of a word.
    var singleWord = false
    /// Takes the white space before it.
    var leftStrip = false
    /// Takes the white space after it.
    var rightStrip = false
    /// Is looked for, normalized, in the normalized text.
    var isNormalized = false
    /// Is left out when decoding without special tokens.
    var isSpecial = true
}

/// The added tokens with their ids, and the machinery that finds them.
struct AddedTokens: Sendable {
    /// The tokens with their ids, in the order of the file.
    private(set) var tokens: [(token: AddedToken, id: Int32)] = []
    private var byContent: [[UInt8]: Int] = [:]
    private var byID: [Int32: Int] = [:]
    private var plain = TokenMatcher([])
    private var normalized = TokenMatcher([])

    /// Indexes `tokens`, whose contents and ids are unique; `normalizer` is applied to those that want it.
    init(_ tokens: [(token: AddedToken, id: Int32)], normalizer: Normalizer?) {
        self.tokens = tokens
        for (index, entry) in tokens.enumerated() {
            byContent[Array(entry.token.content.utf8)] = index
            byID[entry.id] = index
        }
        // Special tokens come first where two match the same text.
        let order =
            tokens.indices.filter { tokens[$0].token.isSpecial }
            + tokens.indices.filter { !tokens[$0].token.isSpecial }
        var patterns: (plain: [TokenMatcher.Pattern], normalized: [TokenMatcher.Pattern]) = ([], [])
        for index in order {
            let token = tokens[index].token
            if token.isNormalized {
                var text = NormalizedText(Array(token.content.utf8), isAligned: false)
                normalizer?.apply(to: &text)
                patterns.normalized.append((text.bytes, index))
            } else {
                patterns.plain.append((Array(token.content.utf8), index))
            }
        }
        plain = TokenMatcher(patterns.plain)
        normalized = TokenMatcher(patterns.normalized)
    }

    /// The id of the added token `content`.
    func id(of content: String) -> Int32? {
        byContent[Array(content.utf8)].map { tokens[$0].id }
    }

    /// The added token whose id is `id`.
    func token(_ id: Int32) -> AddedToken? { byID[id].map { tokens[$0].token } }

    /// One more than the highest id; 0 where there are none.
    var end: Int { tokens.map { Int($0.id) + 1 }.max() ?? 0 }

    /// A stretch of text; with the added token that it is, if it is one.
    typealias Split = (range: Range<Int>, id: Int32?)

    /// Cuts `bytes` at the added tokens that are looked for in the text as it is.
    func split(_ bytes: [UInt8]) -> [Split] { split(bytes, plain) }

    /// Cuts `bytes` at the added tokens that are looked for in normalized text.
    func splitNormalized(_ bytes: [UInt8]) -> [Split] { split(bytes, normalized) }

    private func split(_ bytes: [UInt8], _ matcher: TokenMatcher) -> [Split] {
        var splits: [Split] = []
        var done = 0
        var from = 0
        while let (match, index) = matcher.next(in: bytes, from: from) {
            from = match.upperBound
            let (token, id) = tokens[index]
            var (start, end) = (match.lowerBound, match.upperBound)
            if token.singleWord, touchesWord(bytes, match) { continue }
            if token.leftStrip {
                while start > done {
                    let (value, previous) = bytes.scalar(before: start)
                    guard previous >= done, ScalarClass.of(value).contains(.space) else { break }
                    start = previous
                }
            }
            if token.rightStrip {
                while end < bytes.count {
                    let (value, length) = bytes.scalar(at: end)
                    guard ScalarClass.of(value).contains(.space) else { break }
                    end += length
                }
            }
            if done < start { splits.append((done..<start, nil)) }
            splits.append((start..<end, id))
            done = end
        }
        if done < bytes.count { splits.append((done..<bytes.count, nil)) }
        return splits
    }

    private func touchesWord(_ bytes: [UInt8], _ match: Range<Int>) -> Bool {
        func isWord(_ value: UInt32) -> Bool {
            Unicode.Scalar(value)?.isWordCharacter == true
        }
        if match.lowerBound > 0, isWord(bytes.scalar(before: match.lowerBound).value) {
            return true
        }
        return match.upperBound < bytes.count && isWord(bytes.scalar(at: match.upperBound).value)
    }
}

/// Finds the leftmost, there the longest, of a few patterns.
struct TokenMatcher: Sendable {
    typealias Pattern = (bytes: [UInt8], index: Int)

    /// By first byte, the patterns that start with it, longest first.
    private var patterns: [[Pattern]] = []

    init(_ list: [Pattern]) {
        let list = list.filter { !$0.bytes.isEmpty }
        guard !list.isEmpty else { return }
        patterns = Array(repeating: [], count: 256)
        for pattern in list { patterns[Int(pattern.bytes[0])].append(pattern) }
        for first in 0..<256 where patterns[first].count > 1 {
            // Stable, so that of two equal patterns the first wins.
            patterns[first] = patterns[first].enumerated().sorted {
                ($1.element.bytes.count, $0.offset) < ($0.element.bytes.count, $1.offset)
            }.map(\.element)
        }
    }

    /// The next match at or after `from`.
    func next(in bytes: [UInt8], from: Int) -> (range: Range<Int>, index: Int)? {
        guard !patterns.isEmpty else { return nil }
        for start in from..<max(from, bytes.count) {
            for pattern in patterns[Int(bytes[start])] {
                let end = start + pattern.bytes.count
                guard end <= bytes.count else { continue }
                if bytes[start..<end].elementsEqual(pattern.bytes) {
                    return (start..<end, pattern.index)
                }
            }
        }
        return nil
    }
}
