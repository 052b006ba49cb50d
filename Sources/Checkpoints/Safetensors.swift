public import Files
public import Tensors

/// One safetensors file, mapped into memory: a table of named tensors and their bytes.
///
/// Format: eight bytes little-endian length of the header, the header (a JSON object: name to `dtype`, `shape`,
/// `data_offsets`), the data.
public final class SafetensorsFile: Sendable {
    /// One tensor in the file.
    public struct Entry: Sendable, Equatable {
        /// The name.
        public let name: String
        /// The type as the file spells it: `F32`, `BF16`, `I64`, ...
        public let type: String
        /// The sizes.
        public let shape: Shape
        /// Where the bytes stand in the file.
        public let bytes: Range<Int>
    }

    /// The file.
    public let path: String
    /// The tensors in the order of the header.
    public let entries: [Entry]
    /// What the header says under `__metadata__`.
    public let metadata: [(key: String, value: String)]
    private let source: WeightBytes

    /// No header is larger, in bytes.
    static let maximumHeader = 100_000_000

    /// Opens the file at `path` and checks its header: every range lies in the file and fits type and shape. Throws
    /// a ``FileError`` that names the tensor.
    public convenience init(path: String) throws(FileError) {
        try self.init(WeightBytes(path: path))
    }

    /// Opens `source`.
    init(_ source: WeightBytes) throws(FileError) {
        path = source.path
        self.source = source
        let header = try SafetensorsFile.header(of: source)
        var entries: [Entry] = []
        var metadata: [(key: String, value: String)] = []
        var names: Set<[UInt8]> = []
        for (name, value) in header.members {
            if name == "__metadata__" {
                metadata = (value.members ?? []).compactMap { key, value in
                    value.string.map { (key, $0) }
                }
                continue
            }
            guard names.insert(Array(name.utf8)).inserted else {
                throw SafetensorsFile.error(path, "tensor \(shown(name.utf8)) is listed twice")
            }
            entries.append(
                try SafetensorsFile.entry(
                    name, value, start: header.end, fileSize: source.count, path: path))
        }
        self.entries = entries
        self.metadata = metadata
    }

