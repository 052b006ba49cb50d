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
