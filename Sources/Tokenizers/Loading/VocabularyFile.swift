public import Files

/// A `vocab.txt`: one token a line, the id is the line's number from 0.
public enum VocabularyFile {
    /// The tokens of the file at `path` in the order of their ids.
    public static func read(_ path: String) throws(FileError) -> [String] {
        var reader = try LineReader(path: path)
        var tokens: [String] = []
        while let line = try reader.next() {
            guard let token = String(validating: line, as: UTF8.self) else {
                throw FileError(
                    path: path, line: reader.number, problem: "not valid UTF-8",
                    remedy: "convert the file to UTF-8")
            }
            tokens.append(token)
        }
        return tokens
    }

    /// Writes `tokens` to `path` atomically.
    ///
    /// Traps where a token holds a line break.
    public static func write(_ tokens: [String], to path: String) throws(FileError) {
        try FileBytes.writeAtomically(text(tokens), to: path)
    }

    static func text(_ tokens: [String]) -> String {
        var text = ""
        for (id, token) in tokens.enumerated() {
            precondition(
                !token.utf8.contains(0x0A), "VocabularyFile: token \(id) holds a line break")
            text += token
            text += "\n"
        }
        return text
    }
}