    private static func header(
        of source: WeightBytes
    ) throws(FileError) -> (members: [(key: String, value: JSON)], end: Int) {
        let path = source.path
        guard source.count >= 8 else {
            throw error(path, "\(source.count) bytes are too few for a safetensors file")
        }
        let length = try source.read(8, at: 0, for: "the size of the header").reversed()
            .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(maximumHeader), Int(length) <= source.count - 8 else {
            throw error(
                path, "a header of \(length) bytes is announced, the file has \(source.count)")
        }
        let text = try source.read(Int(length), at: 8, for: "the header")
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: text)
        } catch {
            throw self.error(path, "the header is not valid JSON: \(error.problem)")
        }
        guard let members = json.members else {
            throw error(path, "the header is \(json.kind), expected an object")
        }
        return (members, 8 + Int(length))
    }

    private static func entry(
        _ name: String, _ value: JSON, start: Int, fileSize: Int, path: String
    ) throws(FileError) -> Entry {
        let what = "tensor \(shown(name.utf8))"
        guard let type = value["dtype"]?.string else {
            throw error(path, "\(what) has no dtype")
        }
        var shape: [Int] = []
        var count = 1
        for size in value["shape"]?.array ?? [.null] {
            guard let size = size.int, size >= 0 else {
                throw error(
                    path,
                    "\(what) has a malformed shape \(shown((value["shape"]?.text() ?? "(none)").utf8))"
                )
            }
            let product = count.multipliedReportingOverflow(by: size)
            guard !product.overflow else {
                throw error(path, "\(what) has an impossible shape")
            }
            count = product.partialValue
            shape.append(size)
        }
        guard let offsets = value["data_offsets"]?.array, offsets.count == 2,
            let first = offsets[0].int,
            let last = offsets[1].int, first >= 0, first <= last
        else { throw error(path, "\(what) has malformed data_offsets") }
        guard last <= fileSize - start else {
            throw error(
                path,
                "\(what) should end at byte \(last) of the data, which has \(fileSize - start)"
            )
        }
        if let size = elementSize(type) {
            let bytes = count.multipliedReportingOverflow(by: size)
            guard !bytes.overflow, bytes.partialValue == last - first else {
                throw error(
                    path,
                    "\(what) \(shown("\(shape)".utf8)) of \(type) cannot have \(last - first) bytes"
                )
            }
        }
        return Entry(
            name: name, type: type, shape: Shape(shape), bytes: start + first..<start + last)
    }

    private static func elementSize(_ type: String) -> Int? {
        switch type {
        case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2": 1
        case "F16", "BF16", "U16", "I16": 2
        case "F32", "U32", "I32": 4
        case "F64", "U64", "I64": 8
        default: nil
        }
    }

    private static func error(_ path: String, _ problem: String) -> FileError {
        FileError(
            path: path, problem: problem, remedy: "the file is damaged or cut short; fetch it again"
        )
    }

    /// The numbers of `entry` as float32. Throws where it does not hold floating-point numbers.
    public func tensor(_ entry: Entry) throws(FileError) -> Tensor {
        guard let type = ElementType(rawValue: entry.type) else {
            throw FileError(
                path: path,
                problem:
                    "tensor \(shown(entry.name.utf8)) has type \(shown(entry.type.utf8)), expected F32, F16, BF16 or F64",
                remedy: "save the model in one of these types")
        }
        return try source.withBytes { bytes in
            Tensor(bytes: bytes.extracting(entry.bytes), type: type, shape: entry.shape) { read in
                let start = entry.bytes.lowerBound
                source.forget(start + read.lowerBound..<start + read.upperBound)
            }
        }
    }

    /// The tensor of that name; `nil` where there is none.
    public func tensor(named name: String) throws(FileError) -> Tensor? {
        guard let entry = entries.first(where: { $0.name == name }) else { return nil }
        return try tensor(entry)
    }
}

/// Writes safetensors files.
public enum SafetensorsWriter {
    /// Writes `tensors` as float32 to a new file at `path` and brings it to disk.
    ///
    /// Names must differ. Throws a ``FileError``; a file cut short stays behind then, so write into a temporary
    /// place.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [(key: String, value: String)] = [],
        to path: String
    ) throws(FileError) {
        try write(tensors, metadata: metadata, to: path, waits: true)
    }

    /// The same, in a folder that ``FileBytes/replaceFolder(_:build:)`` brings to disk unless this `waits` for it; past
    /// the system's cache where nobody is about to read the file.
    package static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [(key: String, value: String)] = [],
        to path: String, waits: Bool, bypassesCache: Bool = false
    ) throws(FileError) {
        var members: [(key: String, value: JSON)] = []
        if !metadata.isEmpty {
            members.append(("__metadata__", .object(metadata.map { ($0.key, .string($0.value)) })))
        }
        var offset = 0
        for (name, tensor) in tensors {
            let end = offset + tensor.shape.count * ElementType.float32.size
            members.append(
                (
                    name,
                    [
                        "dtype": "F32", "shape": .array(tensor.shape.dimensions.map { .int($0) }),
                        "data_offsets": [.int(offset), .int(end)],
                    ]
                ))
            offset = end
        }
        precondition(
            Set(tensors.map(\.name)).count == tensors.count, "two tensors of one name for \(path)")
        var header = Array(JSON.object(members).text().utf8)
        // Data begins at a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        let length = UInt64(header.count)
        let file = try FileWriter(path: path, waits: waits, bypassesCache: bypassesCache)
        try file.write((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) })
        try file.write(header)
        for (_, tensor) in tensors {
            try tensor.withBytes { (bytes) throws(FileError) in try file.write(bytes) }
        }
        try file.close()
    }
}
