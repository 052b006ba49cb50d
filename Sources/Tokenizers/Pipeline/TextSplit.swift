/// Cuts text at the matches of a pattern.
struct TextSplit: Equatable, Sendable {
    /// What is looked for.
    enum Pattern: Equatable, Sendable {
        case words(WordPattern)
        /// Exactly these bytes, not empty.
        case text([UInt8])
        /// A character of the categories N.
        case number
    }

    /// What becomes of a match.
    enum Behavior: String, Equatable, Sendable, CaseIterable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    var pattern: Pattern
    var behavior: Behavior
    /// What is not a match is taken for one, and the other way round.
    var isInverted = false

    /// Cuts each of `pieces`, ranges of bytes of `text`.
    func split(_ text: [UInt8], _ pieces: [Range<Int>]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        words.reserveCapacity(pieces.count + 16)
        for piece in pieces {
            if case .words(let pattern) = pattern, behavior == .isolated {
                pattern.split(text, piece, into: &words)
            } else {
                append(matches(text, piece), to: &words)
            }
        }
        return words
    }

    private typealias Part = (range: Range<Int>, isMatch: Bool)

    private func append(_ parts: [Part], to words: inout [Range<Int>]) {
        switch behavior {
        case .removed: words += parts.filter { !$0.isMatch }.map(\.range)
        case .isolated: words += parts.map(\.range)
        case .contiguous:
            var last: Bool?
            for part in parts {
                if part.isMatch == last, let before = words.last {
                    words[words.count - 1] = before.lowerBound..<part.range.upperBound
                } else {
                    words.append(part.range)
                }
                last = part.isMatch
            }
        case .mergedWithPrevious:
            var last: Bool?
            for part in parts {
                if part.isMatch, last == false, let before = words.last {
                    words[words.count - 1] = before.lowerBound..<part.range.upperBound
                } else {
                    words.append(part.range)
                }
                last = part.isMatch
            }
        case .mergedWithNext:
            var next: Bool?
            var made: [Range<Int>] = []
            for part in parts.reversed() {
                if part.isMatch, next == false, let after = made.last {
                    made[made.count - 1] = part.range.lowerBound..<after.upperBound
                } else {
                    made.append(part.range)
                }
                next = part.isMatch
            }
            words += made.reversed()
        }
    }

    /// The matches in `text[piece]` and what is between them.
    private func matches(_ text: [UInt8], _ piece: Range<Int>) -> [Part] {
        var parts: [Part] = []
        var done = piece.lowerBound
        func match(_ range: Range<Int>) {
            if done < range.lowerBound { parts.append((done..<range.lowerBound, isInverted)) }
            parts.append((range, !isInverted))
            done = range.upperBound
        }
        switch pattern {
        case .words(let pattern):
            var words: [Range<Int>] = []
            pattern.split(text, piece, into: &words)
            words.forEach(match)
        case .text(let bytes):
            var index = piece.lowerBound
            while index + bytes.count <= piece.upperBound {
                if text[index] == bytes[0],
                    text[index..<index + bytes.count].elementsEqual(bytes)
                {
                    match(index..<index + bytes.count)
                    index += bytes.count
                } else {
                    index += 1
                }
            }
        case .number:
            let classes = TextClass.table
            var index = piece.lowerBound
            while index < piece.upperBound {
                let (value, length) = text.scalar(at: index)
                if classes[Int(value)] == TextClass.number { match(index..<index + length) }
                index += length
            }
        }
        if done < piece.upperBound { parts.append((done..<piece.upperBound, isInverted)) }
        return parts
    }
}
