/// Replaces each match of a pattern by a fixed text.
struct Replacement: Equatable, Sendable {
    /// What is looked for.
    enum Pattern: Equatable, Sendable {
        /// Exactly these bytes, not empty.
        case text([UInt8])
        /// As many of one kind of character as follow each other, `minimum` at least.
        case run(ofSpaces: Bool, minimum: Int)
    }

    var pattern: Pattern
    var content: [UInt8]

    /// The regular expressions that files of the known families use, by their text.
    static let expressions: [(text: String, pattern: Pattern)] = [
        (" {2,}", .run(ofSpaces: false, minimum: 2)), (" +", .run(ofSpaces: false, minimum: 1)),
        (#"\s+"#, .run(ofSpaces: true, minimum: 1)),
        (#"\s{2,}"#, .run(ofSpaces: true, minimum: 2)),
    ]

    /// Replaces the matches in `text`; what is put in shares the origin of the last character that it replaces.
    func apply(to text: inout NormalizedText) {
        guard var match = next(in: text.bytes, from: 0) else { return }
        var out = NormalizedText(replacing: text)
        var done = 0
        while true {
            out.append(done..<match.lowerBound, of: text)
            out.append(content, from: text, at: match.upperBound - 1)
            done = match.upperBound
            guard let following = next(in: text.bytes, from: done) else { break }
            match = following
        }
        out.append(done..<text.bytes.count, of: text)
        text = out
    }

    /// The next match at or after `start`.
    private func next(in bytes: [UInt8], from start: Int) -> Range<Int>? {
        switch pattern {
        case .text(let wanted):
            var index = start
            while index + wanted.count <= bytes.count {
                if bytes[index] == wanted[0],
                    bytes[index..<index + wanted.count].elementsEqual(wanted)
                {
                    return index..<index + wanted.count
                }
                index += 1
            }
            return nil
        case .run(let ofSpaces, let minimum):
            var index = start
            var first = start
            var count = 0
            while index < bytes.count {
                let (value, length) = bytes.scalar(at: index)
                let belongs =
                    ofSpaces ? ScalarClass.of(value).contains(.space) : value == 0x20
                if belongs {
                    if count == 0 { first = index }
                    count += 1
                } else {
                    if count >= minimum { return first..<index }
                    count = 0
                }
                index += length
            }
            return count >= minimum ? first..<index : nil
        }
    }
}
