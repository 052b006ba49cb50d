import Files

/// A file of texts.
enum TextFile {
    /// How texts stand in a file.
    enum Format {
        /// A text a line.
        case lines
        /// A JSON object a line; its field `text`.
        case jsonLines

        /// What the name of the file says, `.gz` left aside; `nil` for an unknown ending.
        init?(path: String) {
            var name = path.lowercased()
            if name.hasSuffix(".gz") { name.removeLast(3) }
            if name.hasSuffix(".txt") {
                self = .lines
            } else if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") {
                self = .jsonLines
            } else {
                return nil
            }
        }
    }

    /// The texts of the file at `path`, one for each line.
    ///
    /// Throws a ``FileError`` that names the line for what is no text, and for a text without a visible character.
    static func texts(of path: String, format: Format) throws(FileError) -> [String] {
        var number = 0
        return try lines(of: path).map { (line) throws(FileError) in
            number += 1
            let text = try format == .lines ? line : field(of: line, path, number)
            guard !isBlank(text) else {
                throw FileError(
                    path: name(of: path), line: number, problem: "an empty text",
                    remedy: "remove it, or fill it")
            }
            return text
        }
    }

    /// The lines of the file at `path` (gzip or not); throws a ``FileError`` for one that is not UTF-8.
    static func lines(of path: String) throws(FileError) -> [String] {
        var reader = try LineReader(path: path)
        var lines: [String] = []
        while let bytes = try reader.next() {
            guard let line = String(validating: bytes, as: UTF8.self) else {
                throw FileError(
                    path: name(of: path), line: reader.number, problem: "not valid UTF-8",
                    remedy: "convert the file to UTF-8")
            }
            lines.append(line)
        }
        return lines
    }

    /// Whether `text` has nothing but white space.
    static func isBlank(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }

    /// The field `text` of the JSON object in `line`.
    private static func field(
        of line: String, _ path: String, _ number: Int
    ) throws(FileError) -> String {
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: Array(line.utf8))
        } catch {
            throw FileError(
                path: name(of: path), line: number,
                problem: "not valid JSON at column \(error.column): \(error.problem)",
                remedy: "write one JSON object a line")
        }
        if let text = json["text"]?.string { return text }
        let found = json["text"].map { "\($0.kind) there" } ?? "\(json.kind) without it"
        throw FileError(
            path: name(of: path), line: number,
            problem: "expected an object with a string in the field text, found \(found)",
            remedy: "write lines such as {\"text\": \"...\"}")
    }

    /// What messages call the file.
    private static func name(of path: String) -> String {
        path == "/dev/stdin" ? "standard input" : path
    }
}
