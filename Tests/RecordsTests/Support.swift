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
func failure(
    _ name: String, _ text: String, select: String = "", rename: [(old: String, new: String)] = []
) throws -> String {
    try failure(name, bytes: Array(text.utf8), select: select, rename: rename)
}

func failure(
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
        let text = error.description.replacing(scratch.path + "/", with: "")
        #expect(!text.contains("\n"), "an error is one line")
        return text
    }
}

/// What loading `text` as a file called `name` gives.
func load(
    _ name: String, _ text: String, select: String = "", rename: [(old: String, new: String)] = []
) throws -> Dataset {
    let scratch = try Scratch()
    return try Dataset.load(try scratch.file(name, text) + select, rename: rename)
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
