public import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output or standard error, unbuffered.
public enum StandardStream: CInt, Sendable {
    /// Results.
    case output = 1
    /// Progress and complaints.
    case error = 2

    private var name: String { self == .output ? "standard output" : "standard error" }

    /// Writes all of `text`; throws a ``FileError`` where the stream is closed or full.
    public func write(_ text: String) throws(FileError) {
        let bytes = Array(text.utf8)
        var failure: CInt = 0
        unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = unsafe posixWrite(rawValue, rest.baseAddress, rest.count)
                if count > 0 {
                    written += count
                } else if errno == EAGAIN {
                    // A pipe set to non-blocking by whoever made it: wait until it takes more.
                    var entry = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&entry, 1, 1000)
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        if failure != 0 { throw FileError(path: name, action: "write", code: failure) }
    }

    /// Writes `line` and a line feed; a failure is ignored, as there is nowhere left to report it.
    public func writeLine(_ line: String) { try? write(line + "\n") }

    /// Whether the stream shows in a terminal.
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The width of the terminal in columns; else the number in the environment variable `COLUMNS`; else 0.
    public var columns: Int {
        var size = winsize()
        if unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return StandardStream.environment("COLUMNS").flatMap { Int($0) }.map { max(0, $0) } ?? 0
    }

    /// Whether the locale's encoding is UTF-8 (`LC_ALL`, else `LC_CTYPE`, else `LANG`).
    public static var isUTF8: Bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let value = names.lazy.compactMap { environment($0) }.first { !$0.isEmpty } ?? ""
        let folded = value.lowercased()
        return folded.hasSuffix("utf-8") || folded.hasSuffix("utf8")
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

private func posixWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
