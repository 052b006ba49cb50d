internal import Files

/// The table of a zip archive, checked against the bytes. Nothing is ever written to disk, so names are only names.
///
/// Read: zip and zip64, entries stored or deflated. Refused: encryption, archives in several parts, two entries of one
/// name, entries that overlap or lie outside the file, and archives that would unpack to more than
/// ``maximumTotal(fileSize:)`` bytes.
struct ZipArchive: Sendable {
    /// One entry.
    struct Entry: Sendable, Equatable {
        /// The name.
        let name: String
        /// Where its bytes stand in the file.
        let bytes: Range<Int>
        /// The unpacked size.
        let size: Int
        /// Whether the bytes are deflated; else they are stored as they are.
        let isDeflated: Bool
        /// The checksum of the unpacked bytes.
        let checksum: Int
        /// Where the local header begins.
        fileprivate let start: Int
    }

    /// No archive has more entries.
    static let maximumEntries = 1 << 20
    /// No name is longer, in bytes.
    static let maximumName = 4096

    /// No archive of `fileSize` bytes may unpack to more bytes than this: eight times its size and one mebibyte.
    static func maximumTotal(fileSize: Int) -> Int {
        min(fileSize, .max / 16) * 8 + 1 << 20
    }

    /// The entries, in the order of the table.
    let entries: [Entry]
    private let places: [String: Int]

    /// The entry of that name.
    subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

    /// Reads the table of the archive in `source`. Throws a `FileError` that says what does not fit.
    init(_ source: WeightBytes) throws(FileError) {
        let table = try ZipArchive.table(in: source)
        let raw = try source.read(table.size, at: table.offset, for: "the table of the archive")
        let numbers = LittleEndian(raw)
        var entries: [Entry] = []
        var names: Set<[UInt8]> = []
        var position = 0
        var total = 0
        let limit = ZipArchive.maximumTotal(fileSize: source.count)
        for index in 0..<table.entries {
            let what = "entry \(index) of \(table.entries) in the archive"
            guard raw.count - position >= 46, numbers.u32(position) == 0x0201_4B50 else {
                throw source.damaged("\(what) is missing")
            }
            let lengths = (
                name: numbers.u16(position + 28), extra: numbers.u16(position + 30),
                comment: numbers.u16(position + 32)
            )
            let length = 46 + lengths.name + lengths.extra + lengths.comment
            guard length <= raw.count - position else {
                throw source.damaged("\(what) is cut short")
            }
            let name = Array(raw[position + 46..<position + 46 + lengths.name])
            guard names.insert(name).inserted else {
                throw source.damaged("the archive has two entries \(shown(name))")
            }
            let entry = try ZipArchive.entry(
                name, raw, at: position, tableStart: table.offset, source)
            guard entry.size <= limit - total else {
                throw FileError(
                    path: source.path,
                    problem: "the archive would unpack to more than \(limit) bytes",
                    remedy: "it is not a file that torch.save wrote")
            }
            total += entry.size
            entries.append(entry)
            position += length
        }
        try ZipArchive.refuseOverlaps(entries, source)
        self.entries = entries
        // Valid UTF-8 whose bytes differ may still be one String (a composed and a decomposed letter).
        places = Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
        guard places.count == entries.count else {
            throw source.damaged("the archive has two entries of one name")
        }
    }

    /// Where the table stands, from the record at the end of the file.
    private static func table(
        in source: WeightBytes
    ) throws(FileError) -> (offset: Int, size: Int, entries: Int) {
        let tailSize = min(source.count, 22 + 65_535)
        let tail = try source.read(tailSize, at: source.count - tailSize, for: "the end record")
        let numbers = LittleEndian(tail)
        var at = tailSize - 22
        // The comment after the record must reach exactly to the end of the file.
        while at >= 0,
            numbers.u32(at) != 0x0605_4B50 || at + 22 + numbers.u16(at + 20) != tailSize
        { at -= 1 }
        guard at >= 0 else {
            throw source.damaged("the table at the end of the archive is missing")
        }
        let end = source.count - tailSize + at
        var found = (
            disk: numbers.u16(at + 4), tableDisk: numbers.u16(at + 6), here: numbers.u16(at + 8),
            entries: numbers.u16(at + 10), size: numbers.u32(at + 12), offset: numbers.u32(at + 16)
        )
        var limit = end
        if let wide = try wideRecord(before: end, source) {
            let record = LittleEndian(wide.record)
            guard let here = record.u64(24), let entries = record.u64(32),
                let size = record.u64(40), let offset = record.u64(48)
            else { throw source.damaged("the zip64 record holds impossible numbers") }
            found = (record.u32(16), record.u32(20), here, entries, size, offset)
            limit = wide.offset
        }
        guard found.disk == 0, found.tableDisk == 0, found.here == found.entries else {
            throw source.damaged("the archive is one part of several")
        }
        guard found.offset <= limit, found.size <= limit - found.offset else {
            throw source.damaged(
                "the table of the archive should be \(found.size) bytes at \(found.offset), which is outside the file"
            )
        }
        guard found.entries <= maximumEntries, found.entries <= found.size / 46 else {
            throw source.damaged(
                "the archive announces \(found.entries) entries in a table of \(found.size) bytes")
        }
        return (found.offset, found.size, found.entries)
    }

