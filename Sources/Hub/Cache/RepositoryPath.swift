/// Names of files in a repository, which come from outside and become paths in the cache.
enum RepositoryPath {
    /// What a name may do.
    enum Verdict: Equatable {
        case fine
        /// A real hub may have it, but it cannot be kept under this name.
        case unusable(String)
        /// No repository can have it: it would leave the folder.
        case hostile(String)
    }

    /// Judges the name of a file, parts separated by `/`.
    static func verdict(_ path: String) -> Verdict {
        let bytes = Array(path.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if bytes.contains(0) { return .hostile("a NUL byte") }
        if bytes.first == UInt8(ascii: "/") { return .hostile("an absolute path") }
        let words = bytes.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        if words.contains(where: { $0.elementsEqual("..".utf8) }) {
            return .hostile("a part that is ..")
        }
        if parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) {
            return .hostile("an empty part, or one that is .")
        }
        if bytes.contains(UInt8(ascii: "\\")) { return .unusable("a backslash") }
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            return .unusable("a control character")
        }
        if bytes.count > 1024 || parts.contains(where: { $0.count > 255 }) {
            return .unusable("too long a name")
        }
        return .fine
    }

    /// The last part of `path`.
    static func name(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The folders above the last part, without a slash at the end; empty at the top.
    static func folder(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }
}

/// A file of a repository, as the hub lists it.
struct RepositoryFile: Equatable, Sendable {
    var path: String
    /// The size in bytes; `nil` where the listing does not say.
    var size: Int?
    /// The SHA-1 of the git blob.
    var blob: String?
    /// The SHA-256 of a large file.
    var sha256: String?
}

/// What a repository holds at one commit.
struct RepositoryListing: Sendable {
    var commit: String
    var files: [RepositoryFile]
    /// Names that were left out because no file can have them here.
    var unusable: [String] = []

    /// The names of the files.
    var paths: [String] { files.map(\.path) }
}
