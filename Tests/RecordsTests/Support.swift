import Files
import Records
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder for one test, removed afterwards.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/records-" + UUID().uuidString
        try FileBytes.makeFolder(path)
    }

    deinit { try? FileBytes.remove(path) }

    /// Writes `text` to a file called `name`, and gives its path.
    func file(_ name: String, _ text: String) throws -> String {
        try file(name, bytes: Array(text.utf8))
    }

    func file(_ name: String, bytes: [UInt8]) throws -> String {
        try FileBytes.writeAtomically(bytes, to: path + "/" + name)
        return path + "/" + name
    }
}

/// The error of loading `text` as a file called `name`, without the folder: one line such as
/// `a.csv:2: ...`.
///
/// Expects the same error of a stream, and of both for the file gzipped.
func failure(
    _ name: String, _ text: String, select: String = "", rename: [(old: String, new: String)] = []
) throws -> String {
    try failure(name, bytes: Array(text.utf8), select: select, rename: rename)
}

func failure(
    _ name: String, bytes: [UInt8], select: String = "",
    rename: [(old: String, new: String)] = []
) throws -> String {
    let message = try plainFailure(name, bytes: bytes, select: select, rename: rename)
    guard !bytes.starts(with: [0x1F, 0x8B]), !bytes.starts(with: Array("PAR1".utf8)) else {
        return message
    }
    let packed = try plainFailure(
        name + ".gz", bytes: gzipped(bytes), select: select, rename: rename)
    #expect(packed.replacing(name + ".gz", with: name) == message)
    return message
}

/// The error of loading `bytes` as they are; expects the same of a stream.
func plainFailure(
    _ name: String, bytes: [UInt8], select: String = "",
    rename: [(old: String, new: String)] = []
) throws -> String {
    let scratch = try Scratch()
    let path = try scratch.file(name, bytes: bytes)
    do {
        let data = try Dataset.load(path + select, rename: rename)
        Issue.record("\(name) was loaded: \(data)")
        return ""
    } catch {
        #expect(error == streamFailure(path + select, rename: rename))
        let text = error.description.replacing(scratch.path + "/", with: "")
        #expect(!text.utf8.contains(0x0A), "an error is one line")
        return text
    }
}

/// The error of opening and reading a stream.
func streamFailure(
    _ specification: String, rename: [(old: String, new: String)] = []
) -> FileError? {
    do throws(FileError) {
        let records = try RecordStream(specification, rename: rename).records(epoch: 0)
        while try records.next() != nil {}
        return nil
    } catch {
        return error
    }
}

/// `bytes` as gzip, not compressed: stored blocks.
func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var start = 0
    repeat {
        let end = min(start + 65535, bytes.count)
        let size = UInt32(end - start)
        out +=
            [end == bytes.count ? 1 : 0] + little(size, 2) + little(~size, 2) + bytes[start..<end]
        start = end
    } while start < bytes.count
    var check: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        check ^= UInt32(byte)
        for _ in 0..<8 { check = check >> 1 ^ (check & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return out + little(~check, 4) + little(UInt32(truncatingIfNeeded: bytes.count), 4)
}

/// gzip of `start` and then more than `count` times `byte` (below 0x90), which takes some 6 KB for
/// each MB. It breaks off after that.
func gzipBomb(_ start: String, _ byte: UInt8, count: Int) -> [UInt8] {
    var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var held: UInt32 = 0
    var size = 0
    func add(_ code: UInt32, _ bits: Int) {
        // Codes stand with their highest bit first, in bytes that fill from the lowest.
        for bit in (0..<bits).reversed() {
            held |= (code >> UInt32(bit) & 1) << UInt32(size)
            size += 1
            if size == 8 {
                out.append(UInt8(held))
                (held, size) = (0, 0)
            }
        }
    }
    // The last block: no. Its codes: the fixed ones (01, lowest bit first).
    add(0b010, 3)
    for byte in Array(start.utf8) + [byte] { add(0x30 + UInt32(byte), 8) }
    // 258 bytes from one byte back: length code 285, distance code 0.
    for _ in 0...(count / 258) {
        add(0b1100_0101, 8)
        add(0, 5)
    }
    return out
}

/// What loading `text` as a file called `name` gives.
func load(
    _ name: String, _ text: String, select: String = "", rename: [(old: String, new: String)] = []
) throws -> Dataset {
    let scratch = try Scratch()
    let data = try Dataset.load(try scratch.file(name, text) + select, rename: rename)
    // A stream gives the same, and so does gzip.
    let packed = try scratch.file(name + ".gz", bytes: gzipped(Array(text.utf8)))
    let stream = try RecordStream(packed + select, rename: rename)
    #expect(try stream.count() == data.count)
    #expect(try stream.fingerprintText() == data.fingerprintText)
    return data
}

/// SplitMix64 for tests that draw; prints nothing, repeats always.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
