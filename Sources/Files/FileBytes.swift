#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whole files and folders: reading, and writing so that a crash at any moment leaves the old or the new content.
public enum FileBytes {
    /// The content of the file at `path`, decompressed where it is gzip.
    public static func read(_ path: String) throws(FileError) -> [UInt8] {
        let stream = try ByteStream(path: path, pieceSize: 1 << 20)
        var bytes: [UInt8] = []
        while true {
            let piece = try stream.next()
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// The content of the UTF-8 text file at `path`.
    public static func readText(_ path: String) throws(FileError) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw FileError(
                path: path, problem: "not valid UTF-8", remedy: "convert the file to UTF-8")
        }
        return text
    }

    /// Whether something exists at `path`.
    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Whether `path` is a folder.
    public static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return unsafe stat(path, &info) == 0 && (info.st_mode & S_IFMT) == S_IFDIR
    }

    /// The size of the file at `path`, in bytes.
    public static func size(_ path: String) throws(FileError) -> Int {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else {
            throw FileError(path: path, action: "find the file", code: errno)
        }
        return Int(info.st_size)
    }

    /// The names in the folder at `path`, sorted.
    public static func names(in path: String) throws(FileError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            throw FileError(path: path, action: "open the folder", code: errno)
        }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes the folder at `path` and those above it.
    public static func makeFolder(_ path: String) throws(FileError) {
        if path.isEmpty || isFolder(path) { return }
        if let parent = parent(of: path) { try makeFolder(parent) }
        if unsafe mkdir(path, 0o777) != 0 && !(errno == EEXIST && isFolder(path)) {
            throw FileError(path: path, action: "make the folder", code: errno)
        }
    }

    /// Removes the file or folder at `path` with all it holds; nothing happens where there is none.
    public static func remove(_ path: String) throws(FileError) {
        var info = stat()
        guard unsafe lstat(path, &info) == 0 else { return }
        if (info.st_mode & S_IFMT) == S_IFDIR {
            for name in try names(in: path) { try remove(path + "/" + name) }
            guard unsafe rmdir(path) == 0 else {
                throw FileError(path: path, action: "remove the folder", code: errno)
            }
        } else if unsafe unlink(path) != 0 {
            throw FileError(path: path, action: "remove", code: errno)
        }
    }

    /// Renames `path` to `target` in one step; a file that is there is replaced.
    public static func move(_ path: String, to target: String) throws(FileError) {
        guard unsafe rename(path, target) == 0 else {
            throw FileError(path: path, action: "rename to \(target)", code: errno)
        }
    }

    /// Writes `bytes` to `path`: to a temporary sibling, fsync, rename, fsync of the folder.
    public static func writeAtomically(_ bytes: [UInt8], to path: String) throws(FileError) {
        let temporary = path + ".partial-\(getpid())"
        do throws(FileError) {
            let file = try FileWriter(path: temporary)
            try file.write(bytes)
            try file.close()
            guard unsafe rename(temporary, path) == 0 else {
                throw FileError(path: path, action: "rename the finished file", code: errno)
            }
        } catch {
            unsafe _ = unlink(temporary)
            var error = error
            if error.path == temporary { error.path = path }
            throw error
        }
        try synchronize(folder: parent(of: path) ?? ".")
    }

    /// Writes `text` to `path` as UTF-8, atomically.
    public static func writeAtomically(_ text: String, to path: String) throws(FileError) {
        try writeAtomically(Array(text.utf8), to: path)
    }

    /// Builds a folder aside and puts it in the place of `path` only when `build` has finished.
    ///
    /// `build` gets the temporary folder; every file in it is brought to disk before the switch. An older folder at
    /// `path` is kept until then, and stays where `build` throws.
    public static func replaceFolder(_ path: String, build: (String) throws -> Void) throws {
        let clean = String(withoutFinalSlashes(path))
        guard !exists(clean) || isFolder(clean) else {
            throw FileError(
                path: clean, problem: "a file stands where a folder should be written",
                remedy: "choose another place, or move the file away")
        }
        if let parent = parent(of: clean) { try makeFolder(parent) }
        let temporary = clean + ".partial-\(getpid())"
        let old = clean + ".old-\(getpid())"
        try remove(temporary)
        do {
            try makeFolder(temporary)
            try build(temporary)
            try synchronizeTree(temporary)
            if !exists(clean) || !exchange(temporary, clean) {
                if exists(clean) {
                    guard unsafe rename(clean, old) == 0 else {
                        throw FileError(
                            path: clean, action: "move the older folder aside", code: errno)
                    }
                }
                guard unsafe rename(temporary, clean) == 0 else {
                    let code = errno
                    _ = unsafe rename(old, clean)
                    throw FileError(path: clean, action: "rename the finished folder", code: code)
                }
            }
        } catch {
            try? remove(temporary)
            throw error
        }
        try synchronize(folder: parent(of: clean) ?? ".")
        // What was there before has one of these names now.
        try remove(temporary)
        try remove(old)
    }

    /// Lets two paths change places in one step, so that at no moment one is missing; false where the system or the
    /// file system cannot do that.
    private static func exchange(_ a: String, _ b: String) -> Bool {
        #if canImport(Glibc)
            // Not in the headers that Swift sees; RENAME_EXCHANGE is 2.
            guard let symbol = unsafe dlsym(nil, "renameat2") else { return false }
            typealias Function =
                @convention(c) (
                    CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt
                )
                -> CInt
            let renameat2 = unsafe unsafeBitCast(symbol, to: Function.self)
            return unsafe renameat2(AT_FDCWD, a, AT_FDCWD, b, 2) == 0
        #elseif canImport(Darwin)
            return unsafe renamex_np(a, b, UInt32(RENAME_SWAP)) == 0
        #else
            return false
        #endif
    }

    /// The folder that holds `path`; `nil` for a bare name.
    public static func parent(of path: String) -> String? {
        let trimmed = withoutFinalSlashes(path)
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return slash == trimmed.startIndex
            ? "/" : String(withoutFinalSlashes(trimmed[..<slash]))
    }

    /// The last part of `path`.
    public static func name(of path: String) -> String {
        let trimmed = withoutFinalSlashes(path)
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return String(trimmed)
        }
        return String(trimmed[trimmed.utf8.index(after: slash)...])
    }

    /// `path` without slashes at its end, but for the one of the root.
    private static func withoutFinalSlashes(_ path: some StringProtocol) -> Substring {
        // Bytes: a slash and a combining mark after it are one Character.
        var path = Substring(path)
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") {
            path = path[..<path.utf8.index(before: path.endIndex)]
        }
        return path
    }

    /// `path` as an absolute path without symbolic links, where it exists; else as it is.
    public static func absolute(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Brings the entries of a folder to disk, so that a rename in it survives a power loss.
    public static func synchronize(folder: String) throws(FileError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FileError(path: folder, action: "open the folder", code: errno)
        }
        defer { close(descriptor) }
        // Some file systems cannot fsync a folder and say EINVAL; there is nothing more to do there.
        if fsync(descriptor) != 0 && errno != EINVAL {
            throw FileError(path: folder, action: "bring the folder to disk", code: errno)
        }
    }

    /// Brings a folder to disk with all that it holds.
    private static func synchronizeTree(_ path: String) throws(FileError) {
        for name in try names(in: path) {
            let place = path + "/" + name
            if isFolder(place) { try synchronizeTree(place) } else { try synchronize(file: place) }
        }
        try synchronize(folder: path)
    }

    private static func synchronize(file: String) throws(FileError) {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: file, action: "open", code: errno) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 {
            throw FileError(path: file, action: "bring to disk", code: errno)
        }
    }

    /// Writes `bytes` to a new file in a folder that ``replaceFolder(_:build:)`` builds, which brings it to disk.
    package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let file = try FileWriter(path: path, waits: false)
        try file.write(bytes)
        try file.close()
    }
}

