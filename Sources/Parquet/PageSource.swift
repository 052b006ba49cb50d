import Files

/// What the columns of a reader share.
struct SharedState {
    let decompressor = Decompressor()
    /// A page as it is in the file.
    var compressed: [UInt8] = []
    /// The bytes that the pages and dictionaries of all columns take.
    var heldBytes = 0
}

/// Where in a file a problem is.
struct Place {
    var path: String
    var column: String
    var group: Int
    var page: Int
    var row: Int?

    /// The error for `problem` here.
    func error(_ problem: Malformed) -> FileError {
        let row = row.map { ", row \($0)" } ?? ""
        return FileError(
            path: path,
            problem: "column \(shown(column)), row group \(group), page at byte \(page)\(row): "
                + problem.problem, remedy: problem.remedy)
    }

    /// What `body` answers; its failures happen here.
    func check<Result>(
        _ body: () throws(Malformed) -> Result
    ) throws(FileError) -> Result {
        do {
            return try body()
        } catch {
            throw self.error(error)
        }
    }
}

/// A page that is being decoded; its bytes are those of the ``PageSource``.
struct OpenPage {
    /// The values that are left, nulls included.
    var valueCount: Int
    /// Where the page ends in the bytes.
    var end = 0
    var levels = Levels.allPresent
    var decoder = ValueDecoder.none
}

/// Reads the pages of one column from the file, decompressed, and its dictionaries.
struct PageSource {
    /// How values are made.
    let kind: ValueKind
    /// The page opened last is at the front.
    private(set) var bytes: [UInt8] = []
    /// The dictionary of the chunk; empty where there is none.
    private(set) var dictionary: [ParquetValue] = []
    /// Where the page opened last is.
    private(set) var place: Place

    private let file: RandomAccessFile
    private let leaf: Footer.Leaf
    private let windowBytes: Int
    private var source: ForwardReader
    private var codec = Codec.uncompressed
    /// The values of the chunk on pages not yet opened.
    private var valuesLeft = 0
    private var hasDictionary = false
    private var dictionaryBytes = 0

    /// Reads the column `leaf`. Traps for one that is not supported.
    init(_ leaf: Footer.Leaf, of file: RandomAccessFile, windowBytes: Int) {
        guard let kind = ValueKind(leaf.column.type) else {
            preconditionFailure("column \(leaf.column.name) of type \(leaf.column.type)")
        }
        self.kind = kind
        self.file = file
        self.leaf = leaf
        self.windowBytes = windowBytes
        source = ForwardReader(file, start: 0, end: 0, windowBytes: windowBytes)
        place = Place(path: file.path, column: leaf.column.name, group: 0, page: 0)
    }

    /// Goes to the chunk of row group `group`.
    mutating func start(_ chunk: ColumnChunk, group: Int, shared: inout SharedState) {
        source = ForwardReader(
            file, start: chunk.start, end: chunk.end, windowBytes: windowBytes)
        codec = chunk.codec
        place.group = group
        valuesLeft = chunk.valueCount
        shared.heldBytes -= dictionaryBytes
        dictionary = []
        hasDictionary = false
        dictionaryBytes = 0
    }

    /// Opens the next page of data; reads a dictionary before it. Traps where the chunk has no more values.
    mutating func next(_ shared: inout SharedState) throws(FileError) -> OpenPage {
        precondition(valuesLeft > 0, "no value is left in the chunk")
        while true {
            place.page = source.position
            let header = try readHeader()
            let (left, valuesLeft) = (source.left, valuesLeft)
            try place.check { () throws(Malformed) in
                try header.check(left: left, valuesLeft: valuesLeft)
            }
            switch header.kind {
            case .dictionary:
                guard !hasDictionary else {
                    throw place.error(Malformed("a second dictionary in one column chunk"))
                }
                try load(header, &shared)
                let entries = try place.check { () throws(Malformed) in try dictionary(header) }
                hasDictionary = true
                dictionary = entries
                dictionaryBytes = header.size + entries.count * MemoryLayout<ParquetValue>.stride
                shared.heldBytes += dictionaryBytes
            case .data where header.valueCount > 0, .dataV2 where header.valueCount > 0:
                try load(header, &shared)
                self.valuesLeft -= header.valueCount
                return try place.check { () throws(Malformed) in try page(header) }
            default: source.skip(header.compressedSize)
            }
        }
    }

    private mutating func readHeader() throws(FileError) -> PageHeader {
        var wanted = 64
        while true {
            let (window, range) = try source.peek(wanted)
            var reader = ThriftReader(window, range: range)
            let problem: Malformed
            do {
                let header = try PageHeader(&reader)
                source.skip(reader.position - range.lowerBound)
                return header
            } catch {
                switch error {
                case .endOfData:
                    if range.count < min(source.left, Limits.pageHeaderBytes) {
                        wanted = min(range.count * 4, Limits.pageHeaderBytes)
                        continue
                    }
                    problem =
                        range.count < Limits.pageHeaderBytes
                        ? Malformed(
                            "\(valuesLeft) more values expected, but the column chunk ends")
                        : Malformed(
                            "a page header of more than \(Limits.pageHeaderBytes) bytes")
                case .malformed(let text): problem = Malformed("no page header: \(text)")
                case .refused(let other): problem = other
                }
            }
            throw place.error(problem)
        }
    }

