/// SentencePiece's spaces: each becomes a mark that starts a word, and the text starts with one.
struct Metaspace: Equatable, Sendable {
    /// Where a mark is put before text that has none.
    enum Prepend: String, Equatable, Sendable, CaseIterable {
        case always
        /// Only at the start of the user's text.
        case first
        case never
    }

    /// The mark, one character: `▁`.
    var mark: [UInt8]
    var prepend: Prepend
    /// Words are cut before each mark.
    var splits = true

    /// SentencePiece's own mark.
    static let standardMark = Array("▁".utf8)

    /// Rewrites `text`, of which `pieces` are ranges of bytes, and cuts them into words.
    func split(_ text: inout NormalizedText, _ pieces: inout [Range<Int>]) {
        var out = NormalizedText(replacing: text)
        var words: [Range<Int>] = []
        words.reserveCapacity(pieces.count + 16)
        let bytes = text.bytes
        for piece in pieces where !piece.isEmpty {
            var start = out.bytes.count
            let hasMark =
                bytes[piece.lowerBound] == space
                || startsWithMark(bytes, piece.lowerBound, piece.upperBound)
            let adds: Bool =
                switch prepend {
                case .always: !hasMark
                case .first: !hasMark && text.origin(of: piece).start == 0
                case .never: false
                }
            if adds { out.append(mark, from: text, at: piece.lowerBound) }
            var index = piece.lowerBound
            while index < piece.upperBound {
                let isSpace = bytes[index] == space
                if isSpace || startsWithMark(bytes, index, piece.upperBound) {
                    if splits, out.bytes.count > start {
                        words.append(start..<out.bytes.count)
                        start = out.bytes.count
                    }
                    if isSpace {
                        out.append(mark, from: text, at: index)
                        index += 1
                    } else {
                        out.append(index..<index + mark.count, of: text)
                        index += mark.count
                    }
                } else {
                    out.append(bytes[index], from: text, at: index)
                    index += 1
                }
            }
            words.append(start..<out.bytes.count)
        }
        text = out
        pieces = words
    }

    private var space: UInt8 { UInt8(ascii: " ") }

    @inline(__always)
    private func startsWithMark(_ bytes: [UInt8], _ index: Int, _ end: Int) -> Bool {
        guard bytes[index] == mark[0], index + mark.count <= end else { return false }
        for offset in 1..<max(1, mark.count) where bytes[index + offset] != mark[offset] {
            return false
        }
        return true
    }
}