/// A file mapped into memory, read-only.
@safe public final class MappedFile: @unchecked Sendable {
    /// The file.
    public let path: String
    /// Its size in bytes.
    public let count: Int
    private let base: UnsafeMutableRawPointer?

    /// Maps the file at `path`. The file must not be cut short while it is mapped.
    public init(path: String) throws(FileError) {
        self.path = path
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open", code: errno) }
        defer { close(descriptor) }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw FileError(path: path, action: "read", code: errno)
        }
        guard (info.st_mode & S_IFMT) == S_IFREG else {
            throw FileError(path: path, problem: "not a regular file")
        }
        count = Int(info.st_size)
        if count == 0 {
            unsafe base = nil
        } else {
            let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
            guard unsafe address != MAP_FAILED else {
                throw FileError(path: path, action: "map", code: errno)
            }
            unsafe base = address
        }
    }

    deinit { if let base = unsafe base { unsafe _ = munmap(base, count) } }

    /// Calls `body` with the bytes of the file.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let base = unsafe base else { return try body(RawSpan()) }
        return try body(unsafe RawSpan(_unsafeStart: base, byteCount: count))
    }

    /// Lets the system take back the memory of the bytes in `range`, which are read from the file again where they are
    /// asked for once more. Traps outside the file.
    public func forget(_ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count)")
        guard let base = unsafe base else { return }
        // Whole pages only; those at the ends may be others' too.
        let page = Int(sysconf(CInt(_SC_PAGESIZE)))
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        if start < end { unsafe _ = madvise(base + start, end - start, MADV_DONTNEED) }
    }

    /// A copy of the bytes in `range`. Traps outside the file.
    public func bytes(in range: Range<Int>) -> [UInt8] {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count)")
        return withBytes { bytes in
            let piece = bytes.extracting(range)
            return unsafe piece.withUnsafeBytes { unsafe [UInt8]($0) }
        }
    }
}
