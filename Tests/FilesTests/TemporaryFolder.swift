import Files
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder that is there for the time of `body`.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/uniem-files-\(UUID().uuidString)"
    try FileBytes.makeFolder(folder)
    defer { try? FileBytes.remove(folder) }
    return try body(folder)
}

/// Writes `bytes` to a new file in `folder`.
func write(_ bytes: [UInt8], _ name: String, in folder: String) throws -> String {
    let path = folder + "/" + name
    // Cutting an old file to nothing would make some file systems wait for the disk.
    try FileBytes.remove(path)
    let file = try FileWriter(path: path)
    // Not closed, which would bring it to disk: these files are read at once and removed.
    try file.write(bytes)
    return path
}

/// The error that `body` throws; records an issue and answers `nil` where it throws none, or one of another type.
func fileError(
    _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) -> FileError? {
    do {
        try body()
        Issue.record("no error: \(what)", sourceLocation: sourceLocation)
    } catch let error as FileError {
        #expect(
            !error.description.utf8.contains(0x0A), "more than one line: \(error)",
            sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(what): \(type(of: error)) \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// Numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
