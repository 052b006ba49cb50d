/// What happens while something is fetched, for a line on the screen.
public enum HubEvent: Sendable, Equatable {
    /// Bytes arrived.
    case progress(HubProgress)
    /// Something the user should know; the work goes on. One line.
    case warning(String)
    /// The work pauses: another process has the file, the hub asked to wait, or a request is tried again. One line.
    case waiting(String)
}

/// How far a fetch is.
public struct HubProgress: Sendable, Equatable {
    /// The repository, as in `moka-ai/m3e-small`.
    public var repository: String
    /// The file that the bytes belong to, as named in the repository.
    public var file: String
    /// The bytes of the file that are here.
    public var fileBytes: Int
    /// The size of the file; `nil` where the hub does not say.
    public var fileSize: Int?
    /// The bytes of all files to fetch that are here.
    public var bytes: Int
    /// The size of all files to fetch; `nil` until it is known.
    public var size: Int?
}
