import Files

extension FileError {
    /// A text without a visible character; `what` is which, as in `text_pos`.
    static func blank(path: String, line: Int, what: String) -> FileError {
        FileError(
            path: path, line: line, problem: "\(what) is empty or blank",
            remedy: "remove the row or give it a text: an empty text has no embedding")
    }

    /// A row with more columns than any table has.
    static func tooManyColumns(path: String, line: Int?) -> FileError {
        FileError(
            path: path, line: line, problem: "more than \(Row.columnLimit) columns",
            remedy: "check that the file is what it should be")
    }

    /// A label that is no finite number.
    static func badLabel(path: String, line: Int, field: String, found: String) -> FileError {
        FileError(
            path: path, line: line,
            problem: "\(shownName(field)) must be a finite number, found \(found)",
            remedy: "write the score as a number such as 0, 1 or 3.5")
    }
}

extension FieldRecognition.Failure {
    /// The error for a file with `columns`.
    func fileError(path: String, line: Int?, columns: [String]) -> FileError {
        switch self {
        case .ambiguous(let field, let candidates):
            FileError(
                path: path, line: line,
                problem: "\(field) could be \(candidates.map(shownName).joined(separator: " or "))",
                remedy: "choose with --rename \(candidates.first ?? "OLD")=\(field)")
        case .missing(let kind, let field, let found):
            FileError(
                path: path, line: line,
                problem: "no column \(field): \(listed(found)) would be part of \(kind.plural), "
                    + "which need \(kind.fieldNames.joined(separator: ", "))",
                remedy: "the columns are \(listed(columns)); name them with --rename OLD=NEW")
        case .unknown:
            FileError(
                path: path, line: line,
                problem: "none of the columns is known: "
                    + (columns.isEmpty ? "there are none" : listed(columns)),
                remedy: "name them with --rename OLD=NEW: text, text_pos (pairs); text, text_pos, "
                    + "text_neg (triplets); sentence1, sentence2, label (scored pairs)")
        }
    }
}

/// A piece of someone's data for a one-line message: quoted, control characters escaped, at most 40
/// scalars.
func shown(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(41)
    guard start.count > 40 else { return JSON.string(text).text() }
    var short = String.UnicodeScalarView()
    short.append(contentsOf: start.prefix(40))
    return JSON.string(String(short)).text() + "..."
}

/// A value for a one-line message.
func shown(_ value: JSON) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let text): text.utf8.count <= 40 ? text : "a number of \(text.utf8.count) digits"
    case .string(let text): shown(text)
    case .array(let values): "an array of \(values.count)"
    case .object: "an object"
    }
}

/// A field name for a message: as it is where it is an ordinary word, else quoted.
func shownName(_ name: String) -> String { isIdentifier(name) ? name : shown(name) }

/// Names for a message, at most twelve of them.
func listed(_ names: [String]) -> String {
    let start = names.prefix(12).map(shownName).joined(separator: ", ")
    return names.count > 12 ? start + ", ... (\(names.count) in all)" : start
}

/// Whether `text` is a word such as programs use for names: 1 to 64 ASCII letters, digits, `_`, `-`
/// or `.`, with a letter or `_` first.
func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
    func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }
    return isLetter(first)
        && text.utf8.allSatisfy {
            isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
}

/// Whether `text` has no visible character: only white space, control and format characters.
func isBlank(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
        if scalar.value > 0x20 && scalar.value < 0x7F { return false }
        if scalar.properties.isWhitespace { return true }
        switch scalar.properties.generalCategory {
        case .control, .format: return true
        default: return false
        }
    }
}

/// The number that `text` spells in decimal (`3`, `-0.5`, `1e-3`, spaces around it allowed); `nil`
/// for anything else (`nan`, `inf`, hexadecimal) and for numbers too large to be finite.
func finiteNumber(_ text: String) -> Double? {
    let bytes = text.utf8.drop { $0 == 0x20 }
    let end = bytes.lastIndex { $0 != 0x20 }.map { bytes.index(after: $0) } ?? bytes.startIndex
    var rest = bytes[..<end]
    func take(_ accepted: UInt8...) -> Bool {
        guard let first = rest.first, accepted.contains(first) else { return false }
        rest = rest.dropFirst()
        return true
    }
    func digits() -> Int {
        let count = rest.prefix { (0x30...0x39).contains($0) }.count
        rest = rest.dropFirst(count)
        return count
    }
    guard rest.count <= 400 else { return nil }
    let number = String(rest) ?? ""
    _ = take(0x2B, 0x2D)
    var count = digits()
    if take(0x2E) { count += digits() }
    guard count > 0 else { return nil }
    if take(0x65, 0x45) {
        _ = take(0x2B, 0x2D)
        guard digits() > 0 else { return nil }
    }
    guard rest.isEmpty, let value = Double(number), value.isFinite else { return nil }
    return value
}
