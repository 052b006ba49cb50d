import Files

/// Rows of a file with one JSON object a line; blank lines are skipped.
struct JSONLinesReader: RowReader {
    let path: String
    let format = "JSON lines"
    let hasNames = true
    private var lines: LineReader

    init(path: String) throws(FileError) {
        self.path = path
        lines = try LineReader(path: path)
    }

    mutating func next() throws(FileError) -> Row? {
        while let line = try lines.next() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            return try row(
                of: line, path: path, line: lines.number,
                remedy: "every line must be one whole JSON object")
        }
        return nil
    }
}

/// Rows of a file that is one JSON array of objects, read object by object.
struct JSONArrayReader: RowReader {
    let path: String
    let format = "JSON array"
    let hasNames = true
    private var bytes: ByteReader
    private var isStarted = false
    private var isEnded = false

    init(path: String) throws(FileError) {
        self.path = path
        bytes = try ByteReader(path: path)
    }

    mutating func next() throws(FileError) -> Row? {
        if isEnded { return nil }
        if !isStarted {
            isStarted = true
            guard try skipSpace() == UInt8(ascii: "[") else {
                throw failure("expected '[' at the start of a JSON array")
            }
            _ = try bytes.next()
            if try skipSpace() == UInt8(ascii: "]") {
                _ = try bytes.next()
                try finish()
                return nil
            }
        }
        guard try skipSpace() != nil else { throw failure("the JSON array does not end") }
        let line = bytes.line
        let element = try element()
        let end = try bytes.next()
        let result = try row(
            of: element, path: path, line: line,
            remedy: "the file must be one JSON array of objects")
        if end == UInt8(ascii: "]") {
            try finish()
        } else if end == nil {
            throw failure("the JSON array does not end")
        }
        return result
    }

    /// The bytes up to the `,` or `]` that ends the element, which is left to be read.
    private mutating func element() throws(FileError) -> [UInt8] {
        var element: [UInt8] = []
        var depth = 0
        var inString = false
        while let byte = try bytes.peek() {
            if inString {
                if byte == UInt8(ascii: "\\") {
                    element.append(byte)
                    _ = try bytes.next()
                    guard let escaped = try bytes.peek() else { break }
                    element.append(escaped)
                    _ = try bytes.next()
                    continue
                }
                if byte == UInt8(ascii: "\"") { inString = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): inString = true
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: ",") where depth == 0: return element
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    if depth == 0 { return element }
                    depth -= 1
                default: break
                }
            }
            element.append(byte)
            _ = try bytes.next()
        }
        return element
    }

    private mutating func finish() throws(FileError) {
        isEnded = true
        if try skipSpace() != nil { throw failure("text after the end of the JSON array") }
    }

    /// The next byte that is not white space, left to be read; `nil` at the end.
    private mutating func skipSpace() throws(FileError) -> UInt8? {
        while let byte = try bytes.peek() {
            guard [0x20, 0x0A, 0x0D, 0x09].contains(byte) else { return byte }
            _ = try bytes.next()
        }
        return nil
    }

    private func failure(_ problem: String) -> FileError {
        FileError(
            path: path, line: bytes.line, problem: problem,
            remedy: "the file may be damaged or cut short; fetch it again")
    }
}

/// The row that `text`, which begins in `line`, spells as a JSON object.
private func row(
    of text: [UInt8], path: String, line: Int, remedy: String
) throws(FileError) -> Row {
    let value: JSON
    do {
        value = try JSON(parsing: text)
    } catch {
        throw FileError(
            path: path, line: line + error.line - 1,
            problem: "not valid JSON at column \(error.column): \(error.problem)",
            remedy: remedy)
    }
    guard case .object(let members) = value else {
        throw FileError(
            path: path, line: line, problem: "expected a JSON object, found \(value.kind)",
            remedy: remedy)
    }
    return Row(line: line, columns: members.map(\.key), values: members.map(\.value))
}
