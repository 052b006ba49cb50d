public import Files

/// Why something could not be had from the hub or its cache: what, where, and what to do about it.
public struct HubError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure that a program may want to tell apart.
    public enum Kind: String, Sendable {
        /// A text that is no name of a repository, file or revision.
        case invalidName
        /// A variable of the environment that cannot be understood.
        case environment
        /// No such repository, or one that the token may not see.
        case repositoryNotFound
        /// The repository has no such branch, tag or commit.
        case revisionNotFound
        /// The repository has no such file.
        case fileNotFound
        /// A repository whose licence must be accepted first.
        case gated
        /// The hub does not take the token.
        case unauthorized
        /// The hub knows who asks and refuses.
        case forbidden
        /// Not in the cache, and the network must not be used.
        case offline
        /// The network, the proxy or the hub's address cannot be reached.
        case unreachable
        /// The hub asks for fewer requests.
        case rateLimited
        /// The hub says that it failed.
        case server
        /// An answer that is not the hub's, or that would do harm.
        case untrusted
        /// Bytes that are not those that the hub announced.
        case corrupt
        /// The cache cannot be read or written.
        case storage
        /// The data set has no such configuration or split.
        case configuration
        /// The repository holds nothing in a format that can be read.
        case format
        /// The task was cancelled.
        case cancelled
    }

    /// The kind of failure.
    public var kind: Kind
    /// The repository, file, address or variable.
    public var place: String
    /// What was expected and what was found.
    public var problem: String
    /// What the user can do; empty when the problem says it all.
    public var remedy: String
    /// How long the hub asked to wait.
    var retryAfter: Duration?
    /// Whether no connection came about at all, as without a network: then patience is of less use.
    var isWithoutConnection = false

    /// Describes a failure.
    public init(_ kind: Kind, _ place: String, problem: String, remedy: String = "") {
        self.kind = kind
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    /// A failure of a file in the cache.
    public init(_ error: FileError) {
        self.init(.storage, error.path, problem: error.problem, remedy: error.remedy)
    }

    /// One line: `place: problem; remedy`.
    public var description: String {
        remedy.isEmpty ? "\(place): \(problem)" : "\(place): \(problem); \(remedy)"
    }

    /// Whether trying again may help.
    var isTransient: Bool {
        switch kind {
        case .unreachable, .rateLimited, .server: true
        default: false
        }
    }

    /// Whether a copy in the cache may stand in, as in Python's client: the hub does not answer, or does not show the
    /// repository any more.
    var allowsCachedCopy: Bool {
        switch kind {
        case .unreachable, .rateLimited, .server, .repositoryNotFound, .gated, .unauthorized,
            .forbidden:
            true
        default: false
        }
    }
}

/// Calls `body`, whose file errors become hub errors.
func withFiles<Result>(_ body: () throws(FileError) -> Result) throws(HubError) -> Result {
    do throws(FileError) { return try body() } catch { throw HubError(error) }
}

/// `text` of a server on one line of at most `limit` scalars, fit for a message.
func oneLine(_ text: String, limit: Int = 200) -> String {
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit { return line + "..." }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
            line.unicodeScalars.append(" ")
        default: line.unicodeScalars.append(scalar)
        }
        count += 1
    }
    return line
}
