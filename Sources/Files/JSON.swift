/// A JSON value that keeps what Foundation's decoders lose: the order of keys, keys that are canonically equal
/// but spelled differently (`é` composed and decomposed), and numbers as written.
public enum JSON: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as written.
    case number(String)
    /// A string.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object; keys in the order of the text. A key given twice stands twice; look-ups find the last.
    case object([(key: String, value: JSON)])

    /// A whole number.
    public static func int(_ value: Int) -> JSON { .number(String(value)) }
    /// A finite number, written with the fewest digits that read back to the same value; NaN and infinities,
    /// for which JSON has no spelling, become `null`.
    public static func double(_ value: Double) -> JSON {
        value.isFinite ? .number("\(value)") : .null
    }
    /// A string, or `null`.
    public static func optional(_ value: String?) -> JSON { value.map(JSON.string) ?? .null }

    /// The value of `key` in an object; `nil` where this is no object or has no such key.
    ///
    /// Keys are compared byte by byte.
    public subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// Sets `key` of an object (in place, or at its end).
    ///
    /// Traps where this is no object.
    public mutating func set(_ key: String, _ value: JSON) {
        guard case .object(var members) = self else { preconditionFailure("JSON.set on \(kind)") }
        if let index = members.lastIndex(where: { $0.key.utf8.elementsEqual(key.utf8) }) {
            members[index].value = value
        } else {
            members.append((key, value))
        }
        self = .object(members)
    }

    /// Removes `key` from an object; nothing happens where it has none.
    ///
    /// Traps where this is no object.
    public mutating func remove(_ key: String) {
        guard case .object(var members) = self else {
            preconditionFailure("JSON.remove on \(kind)")
        }
        members.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
        self = .object(members)
    }

    /// The string, where this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The truth value, where this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The number as a whole number, where it is one (`2` and `2.0`, not `2.5`).
    public var int: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }
    /// The number.
    public var double: Double? { if case .number(let text) = self { Double(text) } else { nil } }
    /// The elements, where this is an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    /// The members, where this is an object.
    public var members: [(key: String, value: JSON)]? {
        if case .object(let value) = self { value } else { nil }
    }
    /// Whether this is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }

    /// What this is, for messages: `a string`, `an object`, ...
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The value as text: on one line, or with `indent` spaces a level.
    public func text(indent: Int? = nil) -> String {
        var out = ""
        write(to: &out, indent: indent, level: 0)
        return out
    }

    private func write(to out: inout String, indent: Int?, level: Int) {
        func breakLine(_ level: Int) {
            if let indent { out += "\n" + String(repeating: " ", count: indent * level) }
        }
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .number(let text): out += text
        case .string(let value): JSON.quote(value, to: &out)
        case .array(let values):
            out += "["
            for (index, value) in values.enumerated() {
                if index > 0 { out += indent == nil ? ", " : "," }
                breakLine(level + 1)
                value.write(to: &out, indent: indent, level: level + 1)
            }
            if !values.isEmpty { breakLine(level) }
            out += "]"
        case .object(let members):
            out += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { out += indent == nil ? ", " : "," }
                breakLine(level + 1)
                JSON.quote(member.key, to: &out)
                out += ": "
                member.value.write(to: &out, indent: indent, level: level + 1)
            }
            if !members.isEmpty { breakLine(level) }
            out += "}"
        }
    }

    private static func quote(_ value: String, to out: inout String) {
        out += "\""
        defer { out += "\"" }
        if isPlain(value) {
            out += value
            return
        }
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _
            where scalar.value < 0x20 || scalar.value == 0x7F
                || (0x2028...0x2029).contains(scalar.value):
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether `value` can stand between quotes as it is.
    private static func isPlain(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { bytes in
            var (last, before) = (UInt8(0), UInt8(0))
            for index in bytes.indices {
                let byte = unsafe bytes[index]
                switch byte {
                case 0..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "\\"): return false
                // U+2028 and U+2029.
                case 0xA8, 0xA9: if before == 0xE2, last == 0x80 { return false }
                default: break
                }
                (before, last) = (last, byte)
            }
            return true
        }
    }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral
{
    /// An object, keys in the order written.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { (key: $0.0, value: $0.1) })
    }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
}
