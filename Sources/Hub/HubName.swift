/// The name of a repository on the hub with a revision, as in `moka-ai/m3e-small` or `owner/name@v1.0`.
public struct HubName: Hashable, Sendable, CustomStringConvertible {
    /// The user or organisation; `nil` for the few repositories without one (`bert-base-uncased`).
    public let owner: String?
    /// The repository.
    public let name: String
    /// A branch, a tag, a commit, or a reference as `refs/pr/1`.
    public let revision: String

    /// The revision that a name without one means.
    public static let defaultRevision = "main"

    /// The name without the revision: `owner/name`.
    public var identifier: String { owner.map { "\($0)/\(name)" } ?? name }

    /// The name as it can be parsed again; the default revision is left out.
    public var description: String {
        revision == HubName.defaultRevision ? identifier : "\(identifier)@\(revision)"
    }

    /// The same repository at another revision.
    ///
    /// Throws a ``HubError`` where `revision` cannot be the name of one.
    public func at(_ revision: String) throws(HubError) -> HubName {
        try HubName.check(revision: revision, of: identifier)
        return HubName(owner: owner, name: name, revision: revision)
    }

    private init(owner: String?, name: String, revision: String) {
        self.owner = owner
        self.name = name
        self.revision = revision
    }

    /// Reads `owner/name`, `owner/name@revision` or `name`.
    ///
    /// The rule is the hub's: at most 96 ASCII letters, digits, `-`, `_` and `.`; neither part begins or ends with `-` or
    /// `.`; no `--`, no `..`, no `.git` at the end. Whether a folder of that name exists is for the caller to look up
    /// first; what looks like a path is told so. Throws a ``HubError``.
    public static func parse(_ text: String) throws(HubError) -> HubName {
        let shown = text.isEmpty ? "\"\"" : oneLine(text)
        let (identifier, revision) = split(text, at: UInt8(ascii: "@"))
        let bytes = Array(identifier.utf8)
        let form = "a name on the hub is owner/name or owner/name@revision"
        if bytes.first == UInt8(ascii: "/") || bytes.first == UInt8(ascii: "~")
            || bytes.starts(with: "./".utf8) || bytes.starts(with: "../".utf8) || identifier == "."
            || identifier == ".." || bytes.contains(UInt8(ascii: "\\"))
        {
            throw HubError(
                .invalidName, shown, problem: "looks like a path, and there is no such folder",
                remedy: "check the path; \(form)")
        }
        if let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            bytes[colon...].starts(with: "://".utf8)
        {
            throw HubError(
                .invalidName, shown, problem: "an address, not a name",
                remedy: "\(form); another hub is named by HF_ENDPOINT")
        }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw HubError(
                .invalidName, shown, problem: "neither a folder nor a name on the hub", remedy: form
            )
        }
        if let problem = problem(with: bytes, parts: parts.map(Array.init)) {
            throw HubError(
                .invalidName, shown,
                problem: "neither a folder nor a name on the hub (\(problem))", remedy: form)
        }
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        if let revision { try check(revision: revision, of: identifier) }
        return HubName(
            owner: words.count == 2 ? words[0] : nil, name: words[words.count - 1],
            revision: revision ?? defaultRevision)
    }

    private static func problem(with bytes: [UInt8], parts: [[UInt8]]) -> String? {
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        if bytes.count > 96 { return "\(bytes.count) characters; at most 96" }
        for part in parts {
            guard let first = part.first, let last = part.last else { return "an empty part" }
            guard part.allSatisfy(isWord) else {
                return "only ASCII letters, digits, - _ . are allowed"
            }
            for end in [first, last] where end == UInt8(ascii: "-") || end == UInt8(ascii: ".") {
                return "no part begins or ends with - or ."
            }
            for (a, b) in zip(part, part.dropFirst())
            where a == b && (a == UInt8(ascii: "-") || a == UInt8(ascii: ".")) {
                return "no -- and no .."
            }
        }
        if bytes.suffix(4).elementsEqual(".git".utf8) { return ".git at the end" }
        return nil
    }

    private static func check(revision: String, of identifier: String) throws(HubError) {
        let bytes = Array(revision.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isFine =
            bytes.count <= 200
            && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"~^:?*[]\\\"'".utf8.contains($0) }
            && parts.allSatisfy {
                !$0.isEmpty && $0.first != UInt8(ascii: ".") && $0.last != UInt8(ascii: ".")
                    && $0.first != UInt8(ascii: "-")
            }
            && !zip(bytes, bytes.dropFirst()).contains {
                $0 == UInt8(ascii: ".") && $1 == UInt8(ascii: ".")
            }
        guard isFine else {
            throw HubError(
                .invalidName, "\(identifier)@\(oneLine(revision))",
                problem: "not the name of a revision",
                remedy: "give a branch, a tag or a commit after @")
        }
    }

    /// Whether the revision is a full commit, which never changes.
    var isCommit: Bool { isCommitHash(revision) }

    /// Cuts `text` at the first `mark`.
    static func split(_ text: String, at mark: UInt8) -> (before: String, after: String?) {
        guard let index = text.utf8.firstIndex(of: mark) else { return (text, nil) }
        return (String(text[..<index]), String(text[text.utf8.index(after: index)...]))
    }
}

/// The name of a data set with one of its configurations, as in `shibing624/nli_zh:STS-B@main`.
public struct HubDatasetName: Hashable, Sendable, CustomStringConvertible {
    /// The repository.
    public let repository: HubName
    /// The configuration; `nil` for the default one.
    public let configuration: String?

    /// Names a configuration of a repository.
    public init(repository: HubName, configuration: String?) {
        self.repository = repository
        self.configuration = configuration
    }

    /// Reads `owner/name`, `owner/name:configuration`, each with `@revision` or without.
    ///
    /// Throws a ``HubError``.
    public static func parse(_ text: String) throws(HubError) -> HubDatasetName {
        let (front, revision) = HubName.split(text, at: UInt8(ascii: "@"))
        let (identifier, configuration) = HubName.split(front, at: UInt8(ascii: ":"))
        if let configuration, configuration.utf8.starts(with: "//".utf8) {
            _ = try HubName.parse(text)
        }
        guard configuration?.isEmpty != true else {
            throw HubError(
                .invalidName, oneLine(text), problem: "no configuration after the colon",
                remedy: "write owner/name:configuration, or owner/name for the default one")
        }
        let repository = try HubName.parse(identifier + (revision.map { "@\($0)" } ?? ""))
        return HubDatasetName(repository: repository, configuration: configuration)
    }

    /// The name as it can be parsed again.
    public var description: String {
        guard let configuration else { return repository.description }
        let (identifier, revision) = HubName.split(repository.description, at: UInt8(ascii: "@"))
        return "\(identifier):\(configuration)" + (revision.map { "@\($0)" } ?? "")
    }
}

/// What a repository holds.
public enum HubRepositoryKind: String, Sendable, Hashable {
    /// A model.
    case model
    /// A data set.
    case dataset

    /// The first part of its folder in the cache.
    var folderPrefix: String { self == .model ? "models" : "datasets" }
    /// What stands before its name in addresses of files.
    var pathPrefix: String { self == .model ? "" : "datasets/" }
    /// What it is called in messages.
    var noun: String { self == .model ? "model" : "data set" }
}

/// Whether `text` is a full commit hash in lower case.
func isCommitHash(_ text: String) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64) && isLowerHex(text)
}

/// Whether `text` has hexadecimal digits in lower case only.
func isLowerHex(_ text: String) -> Bool {
    text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
}
