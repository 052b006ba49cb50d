/// Why a text is not JSON, and where.
public struct JSONSyntaxError: Error, Equatable {
    /// What was expected and found.
    public var problem: String
    /// Bytes before the problem.
    public var offset: Int
    /// The 1-based line of the problem.
    public var line: Int
    /// The 1-based column of the problem, in bytes.
    public var column: Int
}

extension JSON {
    /// The deepest nesting of arrays and objects that is read; deeper text is refused rather than risking the stack.
    public static let maximumDepth = 256

    /// Reads the one value in `text` (RFC 8259; UTF-8, checked; a byte order mark is skipped).
    ///
    /// Throws a ``JSONSyntaxError``. `NaN` and `Infinity`, which Python writes, are named in the error.
    public init(parsing text: [UInt8]) throws(JSONSyntaxError) {
        var parser = JSONParser(text)
        self = try parser.document()
    }

    /// Reads the JSON file at `path`; a ``FileError`` names the file and the line.
    public init(contentsOf path: String) throws(FileError) {
        let bytes = try FileBytes.read(path)
        do throws(JSONSyntaxError) {
            try self.init(parsing: bytes)
        } catch {
            throw FileError(
                path: path, line: error.line,
                problem: "not valid JSON at column \(error.column): \(error.problem)",
                remedy: "the file may be damaged or cut short; fetch it again")
        }
    }
}

private struct JSONParser {
    let text: [UInt8]
    var position = 0
    var depth = 0

    init(_ text: [UInt8]) {
        self.text = text
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    mutating func document() throws(JSONSyntaxError) -> JSON {
        skipSpace()
        let result = try value()
        skipSpace()
        if position < text.count { throw error("text after the end of the value") }
        return result
    }

    private mutating func value() throws(JSONSyntaxError) -> JSON {
        guard position < text.count else { throw error("the text ends where a value should stand") }
        switch text[position] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "N"), UInt8(ascii: "I"): throw error("NaN and Infinity are not JSON")
        default: throw error("expected a value, found \(found)")
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSON {
        try enter()
        var members: [(key: String, value: JSON)] = []
        skipSpace()
        if take(UInt8(ascii: "}")) {
            depth -= 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard position < text.count, text[position] == UInt8(ascii: "\"") else {
                throw error("expected a key in quotes, found \(found)")
            }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else {
                throw error("expected ':' after a key, found \(found)")
            }
            skipSpace()
            members.append((key, try value()))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else {
                throw error("expected ',' or '}', found \(found)")
            }
            depth -= 1
            return .object(members)
        }
    }

    private mutating func array() throws(JSONSyntaxError) -> JSON {
        try enter()
        var values: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) {
            depth -= 1
            return .array(values)
        }
        while true {
            skipSpace()
            values.append(try value())
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else {
                throw error("expected ',' or ']', found \(found)")
            }
            depth -= 1
            return .array(values)
        }
    }

    private mutating func enter() throws(JSONSyntaxError) {
        depth += 1
        if depth > JSON.maximumDepth {
            throw error("nested more than \(JSON.maximumDepth) levels deep")
        }
        position += 1
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        // The usual string has no escapes: one scan, one copy.
        while position < text.count, text[position] != UInt8(ascii: "\""),
            text[position] != UInt8(ascii: "\\"),
            text[position] >= 0x20
        {
            position += 1
        }
        if position < text.count, text[position] == UInt8(ascii: "\"") {
            let slice = text[start..<position]
            guard let result = String(validating: slice, as: UTF8.self) else {
                throw invalidUTF8(from: start)
            }
            position += 1
            return result
        }
        var bytes = Array(text[start..<position])
        while true {
            guard position < text.count else { throw error("the text ends inside a string") }
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let result = String(validating: bytes, as: UTF8.self) else {
                    throw invalidUTF8(from: start)
                }
                position += 1
                return result
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &bytes)
            case 0..<0x20:
                throw error("a control character (\(found)) inside a string; it must be escaped")
            default:
                bytes.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONSyntaxError) {
        guard position < text.count else { throw error("the text ends inside a string") }
        let byte = text[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexDigits()
            if (0xD800..<0xDC00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw error("an unpaired surrogate \\u escape")
                }
                let low = try hexDigits()
                guard (0xDC00..<0xE000).contains(low) else {
                    throw error("an unpaired surrogate \\u escape")
                }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw error("an unpaired surrogate \\u escape")
            }
            bytes.append(contentsOf: scalar.utf8)
        default:
            position -= 1
            throw error("an unknown escape, \\\(found)")
        }
    }

    private mutating func hexDigits() throws(JSONSyntaxError) -> UInt32 {
        guard position + 4 <= text.count else { throw error("the text ends inside a \\u escape") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexValue(text[position]) else {
                throw error("expected four hexadecimal digits after \\u")
            }
            code = code << 4 | digit
            position += 1
        }
        return code
    }

    private mutating func number() throws(JSONSyntaxError) -> JSON {
        let start = position
        func digits(_ parser: inout JSONParser) -> Int {
            let first = parser.position
            while parser.position < parser.text.count,
                (0x30...0x39).contains(parser.text[parser.position])
            {
                parser.position += 1
            }
            return parser.position - first
        }
        _ = take(UInt8(ascii: "-"))
        if position < text.count, text[position] == UInt8(ascii: "I") {
            throw error("Infinity is not JSON")
        }
        let leading = position
        let whole = digits(&self)
        if whole == 0 || (whole > 1 && text[leading] == UInt8(ascii: "0")) {
            throw error("a malformed number")
        }
        if take(UInt8(ascii: ".")), digits(&self) == 0 {
            throw error("a number without digits after its point")
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            if digits(&self) == 0 { throw error("a number without digits in its exponent") }
        }
        return .number(String(decoding: text[start..<position], as: UTF8.self))
    }

    private mutating func literal(_ word: String, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        for byte in word.utf8 {
            guard take(byte) else { throw error("expected \(word), found \(found)") }
        }
        return value
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private var found: String {
        guard position < text.count else { return "the end of the text" }
        let byte = text[position]
        return (0x21...0x7E).contains(byte)
            ? "'\(Unicode.Scalar(byte))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
    }

    private func error(_ problem: String) -> JSONSyntaxError {
        let before = text[..<min(position, text.count)]
        let line = before.reduce(into: 1) { if $1 == 0x0A { $0 += 1 } }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONSyntaxError(
            problem: problem, offset: position, line: line, column: before.count - lineStart + 1)
    }

    private func invalidUTF8(from start: Int) -> JSONSyntaxError {
        var copy = self
        copy.position = start
        return copy.error("a string that is not valid UTF-8")
    }
}

private func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}
