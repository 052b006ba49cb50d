#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

public import Files
public import Tensors

/// A folder with reference results: the small one in the repository, and the large one where it is there.
public struct GoldenRoot: Sendable, CustomStringConvertible {
    /// `fixtures` or `shared`.
    public let description: String
    /// The folder.
    public let folder: String

    /// All that are there. The one in the repository always is.
    public static let all: [GoldenRoot] = {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        let fixtures = GoldenRoot(
            description: "fixtures", folder: tests.appending(path: "Fixtures/reference").path)
        let shared = SharedReference.folder.map {
            GoldenRoot(description: "shared", folder: $0 + "/reference")
        }
        return [fixtures] + (shared.map { [$0] } ?? [])
    }()

    /// The JSON file `name`, as in `losses/index.json`.
    public func json(_ name: String) throws -> JSON {
        try JSON(contentsOf: folder + "/" + name)
    }

    /// The safetensors file `name`.
    public func tensors(_ name: String) throws -> GoldenFile {
        try GoldenFile(path: folder + "/" + name)
    }
}

/// A safetensors file of reference numbers, read whole.
public struct GoldenFile {
    private let path: String
    private let bytes: [UInt8]
    private let start: Int
    private let header: [String: JSON]

    /// Reads the file at `path`.
    public init(path: String) throws {
        self.path = path
        bytes = try FileBytes.read(path)
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 8, length >= 0, length <= bytes.count - 8 else {
            throw FileError(path: path, problem: "not a safetensors file")
        }
        start = 8 + length
        let members = try JSON(parsing: Array(bytes[8..<start])).members ?? []
        header = Dictionary(members.map { ($0.key, $0.value) }) { $1 }
    }

    /// The names of all tensors.
    public var names: [String] { header.keys.filter { $0 != "__metadata__" }.sorted() }

    /// Whether there is a tensor `name`.
    public func contains(_ name: String) -> Bool { header[name] != nil }

    /// The tensor `name`, rounded to float32 where it has more digits.
    public func tensor(_ name: String) throws -> Tensor {
        let entry = try entry(name)
        return unsafe Tensor(
            bytes: bytes.span.bytes.extracting(entry.range), type: entry.type, shape: entry.shape)
    }

    /// The numbers of the tensor `name`, with all their digits.
    public func doubles(_ name: String) throws -> [Double] {
        let entry = try entry(name)
        guard entry.type == .float64 else { return try tensor(name).values.map(Double.init) }
        return stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: 8).map { at in
            Double(bitPattern: bytes[at..<at + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    private func entry(
        _ name: String
    ) throws -> (range: Range<Int>, type: ElementType, shape: Shape) {
        guard let entry = header[name], let type = entry["dtype"]?.string.flatMap(ElementType.init),
            let shape = entry["shape"]?.array?.compactMap(\.int),
            let offsets = entry["data_offsets"]?.array?.compactMap(\.int), offsets.count == 2,
            offsets[0] <= offsets[1], start + offsets[1] <= bytes.count
        else { throw FileError(path: path, problem: "no tensor \(name) that can be read") }
        return (start + offsets[0]..<start + offsets[1], type, Shape(shape))
    }
}

extension GoldenFile {
    /// The rows of a matrix of 64-bit whole numbers, such as token ids.
    public func integers(_ name: String) throws -> [[Int]] {
        guard let entry = header[name], entry["dtype"]?.string == "I64",
            let shape = entry["shape"]?.array?.compactMap(\.int), shape.count == 2,
            let first = entry["data_offsets"]?.array?.first?.int
        else { throw FileError(path: path, problem: "no matrix \(name) of I64") }
        return (0..<shape[0]).map { row in
            (0..<shape[1]).map { column in
                let at = start + first + 8 * (row * shape[1] + column)
                return Int(
                    truncatingIfNeeded: bytes[at..<at + 8].reversed().reduce(0) {
                        $0 << 8 | UInt64($1)
                    })
            }
        }
    }
}
