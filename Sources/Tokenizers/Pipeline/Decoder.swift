/// What joins tokens to a text again.
enum Decoder: Equatable, Sendable {
    /// Pieces that start with the prefix join what stands before; others follow a space.
    case wordPiece(prefix: String, cleanup: Bool)

    /// The names that `tokenizer.json` may use.
    static let supported = ["WordPiece"]

    /// The text of `tokens`.
    func decode(_ tokens: [String]) -> String {
        switch self {
        case .wordPiece(let prefix, let cleanup):
            let prefix = Array(prefix.utf8)
            var text: [UInt8] = []
            for (index, token) in tokens.enumerated() {
                var bytes = Array(token.utf8)
                if index > 0 {
                    if bytes.starts(with: prefix) {
                        bytes.removeFirst(prefix.count)
                    } else {
                        bytes.insert(UInt8(ascii: " "), at: 0)
                    }
                }
                if cleanup { Self.cleanUp(&bytes) }
                text += bytes
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// Repairs, in one token, the spaces that cutting at punctuation left.
    private static func cleanUp(_ bytes: inout [UInt8]) {
        guard bytes.contains(UInt8(ascii: " ")) else { return }
        for (old, new) in repairs {
            var result: [UInt8] = []
            var index = 0
            while index < bytes.count {
                if bytes[index...].starts(with: old) {
                    result += new
                    index += old.count
                } else {
                    result.append(bytes[index])
                    index += 1
                }
            }
            bytes = result
        }
    }

    private static let repairs: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
}
