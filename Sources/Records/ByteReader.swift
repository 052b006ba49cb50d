import Files

/// The bytes of a file one by one, decompressed, without a byte order mark; counts lines.
struct ByteReader {
    private let stream: ByteStream
    private var piece: [UInt8] = []
    private var position = 0
    /// The 1-based line of the byte that comes next.
    private(set) var line = 1

    init(path: String) throws(FileError) {
        stream = try ByteStream(path: path)
        piece = try stream.next()
        // A short first piece (a pipe never comes here) is at least three bytes, or the whole file.
        if piece.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The byte that comes next, left to be read; `nil` at the end.
    mutating func peek() throws(FileError) -> UInt8? {
        if position == piece.count {
            piece = try stream.next()
            position = 0
            if piece.isEmpty { return nil }
        }
        return piece[position]
    }

    /// The next byte; `nil` at the end.
    mutating func next() throws(FileError) -> UInt8? {
        guard let byte = try peek() else { return nil }
        position += 1
        if byte == 0x0A { line += 1 }
        return byte
    }

    /// Appends the bytes up to the first that is one of `stops` (left to be read) or the end to
    /// `out`.
    mutating func read(
        until stops: (UInt8, UInt8, UInt8, UInt8), into out: inout [UInt8]
    ) throws(FileError) {
        while try peek() != nil {
            let start = position
            while position < piece.count {
                let byte = piece[position]
                if byte == stops.0 || byte == stops.1 || byte == stops.2 || byte == stops.3 {
                    break
                }
                if byte == 0x0A { line += 1 }
                position += 1
            }
            out += piece[start..<position]
            if position < piece.count { return }
        }
    }
}
