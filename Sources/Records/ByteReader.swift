import Files

/// The bytes of a file one by one or line by line, decompressed, without a byte order mark; counts
/// lines and refuses rows that are too long to be meant.
struct ByteReader {
    /// The most bytes that one row of a text file may have: 16 MiB.
    ///
    /// Beyond it the file is no table (or is gzip made to expand without end), and reading on would
    /// only fill the memory.
    static let rowLimit = 16 << 20

    private let stream: ByteStream
    private let rowLimit: Int
    private var piece: [UInt8] = []
    private var position = 0
    /// How many bytes came before `piece`.
    private var offset = 0
    private var rowStart = 0
    private var rowLine = 1
    /// The 1-based line of the byte that comes next.
    private(set) var line = 1

    /// Reads the file at `path`, whose rows may have `rowLimit` bytes with their line ends.
    init(path: String, rowLimit: Int = Self.rowLimit) throws(FileError) {
        self.rowLimit = rowLimit
        stream = try ByteStream(path: path)
        piece = try stream.next()
        // A short first piece (a pipe never comes here) is at least three bytes, or the whole file.
        if piece.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Says that a row begins here: its length counts from now.
    mutating func startRow() {
        rowStart = offset + position
        rowLine = line
    }

    /// Says that the row ends here. Throws where it was too long.
    func endRow() throws(FileError) {
        if offset + position - rowStart > rowLimit { throw tooLong }
    }

    /// The byte that comes next, left to be read; `nil` at the end.
    mutating func peek() throws(FileError) -> UInt8? {
        if position == piece.count {
            offset += piece.count
            position = 0
            piece = []
            if offset - rowStart > rowLimit { throw tooLong }
            piece = try stream.next()
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

    /// The next line, one row, without its `\n` or `\r\n`; `nil` at the end of the file. Nothing
    /// else ends a line (not U+2028, U+0085 or form feed, which text may contain).
    mutating func readLine() throws(FileError) -> [UInt8]? {
        var out: [UInt8] = []
        return try readLine(into: &out) ? out : nil
    }

    /// The same in place of what `out` holds, whose memory is used again; false at the end of the file.
    mutating func readLine(into out: inout [UInt8]) throws(FileError) -> Bool {
        startRow()
        out.removeAll(keepingCapacity: true)
        guard try peek() != nil else { return false }
        while try peek() != nil {
            let end = piece[position...].firstIndex(of: 0x0A)
            out += piece[position..<(end ?? piece.count)]
            position = end ?? piece.count
            if end != nil { break }
        }
        _ = try next()
        try endRow()
        if out.last == 0x0D { out.removeLast() }
        return true
    }

    /// Passes over the next line; whether it holds anything but spaces, tabs and `\r`; `nil` at the
    /// end of the file.
    mutating func skipLine() throws(FileError) -> Bool? {
        startRow()
        guard try peek() != nil else { return nil }
        var isFilled = false
        while try peek() != nil {
            if !isFilled {
                let blank = piece[position...].prefix { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                position = blank.endIndex
                isFilled = position < piece.count && piece[position] != 0x0A
            }
            let end = piece[position...].firstIndex(of: 0x0A)
            position = end ?? piece.count
            if end != nil { break }
        }
        _ = try next()
        try endRow()
        return isFilled
    }

    private var tooLong: FileError {
        FileError(
            path: stream.path, line: rowLine,
            problem: "a row of more than \(rowLimit >> 20) MiB begins here",
            remedy: "check that the file is what it should be: a line break or a closing quote may "
                + "be missing")
    }
}
