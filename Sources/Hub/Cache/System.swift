internal import Files

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Seconds since 1970.
func epochSeconds() -> Int { time(nil) }

/// The few calls to the system that the cache needs beyond `Files`.
enum System {
    /// Renames `source` to `target`, in one step, over what is there.
    static func move(_ source: String, to target: String) throws(FileError) {
        guard unsafe rename(source, target) == 0 else {
            throw FileError(path: target, action: "rename the finished file", code: errno)
        }
    }

    /// Makes a symbolic link at `path` that holds `target`; false where the file system has none.
    static func link(_ path: String, to target: String) throws(FileError) -> Bool {
        if unsafe symlink(target, path) == 0 { return true }
        switch errno {
        case EPERM, ENOSYS, EOPNOTSUPP, EINVAL: return false
        default: throw FileError(path: path, action: "make a link", code: errno)
        }
    }

    /// Whether `path` is a regular file, after links, and how large it is.
    static func fileSize(_ path: String) -> Int? {
        var info = stat()
        guard unsafe stat(path, &info) == 0, (info.st_mode & S_IFMT) == S_IFREG else { return nil }
        return Int(info.st_size)
    }

    /// The bytes that this user may still write on the disk of `path`; `nil` where the system does not say.
    static func freeSpace(_ path: String) -> Int? {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0 else { return nil }
        let (product, overflow) = UInt64(info.f_bavail).multipliedReportingOverflow(
            by: UInt64(info.f_frsize))
        return overflow ? nil : Int(clamping: product)
    }

    /// A name that no other file has: for temporary files beside their final place.
    static func uniqueSuffix() -> String { String(UInt64.random(in: .min ... .max), radix: 16) }
}

/// A lock that one process or thread holds at a time: `flock` on a file that stays, as Python's `filelock` does it.
final class FileLock {
    private let descriptor: CInt

    private init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Tries to take the lock at `path`.
    static func take(_ path: String) throws(FileError) -> Outcome {
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

    enum Outcome {
        case held(FileLock)
        case busy
        case unsupported
    }

    deinit { close(descriptor) }
}

/// A file that grows at its end, and may be there from an earlier time.
final class PartialFile {
    let path: String
    private let descriptor: CInt
    /// Bytes in the file.
    private(set) var size: Int

    /// Opens the file at `path`, or makes it.
    init(path: String) throws(FileError) {
        self.path = path
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, action: "create", code: errno) }
        var info = stat()
        let ok = unsafe fstat(descriptor, &info) == 0 && (info.st_mode & S_IFMT) == S_IFREG
        size = ok ? Int(info.st_size) : 0
        if !ok { throw FileError(path: path, problem: "not a regular file") }
    }

    deinit { close(descriptor) }

    /// Cuts the file to nothing.
    func clear() throws(FileError) {
        guard ftruncate(descriptor, 0) == 0 else {
            throw FileError(path: path, action: "empty", code: errno)
        }
        size = 0
    }

    /// Writes `bytes` at the end.
    func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let step = unsafe pwrite(
                descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written,
                off_t(size))
            if step < 0 {
                if errno == EINTR { continue }
                throw FileError(path: path, action: "write", code: errno)
            }
            written += step
            size += step
        }
    }

    /// Brings the bytes to disk.
    func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else {
            throw FileError(path: path, action: "bring to disk", code: errno)
        }
    }
}
