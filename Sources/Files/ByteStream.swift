import CZlib

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads a file from front to back in pieces, decompressing gzip on the way (recognised by its first bytes).
///
/// Memory stays bounded by the piece size however large the file is.
public final class ByteStream {
    /// The file being read.
    public let path: String
    private let descriptor: CInt
    private var raw: [UInt8] = []
    private var inflater: Inflater?
    private var atEnd = false
    private let pieceSize: Int

    /// Opens `path`; throws a ``FileError`` where that fails.
    ///
    /// - Parameter decompresses: whether gzip is recognised; else the bytes come as they are.
    public init(
        path: String, pieceSize: Int = 1 << 18, decompresses: Bool = true
    ) throws(FileError) {
        self.path = path
        self.pieceSize = pieceSize
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open", code: errno) }
        raw = try readRaw()
        if decompresses, raw.starts(with: [0x1F, 0x8B]) { inflater = Inflater() }
    }

    deinit { close(descriptor) }

    /// The next bytes, at least one; empty at the end of the file. Throws a ``FileError`` for a read error or
    /// damaged compression.
    public func next() throws(FileError) -> [UInt8] {
        guard let inflater else {
            if atEnd { return [] }
            let piece = raw
            raw = piece.isEmpty ? [] : try readRaw()
            if raw.isEmpty { atEnd = true }
            return piece
        }
        while true {
            if raw.isEmpty { raw = try readRaw() }
            if raw.isEmpty {
                if !inflater.isBetweenMembers {
                    throw FileError(
                        path: path, problem: "the gzip data ends too early",
                        remedy: "the file was cut short; fetch it again")
                }
                return []
            }
            guard let (output, used) = inflater.inflate(raw, limit: pieceSize) else {
                throw FileError(
                    path: path, problem: "damaged gzip data",
                    remedy: "fetch or compress the file again")
            }
            raw.removeFirst(used)
            if !output.isEmpty { return output }
        }
    }

    private func readRaw() throws(FileError) -> [UInt8] {
        var failure: CInt = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: pieceSize) { buffer, count in
            var got: Int
            repeat {
                got = unsafe read(descriptor, buffer.baseAddress, pieceSize)
            } while got < 0 && errno == EINTR
            if got < 0 { failure = errno }
            count = max(0, got)
        }
        if failure != 0 { throw FileError(path: path, action: "read", code: failure) }
        return piece
    }
}

/// zlib's inflate for gzip data of one or more members.
@safe private final class Inflater {
    private var stream = unsafe z_stream()
    private(set) var isBetweenMembers = true

    init() {
        // 15 + 16: the largest window, gzip framing.
        let status = unsafe inflateInit2_(
            &stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "inflateInit2 answered \(status)")
    }

    deinit { _ = unsafe inflateEnd(&stream) }

    /// Decompresses from the front of `input`; `nil` for damaged data. Zero padding after a member is skipped.
    func inflate(_ input: [UInt8], limit: Int) -> (output: [UInt8], used: Int)? {
        if isBetweenMembers {
            let padding = input.prefix { $0 == 0 }.count
            if padding > 0 { return ([], padding) }
        }
        var status: CInt = Z_OK
        var used = 0
        let output = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            unsafe input.withUnsafeBufferPointer { source in
                unsafe stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = buffer.baseAddress
                unsafe stream.avail_out = UInt32(limit)
                isBetweenMembers = false
                status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
                used = unsafe source.count - Int(stream.avail_in)
                count = unsafe limit - Int(stream.avail_out)
            }
        }
        switch status {
        case Z_OK, Z_BUF_ERROR: return (output, used)
        case Z_STREAM_END:
            isBetweenMembers = true
            _ = unsafe inflateReset(&stream)
            return (output, used)
        default: return nil
        }
    }
}

/// Cuts a stream of bytes into lines at `\n`.
///
/// A `\r` before it and a byte order mark at the start of the file are dropped; nothing else separates lines (not
/// U+2028, U+0085 or form feed, which text may contain).
public struct LineReader {
    private let stream: ByteStream
    private var piece: [UInt8] = []
    private var position = 0
    /// The 1-based number of the line returned last; 0 before the first.
    public private(set) var number = 0

    /// Reads the lines of the file at `path` (gzip or not).
    public init(path: String) throws(FileError) {
        stream = try ByteStream(path: path)
    }

    /// The next line without its ending; `nil` at the end of the file. The last line needs no ending.
    public mutating func next() throws(FileError) -> [UInt8]? {
        var line: [UInt8] = []
        var started = false
        while true {
            if position == piece.count {
                piece = try stream.next()
                position = 0
                if piece.isEmpty {
                    guard started else { return nil }
                    return finish(line)
                }
            }
            started = true
            if let end = piece[position...].firstIndex(of: 0x0A) {
                line += piece[position..<end]
                position = end + 1
                return finish(line)
            }
            line += piece[position...]
            position = piece.count
        }
    }

    private mutating func finish(_ line: [UInt8]) -> [UInt8] {
        number += 1
        var line = line
        if line.last == 0x0D { line.removeLast() }
        if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        return line
    }
}
