import Files
import Parquet

/// How a file spells its rows.
enum FileFormat: Equatable {
    case jsonLines
    /// `.json`: an array or lines, as its first byte says.
    case json
    case csv
    case tsv
    case parquet
    /// `.data`: as its content says.
    case sniffed

    /// The endings that are known.
    static let endings = ".jsonl, .ndjson, .json, .csv, .tsv, .parquet or .data"

    /// The format that the ending of `fileName` promises, `.gz` left aside; `nil` for an unknown
    /// ending.
    init?(fileName: String) {
        var name = fileName.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        switch name[name.utf8.index(after: dot)...] {
        case "jsonl", "ndjson": self = .jsonLines
        case "json": self = .json
        case "csv": self = .csv
        case "tsv": self = .tsv
        case "parquet": self = .parquet
        case "data": self = .sniffed
        default: return nil
        }
    }

    /// The format that `start`, the first bytes of a file, shows: JSON where it begins with `{"` or
    /// `[{` (spaces allowed), else TSV where the first line has a tab, else CSV where it has a
    /// comma.
    init?(start: [UInt8]) {
        func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        var text = start[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        let inner = text.drop(while: isSpace)
        let second = inner.dropFirst().first { !isSpace($0) }
        switch (inner.first, second) {
        case (UInt8(ascii: "{"), UInt8(ascii: "\"")), (UInt8(ascii: "{"), UInt8(ascii: "}")):
            self = .jsonLines
            return
        case (UInt8(ascii: "["), UInt8(ascii: "{")), (UInt8(ascii: "["), UInt8(ascii: "]")):
            self = .json
            return
        default: break
        }
        let line = text.drop { $0 == 0x0A || $0 == 0x0D }.prefix { $0 != 0x0A }
        if line.contains(0x09) {
            self = .tsv
        } else if line.contains(UInt8(ascii: ",")) {
            self = .csv
        } else {
            return nil
        }
    }
}

/// Opens the file at `path` as rows. `rule` says when the first row of a delimited file is a
/// header.
func openRows(path: String, rule: HeaderRule) throws(FileError) -> any RowReader {
    guard FileBytes.exists(path) else {
        throw FileError(
            path: path, problem: "no such file or folder",
            remedy: "check the path")
    }
    // Data are looked at before they are read, so they must be readable twice: no pipes.
    let size = try MappedFile(path: path).count
    let start = size == 0 ? [] : try beginning(of: path)
    if start.isEmpty {
        throw FileError(
            path: path, problem: "the file is empty", remedy: "check that this is the right file")
    }
    if ParquetReader.isParquet(start: start) { return try ParquetRows(path: path) }
    if let other = foreignFormat(start) {
        throw FileError(
            path: path, problem: "\(other) is not supported",
            remedy: "convert it to JSON lines, CSV, TSV in UTF-8 or Parquet")
    }
    var format = FileFormat(fileName: FileBytes.name(of: path)) ?? .sniffed
    if format == .sniffed {
        guard let shown = FileFormat(start: start) else {
            throw FileError(
                path: path, problem: "neither JSON lines, a JSON array, CSV, TSV nor Parquet",
                remedy: "a line needs at least two columns; give the file an ending that says what "
                    + "it is: \(FileFormat.endings)")
        }
        format = shown
    }
    switch format {
    case .jsonLines: return try JSONLinesReader(path: path)
    case .json:
        let body = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start[...]
        let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if first == UInt8(ascii: "[") { return try JSONArrayReader(path: path) }
        return try JSONLinesReader(path: path)
    case .parquet: return try ParquetRows(path: path)
    case .csv: return try DelimitedReader<CSVCells>(path: path, rule: rule)
    case .tsv, .sniffed: return try DelimitedReader<TSVCells>(path: path, rule: rule)
    }
}

/// The first 64 KiB of a file, decompressed, or all where it has less.
private func beginning(of path: String) throws(FileError) -> [UInt8] {
    let stream = try ByteStream(path: path, pieceSize: 1 << 16)
    var start: [UInt8] = []
    while start.count < 1 << 16 {
        let piece = try stream.next()
        if piece.isEmpty { break }
        start += piece
    }
    return start
}

/// The name of a format that is recognised only to say that it is not read.
private func foreignFormat(_ start: [UInt8]) -> String? {
    let signs: [(String, [UInt8])] = [
        ("Arrow", Array("ARROW1".utf8)),
        ("a zip archive or Excel file", [0x50, 0x4B, 0x03, 0x04]),
        ("bzip2 compression", Array("BZh".utf8)),
        ("Zstandard compression", [0x28, 0xB5, 0x2F, 0xFD]),
        ("xz compression", [0xFD, 0x37, 0x7A, 0x58, 0x5A]), ("UTF-16", [0xFF, 0xFE]),
        ("UTF-16", [0xFE, 0xFF]),
    ]
    return signs.first { start.starts(with: $0.1) }?.0
}
