import Files

/// Rows of a file with one JSON object a line; blank lines are skipped.
struct JSONLinesReader: RowReader {
    let path: String
    let format = "JSON lines"
    let hasNames = true
    private var bytes: ByteReader

    init(path: String) throws(FileError) {
        self.path = path
        bytes = try ByteReader(path: path)
    }

    mutating func next() throws(FileError) -> Row? {
        while true {
            let number = bytes.line
            guard let line = try bytes.readLine() else { return nil }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            return try row(
                of: line, path: path, line: number,
                remedy: "every line must be one whole JSON object")
        }
    }

    mutating func skip() throws(FileError) -> Bool {
        while let isFilled = try bytes.skipLine() { if isFilled { return true } }
        return false
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
        guard let (line, text, isWhole) = try nextElement() else { return nil }
        let row = try row(
            of: text, path: path, line: line, remedy: "the file must be one JSON array of objects")
        guard isWhole else { throw failure(Self.noEnd) }
        return row
    }

    mutating func skip() throws(FileError) -> Bool {
        guard let (_, _, isWhole) = try nextElement() else { return false }
        guard isWhole else { throw failure(Self.noEnd) }
        return true
    }

    private static let noEnd = "the JSON array does not end"

    /// The text of the next element, the line where it begins, and whether a `,` or `]` ends it.
    private mutating func nextElement()
        throws(FileError) -> (line: Int, text: [UInt8], isWhole: Bool)?
    {
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
        guard try skipSpace() != nil else { throw failure(Self.noEnd) }
        let line = bytes.line
        bytes.startRow()
        let element = try element()
        try bytes.endRow()
        let end = try bytes.next()
        if end == UInt8(ascii: "]") { try finish() }
        return (line, element, end != nil)
    }

    /// The bytes up to the `,` or `]` that ends the element, which is left to be read.
    private mutating func element() throws(FileError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        var element: [UInt8] = []
        var depth = 0
        var inString = false
        while let byte = try bytes.peek() {
            if inString {
                try bytes.read(until: (quote, backslash, quote, quote), into: &element)
                guard let stop = try bytes.next() else { break }
                element.append(stop)
                if stop == quote {
                    inString = false
                } else if let escaped = try bytes.next() {
                    element.append(escaped)
                }
                continue
            }
            switch byte {
            case quote: inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ",") where depth == 0: return element
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return element }
                depth -= 1
            default: break
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
            bytes.startRow()
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
    guard members.count <= Row.columnLimit else {
        throw .tooManyColumns(path: path, line: line)
    }
    return Row(line: line, columns: members.map(\.key), values: members.map(\.value))
}