    /// Reads a page to the front of `bytes`, decompressed.
    private mutating func load(
        _ header: PageHeader, _ shared: inout SharedState
    ) throws(FileError) {
        var levelBytes = 0
        var isCompressed = codec != .uncompressed
        if case .dataV2(_, let count, _, let flag) = header.kind {
            levelBytes = count
            isCompressed = isCompressed && flag
        }
        let heldBefore = bytes.count
        let held = shared.heldBytes + max(0, header.size - heldBefore)
        guard held <= Limits.heldBytes else {
            throw place.error(
                Malformed(
                    "the pages needed at a time take more than \(Limits.heldBytes) bytes",
                    remedy: "read fewer columns at a time"))
        }
        defer { shared.heldBytes += bytes.count - heldBefore }
        if isCompressed {
            shared.compressed.grow(to: header.compressedSize)
            try source.read(header.compressedSize, into: &shared.compressed)
            try check(header, shared.compressed)
            let range = levelBytes..<header.compressedSize
            do {
                try shared.decompressor.decompress(
                    shared.compressed, range, codec: codec, size: header.size - levelBytes,
                    to: &bytes, at: levelBytes)
            } catch {
                throw place.error(error)
            }
            bytes.grow(to: levelBytes)
            bytes.replaceSubrange(0..<levelBytes, with: shared.compressed[0..<levelBytes])
        } else {
            guard header.size == header.compressedSize else {
                throw place.error(
                    Malformed(
                        "\(header.size) bytes of data expected, found \(header.compressedSize)"))
            }
            bytes.grow(to: header.size)
            try source.read(header.size, into: &bytes)
            try check(header, bytes)
        }
    }

    private func check(_ header: PageHeader, _ bytes: [UInt8]) throws(FileError) {
        guard let expected = header.checksum else { return }
        let found = Decompressor.checksum(bytes, count: header.compressedSize)
        guard found == expected else {
            throw place.error(
                Malformed(
                    "the page has the checksum \(String(found, radix: 16)), but "
                        + "\(String(expected, radix: 16)) was written"))
        }
    }

    /// The values of the dictionary page that was loaded.
    private func dictionary(_ header: PageHeader) throws(Malformed) -> [ParquetValue] {
        guard [.plain, .dictionary].contains(header.encoding) else {
            throw Malformed("a dictionary written as \(header.encoding.name)")
        }
        switch kind {
        // Nothing refers to its values.
        case .null: return []
        case .bool:
            throw Malformed(
                "a dictionary of truth values, which is not supported",
                remedy: "write the column again without a dictionary")
        default: break
        }
        var entries: [ParquetValue] = []
        guard header.valueCount > 0 else { return entries }
        // Four bytes are the length of a text; its bytes follow.
        guard header.valueCount <= header.size / (leaf.physical.width ?? 4) else {
            throw Malformed(
                "a dictionary of \(header.valueCount) values in \(header.size) bytes")
        }
        entries.reserveCapacity(header.valueCount)
        let span = unsafe bytes.span.bytes
        var decoder = try ValueDecoder(
            .plain, 0..<header.size, span, kind: kind, physical: leaf.physical,
            hasDictionary: false)
        var room = Int.max
        try decoder.append(
            header.valueCount, from: span, end: header.size, kind: kind, dictionary: [],
            room: &room, to: &entries)
        return entries
    }

    /// The data page that was loaded, ready to be decoded.
    private func page(_ header: PageHeader) throws(Malformed) -> OpenPage {
        let span = unsafe bytes.span.bytes
        var page = OpenPage(valueCount: header.valueCount, end: header.size)
        var start = 0
        switch header.kind {
        case .data(levelEncoding: let encoding) where leaf.column.isNullable:
            switch encoding {
            case 3:
                guard header.size >= 4 else { throw Malformed("the page ends within its levels") }
                let size = Int(span.uint32(at: 0))
                guard size <= header.size - 4 else {
                    throw Malformed(
                        "levels of \(size) bytes expected, but the page has \(header.size - 4)")
                }
                start = 4 + size
                page.levels = .hybrid(HybridDecoder(4..<start, width: 1))
            case 4:
                start = (header.valueCount + 7) / 8
                guard start <= header.size else {
                    throw Malformed("the page ends within its levels")
                }
                page.levels = .packed(bit: 0)
            default:
                throw Malformed("levels written as \(Encoding(code: encoding).name)")
            }
        case .dataV2(let nullCount, let levelBytes, let definitionBytes, _):
            start = levelBytes
            if leaf.column.isNullable, nullCount > 0 || definitionBytes > 0 {
                // Repetition levels, which a flat column does not have, would stand before.
                let first = levelBytes - definitionBytes
                page.levels = .hybrid(HybridDecoder(first..<levelBytes, width: 1))
            }
        default: break
        }
        page.decoder = try ValueDecoder(
            header.encoding, start..<header.size, span, kind: kind, physical: leaf.physical,
            hasDictionary: hasDictionary)
        return page
    }
}
