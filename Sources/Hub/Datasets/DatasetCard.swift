internal import Yams

/// What the head of a data set's `README.md` says of its files.
struct DatasetCard: Equatable {
    /// One entry of `configs`.
    struct Configuration: Equatable {
        var name: String
        var isDefault = false
        /// The folder that the rules for names of files look into.
        var folder: String?
        /// The splits with their patterns; `nil` where the entry gives none.
        var splits: [(name: String, patterns: [String])]?

        static func == (a: Configuration, b: Configuration) -> Bool {
            a.name == b.name && a.isDefault == b.isDefault && a.folder == b.folder
                && a.splits?.map(\.name) == b.splits?.map(\.name)
                && a.splits?.map(\.patterns) == b.splits?.map(\.patterns)
        }
    }

    var configurations: [Configuration] = []

    /// The most bytes of the head that are read, and the most opening brackets in it: real ones have far fewer.
    private static let maximumHead = 4 << 20
    private static let maximumBrackets = 200_000
    /// The most patterns of all configurations together.
    private static let maximumPatterns = 100_000

    /// Reads `readme`; a text without head has no configurations.
    ///
    /// Throws where the head is not YAML, or its `configs` are not understood.
    init(readme: [UInt8], of name: HubName) throws(HubError) {
        guard let head = DatasetCard.head(of: readme) else { return }
        func refuse(_ problem: String) -> HubError {
            HubError(
                .format, "\(name): README.md", problem: problem,
                remedy: "the head of the file must be mended by its author")
        }
        // Only the part that is needed: heads hold long tables of columns and sizes too.
        guard let part = DatasetCard.entry("configs", in: head) else { return }
        guard part.utf8.count <= DatasetCard.maximumHead,
            part.utf8.count(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") })
                <= DatasetCard.maximumBrackets
        else { throw refuse("configs is too large") }
        guard !DatasetCard.isDeep(part) else { throw refuse("configs is nested too deep") }
        guard !DatasetCard.hasAnchors(part) else {
            throw refuse("configs has YAML anchors, which are not read")
        }
        let node: Node?
        do { node = try Yams.compose(yaml: part) } catch {
            throw refuse("the head is not YAML (\(oneLine("\(error)", limit: 120)))")
        }
        guard let list = node?.mapping?["configs"] else { return }
        guard let entries = list.sequence else {
            if DatasetCard.isNull(list) { return }
            throw refuse("configs is not a list")
        }
        var count = 0
        for entry in entries {
            guard let mapping = entry.mapping, let label = mapping["config_name"]?.scalar?.string,
                !label.isEmpty
            else { throw refuse("an entry of configs without config_name") }
            var configuration = Configuration(name: label)
            configuration.isDefault =
                ["true", "yes", "on"].contains(
                    mapping["default"]?.scalar?.string.lowercased() ?? "")
            configuration.folder = mapping["data_dir"]?.scalar?.string
            if let files = mapping["data_files"], !DatasetCard.isNull(files) {
                guard let splits = DatasetCard.splits(files) else {
                    throw refuse(
                        "data_files of \(oneLine(label, limit: 80)) is neither a path, a list of paths nor a list of split and path"
                    )
                }
                count += splits.reduce(0) { $0 + $1.patterns.count }
                configuration.splits = splits
            }
            guard count <= DatasetCard.maximumPatterns else {
                throw refuse("more than \(DatasetCard.maximumPatterns) paths")
            }
            configurations.removeAll { $0.name == label }
            configurations.append(configuration)
        }
    }

    private static func isNull(_ node: Node) -> Bool {
        ["", "null", "~"].contains(node.scalar?.string)
    }

    /// `data_files`: a path, a list of paths, or a list of `split` with `path`.
    private static func splits(_ node: Node) -> [(name: String, patterns: [String])]? {
        if let text = node.scalar?.string { return text.isEmpty ? nil : [("train", [text])] }
        guard let sequence = node.sequence, !sequence.isEmpty, sequence.count <= maximumPatterns
        else { return nil }
        if sequence.allSatisfy({ $0.scalar != nil }) {
            return [("train", sequence.compactMap { $0.scalar?.string })]
        }
        var splits: [(name: String, patterns: [String])] = []
        for item in sequence {
            guard let mapping = item.mapping, mapping.count == 2,
                let name = mapping["split"]?.scalar?.string, isSplitName(name),
                let path = mapping["path"], !splits.contains(where: { $0.name == name })
            else { return nil }
            if let text = path.scalar?.string {
                splits.append((name, [text]))
            } else if let list = path.sequence, !list.isEmpty, list.count <= maximumPatterns,
                list.allSatisfy({ $0.scalar != nil })
            {
                splits.append((name, list.compactMap { $0.scalar?.string }))
            } else {
                return nil
            }
        }
        return splits
    }

    /// Whether `name` can name a split: words of letters, digits and `_`, with points between.
    static func isSplitName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty
                && String(decoding: part, as: UTF8.self).unicodeScalars.allSatisfy {
                    $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
                }
        }
    }

    /// The lines between the `---` at the start of `readme` and the next.
    private static func head(of readme: [UInt8]) -> [[UInt8]]? {
        var text = readme[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            line.last == 0x0D ? Array(line.dropLast()) : Array(line)
        }[...]
        while let first = lines.first, first.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            lines = lines.dropFirst()
        }
        guard let first = lines.first, isFence(first) else { return nil }
        lines = lines.dropFirst()
        guard let end = lines.firstIndex(where: isFence) else { return nil }
        return Array(lines[..<end])
    }

    private static func isFence(_ line: [UInt8]) -> Bool {
        line.starts(with: "---".utf8) && line.dropFirst(3).allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    /// The lines of the entry `key` at the top level of the YAML `lines`.
    private static func entry(_ key: String, in lines: [[UInt8]]) -> String? {
        guard let start = lines.firstIndex(where: { isKey(key, $0) }) else { return nil }
        let end = lines[(start + 1)...].firstIndex(where: startsEntry) ?? lines.count
        return String(decoding: Array(lines[start..<end].joined(separator: [0x0A])), as: UTF8.self)
    }

    /// Whether a line of `text` defines an anchor. With them a short text can stand for an endless one.
    private static func hasAnchors(_ text: String) -> Bool {
        var before = UInt8(ascii: " ")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "&"), " \t\n[{,-:".utf8.contains(before) { return true }
            before = byte
        }
        return false
    }

    private static func isKey(_ key: String, _ line: [UInt8]) -> Bool {
        guard line.starts(with: key.utf8) else { return false }
        return line.dropFirst(key.utf8.count).drop { $0 == 0x20 }.first == UInt8(ascii: ":")
    }

    /// Whether a line begins a new entry at the top level: no space, no `-` of a list, no comment.
    private static func startsEntry(_ line: [UInt8]) -> Bool {
        guard let first = line.first else { return false }
        return !" \t-#]}".utf8.contains(first)
    }

    /// Whether brackets or steps to the right go deeper than any real head does, which the parser might not survive.
    private static func isDeep(_ text: String) -> Bool {
        var depth = 0
        for line in text.utf8.split(separator: 0x0A) {
            let indent = line.prefix {
                $0 == 0x20 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "?")
            }
            if indent.count > 200 { return true }
            for byte in line {
                if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
                if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                    depth = max(0, depth - 1)
                }
            }
            if depth > 100 { return true }
        }
        return false
    }
}
