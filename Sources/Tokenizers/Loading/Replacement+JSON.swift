internal import Files

extension Replacement {
    /// Reads the rest of a `Replace`.
    init(_ object: inout ObjectReader) throws(FileError) {
        let (kind, text) = try Self.pattern(&object)
        content = try object.shortText("content")
        if kind == "String" {
            guard !text.isEmpty else { throw object.error("pattern.String", "empty") }
            pattern = .text(Array(text.utf8))
            return
        }
        guard let known = Self.expressions.first(where: { $0.text == text }) else {
            throw object.error(
                "pattern.Regex", "\"\(text)\" is not supported",
                remedy: "supported are " + Self.expressions.map(\.text).joined(separator: "  "))
        }
        pattern = known.pattern
    }

    /// The kind of `pattern`, `String` or `Regex`, and its text.
    static func pattern(
        _ object: inout ObjectReader
    ) throws(FileError) -> (kind: String, text: String) {
        let json = try object.required("pattern")
        guard let members = json.members, members.count == 1, let (kind, value) = members.first,
            kind == "String" || kind == "Regex", let text = value.string
        else {
            throw object.error("pattern", "expected an object with one String or Regex")
        }
        return (kind, text)
    }
}

extension ObjectReader {
    /// A text to be put in at many places; one that would blow up what it is put in is refused.
    mutating func shortText(_ key: String) throws(FileError) -> [UInt8] {
        let text = Array(try string(key).utf8)
        guard text.count <= CharacterMap.longestText else {
            throw error(
                key, "expected at most \(CharacterMap.longestText) bytes, found \(text.count)")
        }
        return text
    }
}

extension TextSplit {
    /// Reads the rest of a `Split`.
    init(_ object: inout ObjectReader) throws(FileError) {
        let (kind, text) = try Replacement.pattern(&object)
        let name = try object.string("behavior")
        guard let behavior = Behavior(rawValue: name) else {
            throw object.error(
                "behavior", "\"\(name)\" is not supported",
                remedy: "supported are "
                    + Behavior.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.behavior = behavior
        isInverted = try object.bool("invert", default: false)
        if kind == "String" {
            guard !text.isEmpty else { throw object.error("pattern.String", "empty") }
            pattern = .text(Array(text.utf8))
            return
        }
        guard let words = WordPattern(rawValue: text) else {
            throw object.error(
                "pattern.Regex", "\"\(text)\" is not supported",
                remedy: "supported are the patterns of GPT-2, Llama 3 and Qwen 2")
        }
        pattern = .words(words)
    }
}

extension Metaspace {
    /// Reads the rest of a `Metaspace`, pre-tokenizer or decoder.
    init(_ object: inout ObjectReader) throws(FileError) {
        let text = try object.string("replacement", default: "▁")
        guard text.unicodeScalars.count == 1 else {
            throw object.error("replacement", "expected one character, found \"\(text)\"")
        }
        mark = Array(text.utf8)
        _ = object.optional("str_rep")
        let adds = try object.optionalBool("add_prefix_space")
        if object.optional("prepend_scheme") != nil {
            let name = try object.string("prepend_scheme")
            guard let scheme = Prepend(rawValue: name) else {
                throw object.error(
                    "prepend_scheme", "\"\(name)\" is not supported",
                    remedy: "supported are "
                        + Prepend.allCases.map(\.rawValue).joined(separator: ", "))
            }
            prepend = adds == false ? .never : scheme
        } else {
            prepend = adds == false ? .never : .always
        }
        splits = try object.bool("split", default: true)
    }
}
