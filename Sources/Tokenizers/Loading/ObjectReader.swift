internal import Files

/// Reads one JSON object of a tokenizer file key by key; every problem names the file and the key.
struct ObjectReader {
    let file: String
    /// Where in the file the object stands, as in `model.vocab`; empty at the top.
    let place: String
    private let members: [(key: String, value: JSON)]
    private var known: [String] = []

    init(_ json: JSON, file: String, place: String) throws(FileError) {
        self.file = file
        self.place = place
        guard let members = json.members else {
            throw FileError(
                path: file,
                problem: (place.isEmpty ? "" : "\(place): ")
                    + "expected an object, found \(json.kind)")
        }
        self.members = members
    }

    /// The value of `key`; `nil` where it is missing or `null`.
    mutating func optional(_ key: String) -> JSON? {
        known.append(key)
        guard let value = members.last(where: { $0.key.utf8.elementsEqual(key.utf8) })?.value,
            !value.isNull
        else { return nil }
        return value
    }

    /// Whether `key` is there, be it `null`.
    func contains(_ key: String) -> Bool { members.contains { $0.key == key } }

    /// The value of `key`, which must be there.
    mutating func required(_ key: String) throws(FileError) -> JSON {
        guard let value = optional(key) else { throw error(key, "missing") }
        return value
    }

    mutating func bool(_ key: String, default value: Bool? = nil) throws(FileError) -> Bool {
        guard let json = optional(key) else {
            if let value { return value }
            throw error(key, "missing")
        }
        return try self.bool(json, key)
    }

    func bool(_ json: JSON, _ key: String) throws(FileError) -> Bool {
        guard let bool = json.bool else {
            throw error(key, "expected true or false, found \(json.kind)")
        }
        return bool
    }

    mutating func string(_ key: String, default value: String? = nil) throws(FileError) -> String {
        guard let json = optional(key) else {
            if let value { return value }
            throw error(key, "missing")
        }
        guard let string = json.string else {
            throw error(key, "expected a string, found \(json.kind)")
        }
        return string
    }

    mutating func int(_ key: String, in range: ClosedRange<Int>) throws(FileError) -> Int {
        try int(try required(key), key, in: range)
    }

    func int(_ json: JSON, _ key: String, in range: ClosedRange<Int>) throws(FileError) -> Int {
        guard let int = json.int, range.contains(int) else {
            let found = if case .number(let text) = json { text } else { json.kind }
            throw error(
                key,
                "expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(found)"
            )
        }
        return int
    }

    mutating func array(_ key: String) throws(FileError) -> [JSON] {
        let json = try required(key)
        guard let array = json.array else {
            throw error(key, "expected an array, found \(json.kind)")
        }
        return array
    }

    /// Throws where the object has a key that was not asked for: it might change the result.
    func finish() throws(FileError) {
        for (key, _) in members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
            throw error(
                key, "unknown key",
                remedy: "the file may come from a newer library; known here: "
                    + known.sorted().joined(separator: ", "))
        }
    }

    /// The path of `key` in the file.
    func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    func error(_ key: String, _ problem: String, remedy: String = "") -> FileError {
        FileError(path: file, problem: "\(path(key)): \(problem)", remedy: remedy)
    }

    /// An unknown or unsupported `type`.
    func unsupported(_ type: String, _ supported: [String]) -> FileError {
        error(
            "type", "\"\(type)\" is not supported",
            remedy: "supported are " + supported.joined(separator: ", "))
    }
}
