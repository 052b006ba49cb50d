#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes one new file from front to back; ``close()`` brings it to disk.
@safe public final class FileWriter {
    /// The file being written.
    public let path: String
    private var descriptor: CInt
    private let waits: Bool
    /// What waits to be written past the system's cache; `nil` where all goes through it.
    private var staging: UnsafeMutableRawBufferPointer?
    /// How many bytes wait there.
    private var staged = 0

    /// Makes the file at `path`, emptying one that exists.
    public convenience init(path: String) throws(FileError) {
        try self.init(path: path, waits: true)
    }

    /// The same; unless ``close()`` `waits` for the disk, someone else has to: ``FileBytes/replaceFolder(_:build:)``
    /// waits for all files of a folder at once, which takes about as long as for one.
    ///
    /// - Parameter bypassesCache: whether the bytes go to the disk past the system's cache where the file system can
    ///   do that: right for much that nobody is about to read. 91 MB take 18 ms of a core so and 33 through the cache,
    ///   and no memory, which a hypervisor may give at a tenth of the usual rate (285 ms and more).
    package init(path: String, waits: Bool, bypassesCache: Bool = false) throws(FileError) {
        self.path = path
        self.waits = waits
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        descriptor = -1
        if bypassesCache, let pastCache {
            descriptor = unsafe open(path, flags | pastCache, 0o666)
            if descriptor >= 0 {
                // Disks take whole pages from whole pages.
                unsafe staging = .allocate(byteCount: 1 << 20, alignment: 1 << 12)
            }
        }
        // Not all file systems open a file so.
        if descriptor < 0 { descriptor = unsafe open(path, flags, 0o666) }
        guard descriptor >= 0 else { throw FileError(path: path, action: "create", code: errno) }
    }

    deinit {
        if descriptor >= 0 { _ = close_(descriptor) }
        unsafe staging?.deallocate()
    }

    /// Appends `bytes`.
    public func write(_ bytes: [UInt8]) throws(FileError) { try unsafe write(bytes.span.bytes) }

    /// Appends the bytes of `span`.
    public func write(_ span: RawSpan) throws(FileError) {
        guard let staging = unsafe staging else { return try put(span) }
        var rest = span
        while !rest.isEmpty {
            let count = min(rest.byteCount, staging.count - staged)
            unsafe rest.extracting(first: count).withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: staging[staged...]).copyMemory(
                    from: $0)
            }
            staged += count
            rest = rest.extracting(droppingFirst: count)
            if staged == staging.count { try putStaged() }
        }
    }

    private func putStaged() throws(FileError) {
        guard let staging = unsafe staging else { return }
        try put(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: staging[..<staged])))
        staged = 0
    }

    private func put(_ span: RawSpan) throws(FileError) {
        var failure: CInt = 0
        unsafe span.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let step = unsafe posixWrite(
                    descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if step >= 0 {
                    written += step
                } else if errno != EINTR {
                    failure = errno
                    // The disk asks for larger pages, or took a part of one.
                    guard failure == EINVAL, goThroughCache() else { return }
                    failure = 0
                }
            }
        }
        if failure != 0 { throw FileError(path: path, action: "write", code: failure) }
    }

    /// Lets the rest of the file go through the cache; false where it does already.
    private func goThroughCache() -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        guard let pastCache, flags >= 0, flags & pastCache != 0 else { return false }
        return fcntl(descriptor, F_SETFL, flags & ~pastCache) == 0
    }

    /// Brings the file to disk and closes it.
    public func close() throws(FileError) {
        guard descriptor >= 0 else { return }
        if staged > 0 {
            // Seldom whole pages.
            _ = goThroughCache()
            try putStaged()
        }
        if !waits { beginToSynchronize(descriptor) }
        let ok = !waits || fsync(descriptor) == 0
        let code = errno
        let closed = close_(descriptor) == 0
        descriptor = -1
        if !ok { throw FileError(path: path, action: "bring to disk", code: code) }
        if !closed { throw FileError(path: path, action: "close", code: errno) }
    }
}

/// Linux's `O_DIRECT`, which is not in the headers that Swift sees, and differs by processor.
private let pastCache: CInt? = {
    #if os(Linux) && arch(x86_64)
        0x4000
    #elseif os(Linux) && arch(arm64)
        0x10000
    #else
        nil
    #endif
}()

/// Tells the system to begin to write the open file to disk, where it has a way to be told.
private func beginToSynchronize(_ descriptor: CInt) {
    #if os(Linux)
        // As `renameat2`; SYNC_FILE_RANGE_WRITE is 2.
        guard let symbol = unsafe dlsym(nil, "sync_file_range") else { return }
        typealias Function = @convention(c) (CInt, off_t, off_t, CUnsignedInt) -> CInt
        let begin = unsafe unsafeBitCast(symbol, to: Function.self)
        _ = begin(descriptor, 0, 0, 2)
    #endif
}

private func close_(_ descriptor: CInt) -> CInt { close(descriptor) }
private func posixWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
