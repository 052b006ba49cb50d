#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that grows at its end, and may be there from an earlier time.
public final class AppendingFile {
    /// Where it is.
    public let path: String
    private let descriptor: CInt
    /// Bytes in the file.
    public private(set) var size: Int

    /// Opens the file at `path`, or makes it. Throws a ``FileError`` where that fails.
    public init(path: String) throws(FileError) {
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
    public func clear() throws(FileError) {
        guard ftruncate(descriptor, 0) == 0 else {
            throw FileError(path: path, action: "empty", code: errno)
        }
        size = 0
    }

    /// Writes `bytes` at the end.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
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

    /// Writes `text` at the end, as UTF-8.
    public func append(_ text: String) throws(FileError) {
        let bytes = Array(text.utf8)
        var failure: FileError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(FileError) { try unsafe append(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Brings the bytes to disk.
    public func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else {
            throw FileError(path: path, action: "bring to disk", code: errno)
        }
    }
}
