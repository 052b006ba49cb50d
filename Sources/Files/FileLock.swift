#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A lock that one process or thread holds at a time: `flock` on a file that stays, as Python's `filelock` does it.
public final class FileLock: Sendable {
    private let descriptor: CInt

    private init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Tries to take the lock at `path`, which it holds until the object goes.
    ///
    /// Throws a ``FileError`` where the file cannot be made.
    public static func take(_ path: String) throws(FileError) -> Outcome {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else {
            throw FileError(path: path, action: "open the lock", code: errno)
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            close(descriptor)
            switch code {
            case EWOULDBLOCK, EACCES, EINTR: return .busy
            case ENOSYS, EOPNOTSUPP, ENOLCK, EINVAL: return .unsupported
            default: throw FileError(path: path, action: "lock", code: code)
            }
        }
        // Someone may have removed the file between opening and locking: then the lock is no one else's.
        var held = stat()
        var current = stat()
        let isThere = unsafe fstat(descriptor, &held) == 0 && stat(path, &current) == 0
        if !isThere || held.st_ino != current.st_ino || held.st_dev != current.st_dev {
            close(descriptor)
            return .busy
        }
        return .held(FileLock(descriptor))
    }

    /// What came of the attempt.
    public enum Outcome {
        /// The lock is held.
        case held(FileLock)
        /// Someone else holds it.
        case busy
        /// The file system has no locks.
        case unsupported
    }

    deinit { close(descriptor) }
}
