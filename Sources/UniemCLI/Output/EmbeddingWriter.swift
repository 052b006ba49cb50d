import Files
import Uniem

/// Takes texts with their vectors, block after block.
protocol EmbeddingWriter: AnyObject {
    /// Writes the vectors [n, H] of `texts` (n).
    func write(_ texts: [String], _ vectors: Tensor) throws
    /// Ends the output; nothing follows.
    func finish() throws
}

/// The files that vectors can be written to, by the endings of their names.
enum EmbeddingFormat: String, CaseIterable {
    case jsonl
    case npy
    case safetensors

    /// What the name of the file says; `nil` for an unknown ending.
    init?(path: String) {
        let name = path.lowercased()
        guard let format = Self.allCases.first(where: { name.hasSuffix("." + $0.rawValue) }) else {
            return nil
        }
        self = format
    }

    /// For messages.
    static let endings = allCases.map { "." + $0.rawValue }.joined(separator: ", ")

    /// A writer of `count` vectors of `width` numbers to a new file at `path`.
    func writer(path: String, count: Int, width: Int) throws(FileError) -> any EmbeddingWriter {
        let file = try AtomicFile(path: path)
        switch self {
        case .jsonl: return JSONLinesWriter(file: file)
        case .npy: return try RawWriter(file, header: NPYHeader.bytes(rows: count, columns: width))
        case .safetensors:
            return try RawWriter(
                file, header: SafetensorsHeader.bytes(rows: count, columns: width))
        }
    }
}

/// A JSON object a line: `text` and `embedding`, each number with the fewest digits that read back to it.
final class JSONLinesWriter: EmbeddingWriter {
    private let sink: (String) throws -> Void
    private let end: () throws -> Void

    init(sink: @escaping (String) throws -> Void) {
        self.sink = sink
        end = {}
    }

    init(file: AtomicFile) {
        sink = { try file.write(Array($0.utf8)) }
        end = { try file.finish() }
    }

    func write(_ texts: [String], _ vectors: Tensor) throws {
        for (index, text) in texts.enumerated() {
            var line = "{\"text\":" + JSON.string(text).text() + ",\"embedding\":["
            for (place, number) in vectors.row(index).enumerated() {
                if place > 0 { line += "," }
                line += "\(number)"
            }
            try sink(line + "]}\n")
        }
    }

    func finish() throws { try end() }
}

/// A header, then all numbers as little-endian float32, row by row.
final class RawWriter: EmbeddingWriter {
    private let file: AtomicFile

    init(_ file: AtomicFile, header: [UInt8]) throws(FileError) {
        self.file = file
        try file.write(header)
    }

    func write(_ texts: [String], _ vectors: Tensor) throws {
        try vectors.withBytes { (bytes) throws(FileError) in try file.write(bytes) }
    }

    func finish() throws { try file.finish() }
}

/// The start of a NumPy file, version 1.0: a float32 matrix in C order.
enum NPYHeader {
    static func bytes(rows: Int, columns: Int) -> [UInt8] {
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        // Data begin at a multiple of 64 bytes, after a line feed.
        while (magic.count + 2 + text.utf8.count + 1) % 64 != 0 { text += " " }
        text += "\n"
        let length = UInt16(text.utf8.count)
        return magic + [UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
    }
}

/// The start of a safetensors file that holds one tensor, `embeddings`.
enum SafetensorsHeader {
    static func bytes(rows: Int, columns: Int) -> [UInt8] {
        let entry: JSON = [
            "dtype": "F32", "shape": [.int(rows), .int(columns)],
            "data_offsets": [0, .int(4 * rows * columns)],
        ]
        var text = Array((["embeddings": entry] as JSON).text().utf8)
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        let length = UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + text
    }
}