    /// The zip64 end record, if the locator before the end record at `end` leads to one.
    private static func wideRecord(
        before end: Int, _ source: WeightBytes
    ) throws(FileError) -> (offset: Int, record: [UInt8])? {
        guard end >= 20 else { return nil }
        let locator = LittleEndian(try source.read(20, at: end - 20, for: "the zip64 locator"))
        guard locator.u32(0) == 0x0706_4B50 else { return nil }
        guard let offset = locator.u64(8), offset <= end - 20, end - 20 - offset >= 56 else {
            throw source.damaged("the zip64 locator points outside the file")
        }
        let record = try source.read(56, at: offset, for: "the zip64 record")
        guard LittleEndian(record).u32(0) == 0x0606_4B50 else {
            throw source.damaged("the zip64 locator points to no record")
        }
        return (offset, record)
    }

    /// The entry whose record begins at `position` of the table `raw`.
    private static func entry(
        _ name: [UInt8], _ raw: [UInt8], at position: Int, tableStart: Int, _ source: WeightBytes
    ) throws(FileError) -> Entry {
        let what = "entry \(shown(name)) of the archive"
        guard name.count <= maximumName, !name.contains(0),
            let text = String(validating: name, as: UTF8.self)
        else { throw source.damaged("\(what) has no proper name") }
        let numbers = LittleEndian(raw)
        let (flags, method) = (numbers.u16(position + 8), numbers.u16(position + 10))
        guard flags & 1 == 0 else {
            throw FileError(
                path: source.path, problem: "\(what) is encrypted",
                remedy: "weights have to be readable without a password")
        }
        guard method == 0 || method == 8 else {
            throw FileError(
                path: source.path,
                problem: "\(what) is compressed by method \(method), expected stored or deflated",
                remedy: "load it with torch and save it again")
        }
        var fields = [
            numbers.u32(position + 24), numbers.u32(position + 20), numbers.u32(position + 42),
        ]
        if fields.contains(0xFFFF_FFFF) {
            let extraStart = position + 46 + name.count
            let extra = raw[extraStart..<extraStart + numbers.u16(position + 30)]
            guard let wide = wideFields(extra, count: fields.count { $0 == 0xFFFF_FFFF }) else {
                throw source.damaged("\(what) lacks its zip64 sizes")
            }
            var next = wide.makeIterator()
            for index in fields.indices where fields[index] == 0xFFFF_FFFF {
                fields[index] = next.next() ?? 0
            }
        }
        let (size, packed, start) = (fields[0], fields[1], fields[2])
        guard start <= tableStart, tableStart - start >= 30 else {
            throw source.damaged("\(what) begins outside the file")
        }
        let local = try source.read(30, at: start, for: what)
        let header = LittleEndian(local)
        let dataStart = start + 30 + header.u16(26) + header.u16(28)
        guard header.u32(0) == 0x0403_4B50, header.u16(26) == name.count,
            header.u16(8) == method, dataStart <= tableStart,
            try source.read(name.count, at: start + 30, for: what) == name
        else { throw source.damaged("\(what) has another header than the table says") }
        guard packed <= tableStart - dataStart else {
            throw source.damaged(
                "\(what) should be \(packed) bytes at \(dataStart), which is outside the file")
        }
        guard method == 8 || size == packed else {
            throw source.damaged("\(what) is stored, but has the two sizes \(packed) and \(size)")
        }
        return Entry(
            name: text, bytes: dataStart..<dataStart + packed, size: size, isDeflated: method == 8,
            checksum: numbers.u32(position + 16), start: start)
    }

    /// The first `count` numbers of the zip64 field in `extra`.
    private static func wideFields(_ extra: ArraySlice<UInt8>, count: Int) -> [Int]? {
        let bytes = Array(extra)
        let numbers = LittleEndian(bytes)
        var position = 0
        while bytes.count - position >= 4 {
            let (tag, length) = (numbers.u16(position), numbers.u16(position + 2))
            guard length <= bytes.count - position - 4 else { return nil }
            if tag == 1 {
                guard length >= 8 * count else { return nil }
                var result: [Int] = []
                for index in 0..<count {
                    guard let number = numbers.u64(position + 4 + 8 * index) else { return nil }
                    result.append(number)
                }
                return result
            }
            position += 4 + length
        }
        return nil
    }

    private static func refuseOverlaps(
        _ entries: [Entry], _ source: WeightBytes
    ) throws(FileError) {
        let ordered = entries.sorted { $0.start < $1.start }
        for (first, second) in zip(ordered, ordered.dropFirst())
        where second.start < first.bytes.upperBound {
            throw source.damaged(
                "entries \(shown(first.name.utf8)) and \(shown(second.name.utf8)) of the archive overlap"
            )
        }
    }
}
