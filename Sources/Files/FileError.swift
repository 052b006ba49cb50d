#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What went wrong with a file of the outside world: which file, where in it, what, and what to do about it.
public struct FileError: Error, Equatable, CustomStringConvertible {
    /// The file or folder.
    public var path: String
    /// The 1-based line, where the file has lines and one is to blame.
    public var line: Int?
    /// What was expected and what was found.
    public var problem: String
    /// What the user can do; empty when the problem says it all.
    public var remedy: String

    /// Describes a problem with the file at `path`.
    public init(path: String, line: Int? = nil, problem: String, remedy: String = "") {
        self.path = path
        self.line = line
        self.problem = problem
        self.remedy = remedy
    }

    /// A failed system call on `path`, with the text of `code` (an `errno`).
    public init(path: String, action: String, code: CInt, remedy: String = "") {
        let text = unsafe String(cString: strerror(code))
        let hint: String
        switch code {
        case ENOENT: hint = "check the path"
        case EACCES, EPERM, EROFS:
            hint = "choose a place that you may write to, or change its permissions"
        case ENOSPC, EDQUOT:
            hint = "free some space or choose another disk; what was there before is unchanged"
        default: hint = ""
        }
        self.init(
            path: path, problem: "cannot \(action): \(text)", remedy: remedy.isEmpty ? hint : remedy
        )
    }

    /// One line: `path:line: problem; remedy`.
    public var description: String {
        var text = path
        if let line { text += ":\(line)" }
        text += ": \(problem)"
        if !remedy.isEmpty { text += "; \(remedy)" }
        return text
    }
}
