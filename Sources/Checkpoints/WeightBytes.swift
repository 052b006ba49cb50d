internal import Files

/// The bytes of a weight file, mapped or in memory, read with checked positions.
struct WeightBytes: Sendable {
    private enum Storage: Sendable {
        case mapped(MappedFile)
        case memory([UInt8])
    }

    /// What errors name.
    let path: String
    /// The size.
    let count: Int
    private let storage: Storage

    /// Maps the file at `path`.
    init(path: String) throws(FileError) {
        let file = try MappedFile(path: path)
        self.path = path
        count = file.count
        storage = .mapped(file)
    }

    /// Bytes in memory; `path` is only a name.
    init(_ bytes: [UInt8], path: String) {
        self.path = path
        count = bytes.count
        storage = .memory(bytes)
    }

    /// Calls `body` with all bytes.
    func withBytes<Result>(
        _ body: (RawSpan) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        switch storage {
        case .mapped(let file): try file.withBytes(body)
        case .memory(let bytes): try unsafe body(bytes.span.bytes)
        }
    }

    /// A copy of `count` bytes from `offset` on. Throws where they are not all there.
    func read(_ count: Int, at offset: Int, for what: String) throws(FileError) -> [UInt8] {
        guard count >= 0, offset >= 0, offset <= self.count, count <= self.count - offset else {
            throw damaged("\(what) would stand at byte \(offset), the file has \(self.count)")
        }
        return try withBytes { bytes in
            let piece = bytes.extracting(offset..<offset + count)
            return unsafe piece.withUnsafeBytes { unsafe [UInt8]($0) }
        }
    }

    /// Says that the bytes in `range` are not needed any more, so that a file and its numbers are not both in memory.
    func forget(_ range: Range<Int>) {
        if case .mapped(let file) = storage { file.forget(range) }
    }

    /// The error for a file that is not whole.
    func damaged(_ problem: String) -> FileError {
        FileError(
            path: path, problem: problem, remedy: "the file is damaged or cut short; fetch it again"
        )
    }
}

/// Little-endian numbers in a block of bytes.
struct LittleEndian {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The 16 bits at `offset`. Traps where they are not there, as the others do.
    func u16(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }

    /// The 32 bits at `offset`.
    func u32(_ offset: Int) -> Int { u16(offset) | u16(offset + 2) << 16 }

    /// The 64 bits at `offset`; `nil` where they are 2^63 or more.
    func u64(_ offset: Int) -> Int? {
        let high = u32(offset + 4)
        return high > 0x7FFF_FFFF ? nil : u32(offset) | high << 32
    }
}

/// `bytes` as a message may show them: printable ASCII, the rest escaped, cut after 120 characters.
package func shown(_ bytes: some Collection<UInt8>) -> String {
    var text = ""
    for byte in bytes {
        if text.utf8.count >= 120 { return text + "..." }
        if byte >= 0x20 && byte < 0x7F {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            let digits = String(byte, radix: 16)
            text += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
    }
    return text
}
