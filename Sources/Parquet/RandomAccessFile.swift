import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file, or bytes in memory, read at any place.
///
/// A file is not mapped: pages of a mapped file count as memory of the process.
final class RandomAccessFile {
    let path: String
    let count: Int
    private let descriptor: CInt
    private let memory: [UInt8]

    /// Opens the regular file at `path`.
    init(path: String) throws(FileError) {
        self.path = path
        memory = []
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open", code: errno) }
        var info = stat()
        let status = unsafe fstat(descriptor, &info)
        let code = errno
        // All stored properties have values: where an error is thrown, `deinit` closes.
        count = status == 0 ? Int(info.st_size) : 0
        guard status == 0 else { throw FileError(path: path, action: "read", code: code) }
        guard (info.st_mode & S_IFMT) == S_IFREG else {
            throw FileError(
                path: path, problem: "not a regular file",
                remedy: "a Parquet file is read from its end; copy the data to a file")
        }
    }

    /// Reads `bytes` as if they were the file `name`.
    init(bytes: [UInt8], name: String) {
        path = name
        memory = bytes
        count = bytes.count
        descriptor = -1
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Reads `range`, which must lie within the file, to the bytes of `buffer` from `offset` on.
    ///
    /// Traps where `buffer` is too small. Throws a `FileError` for a read error, and where the file became shorter.
    func read(
        _ range: Range<Int>, into buffer: inout [UInt8], at offset: Int = 0
    ) throws(FileError) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count && offset >= 0
                && offset + range.count <= buffer.count,
            "bytes \(range) of \(count), to \(offset) of \(buffer.count)")
        if descriptor < 0 {
            buffer.replaceSubrange(offset..<offset + range.count, with: memory[range])
            return
        }
        var failure: CInt = 0
        var done = 0
        unsafe buffer.withUnsafeMutableBytes { target in
            while done < range.count {
                let got = unsafe pread(
                    descriptor, target.baseAddress?.advanced(by: offset + done),
                    range.count - done, off_t(range.lowerBound + done))
                if got < 0 {
                    if errno == EINTR { continue }
                    failure = errno
                    return
                }
                if got == 0 { return }
                done += got
            }
        }
        if failure != 0 { throw FileError(path: path, action: "read", code: failure) }
        if done < range.count {
            throw FileError(
                path: path,
                problem: "the file became shorter while it was read: \(count) bytes expected, "
                    + "found \(range.lowerBound + done)",
                remedy: "let nothing write to the file")
        }
    }
}

/// Reads a part of a file from front to back, in pieces where it pays.
struct ForwardReader {
    private let file: RandomAccessFile
    private let windowBytes: Int
    private let end: Int
    private var window: [UInt8] = []
    private var windowStart: Int
    /// Where in the file the next byte is read.
    private(set) var position: Int

    /// Reads from `start` to `end`, `windowBytes` at a time.
    init(_ file: RandomAccessFile, start: Int, end: Int, windowBytes: Int) {
        self.file = file
        self.end = end
        self.windowBytes = windowBytes
        windowStart = start
        position = start
    }

    /// The bytes left.
    var left: Int { end - position }

    /// The bytes from ``position`` on, at least `count` of them where there are as many; not passed over.
    mutating func peek(_ count: Int) throws(FileError) -> (bytes: [UInt8], range: Range<Int>) {
        let wanted = min(count, left)
        if position + wanted > windowStart + window.count {
            let size = min(max(wanted, windowBytes), left)
            // A large window is given back with the next small one.
            window = []
            window = [UInt8](repeating: 0, count: size)
            windowStart = position
            try file.read(position..<position + size, into: &window)
        }
        return (window, position - windowStart..<window.count)
    }

    /// Passes over `count` bytes. Traps where there are fewer.
    mutating func skip(_ count: Int) {
        precondition(count >= 0 && count <= left, "skip \(count) of \(left)")
        position += count
    }

    /// Reads `count` bytes to the front of `buffer`. Traps where there are fewer left, or `buffer` is smaller.
    mutating func read(_ count: Int, into buffer: inout [UInt8]) throws(FileError) {
        precondition(count >= 0 && count <= left, "read \(count) of \(left)")
        let inWindow = max(0, min(count, windowStart + window.count - position))
        if inWindow > 0 {
            let from = position - windowStart
            buffer.replaceSubrange(0..<inWindow, with: window[from..<from + inWindow])
        }
        if inWindow < count, count - inWindow < windowBytes / 2 {
            // Small pages: the window takes the next ones as well.
            position += inWindow
            let (bytes, range) = try peek(count - inWindow)
            let rest = range.prefix(count - inWindow)
            buffer.replaceSubrange(inWindow..<count, with: bytes[rest])
            position += rest.count
            return
        }
        try file.read(position + inWindow..<position + count, into: &buffer, at: inWindow)
        position += count
    }
}
