import Files
import TestSupport
import Testing

@testable import Checkpoints

/// The path of a file in `Tests/Fixtures/torch`, made by `Tests/References/torch_files.py`.
func torchFixture(_ name: String) -> String {
    GoldenRoot.all[0].folder + "/../torch/" + name
}

/// Bytes of a pickle, written operation by operation.
struct PickleWriter {
    var bytes: [UInt8] = [0x80, 2]

    /// Text or raw bytes of operations.
    static func raw(_ text: String) -> [UInt8] { Array(text.utf8) }
    /// A name as BINUNICODE.
    static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + littleEndian(text.utf8.count, 4) + Array(text.utf8)
    }
    /// A number as LONG1 of eight bytes.
    static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(value, 8) }
    /// A name of a module and what is in it, as GLOBAL.
    static func global(_ module: String, _ name: String) -> [UInt8] {
        raw("c\(module)\n\(name)\n")
    }
    /// A tuple of `items`.
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { raw("(") + items.flatMap(\.self) + raw("t") }
    /// A reference to storage `key`.
    static func storage(
        _ key: String = "0", type: [UInt8] = global("torch", "FloatStorage"), count: Int = 4
    ) -> [UInt8] {
        tuple([text("storage"), type, text(key), text("cpu"), int(count)]) + raw("Q")
    }
    /// A tensor of float32.
    static func tensor(
        _ sizes: [Int], _ strides: [Int], offset: Int = 0, storage: [UInt8] = storage()
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([
                storage, int(offset), tuple(sizes.map(int)), tuple(strides.map(int)), [0x89],
                raw("}"),
            ]) + raw("R")
    }
    /// A whole pickle that leaves a dictionary of `members`.
    static func dictionary(_ members: [(name: String, value: [UInt8])]) -> [UInt8] {
        [0x80, 2] + raw("}(") + members.flatMap { text($0.name) + $0.value } + raw("u.")
    }
    /// A whole pickle whose one tensor's place holds `value`.
    static func member(_ value: [UInt8]) -> [UInt8] { dictionary([("w", value)]) }
}

/// The lowest `size` bytes of `value`.
func littleEndian(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Writes zip archives, honest ones and others.
struct ZipWriter {
    struct Entry {
        var name: String
        var bytes: [UInt8]
        var method = 0
        var flags = 0
        /// What the table says, where that is not true.
        var size: Int?
        var packed: Int?
        var offset: Int?
        /// Another name in the local header.
        var localName: String?
        var extra: [UInt8] = []
        var checksum = 0
    }

    var entries: [Entry] = []
    var announced: Int?
    var tableOffset: Int?
    var tableSize: Int?
    var disk = 0
    var comment: [UInt8] = []
    /// A zip64 record and its locator, as given: entries, size and offset of the table.
    var wide: (entries: Int, size: Int, offset: Int)?
    var wideLocator: Int?

    /// The file.
    var file: [UInt8] {
        var file: [UInt8] = []
        var table: [UInt8] = []
        for entry in entries {
            let start = file.count
            let name = Array((entry.localName ?? entry.name).utf8)
            file += littleEndian(0x0403_4B50, 4) + littleEndian(20, 2)
            file += littleEndian(entry.flags, 2) + littleEndian(entry.method, 2)
            file += littleEndian(0, 16) + littleEndian(name.count, 2) + littleEndian(0, 2)
            file += name + entry.bytes
            let listed = Array(entry.name.utf8)
            table += littleEndian(0x0201_4B50, 4) + littleEndian(20, 2) + littleEndian(20, 2)
            table += littleEndian(entry.flags, 2) + littleEndian(entry.method, 2)
            table += littleEndian(0, 4) + littleEndian(entry.checksum, 4)
            table += littleEndian(entry.packed ?? entry.bytes.count, 4)
            table += littleEndian(entry.size ?? entry.bytes.count, 4)
            table += littleEndian(listed.count, 2) + littleEndian(entry.extra.count, 2)
            table += littleEndian(0, 10) + littleEndian(entry.offset ?? start, 4)
            table += listed + entry.extra
        }
        let tableStart = file.count
        file += table
        if let wide {
            let record = file.count
            file += littleEndian(0x0606_4B50, 4) + littleEndian(44, 8) + littleEndian(0, 12)
            file += littleEndian(wide.entries, 8) + littleEndian(wide.entries, 8)
            file += littleEndian(wide.size, 8) + littleEndian(wide.offset, 8)
            file += littleEndian(0x0706_4B50, 4) + littleEndian(0, 4)
            file += littleEndian(wideLocator ?? record, 8) + littleEndian(1, 4)
        }
        let count = announced ?? entries.count
        file += littleEndian(0x0605_4B50, 4) + littleEndian(disk, 2) + littleEndian(disk, 2)
        file += littleEndian(count, 2) + littleEndian(count, 2)
        file += littleEndian(tableSize ?? table.count, 4)
        file += littleEndian(tableOffset ?? tableStart, 4)
        return file + littleEndian(comment.count, 2) + comment
    }

    /// An archive of torch.save with that pickle and one storage of four numbers 1, 2, 3, 4.
    init(pickle: [UInt8]) {
        entries = [
            Entry(name: "m/data.pkl", bytes: pickle),
            Entry(name: "m/data/0", bytes: [1, 2, 3, 4].flatMap(floatBytes)),
        ]
    }
}

/// The bytes of a float32.
func floatBytes(_ value: Float) -> [UInt8] { littleEndian(Int(value.bitPattern), 4) }

/// Opens a file of torch.save from memory.
func openTorch(_ bytes: [UInt8]) throws(FileError) -> TorchFile {
    try TorchFile(WeightBytes(bytes, path: "memory"))
}

/// The one-line error for an archive with that pickle.
func refusal(
    _ pickle: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) -> String? {
    refusal(file: ZipWriter(pickle: pickle).file, sourceLocation: sourceLocation)
}

/// The one-line error for that file.
func refusal(
    file: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) -> String? {
    do throws(FileError) {
        try fuzzTorchFile(file)
        Issue.record("the file was read", sourceLocation: sourceLocation)
        return nil
    } catch {
        #expect(
            !error.description.utf8.contains(0x0A) && error.description.utf8.count < 600,
            sourceLocation: sourceLocation)
        return error.description
    }
}
