public import Files
public import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder that is there for the time of `body`.
public func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder =
        FileManager.default.temporaryDirectory.path + "/uniem-test-\(UUID().uuidString)"
    try FileBytes.makeFolder(folder)
    defer { try? FileBytes.remove(folder) }
    return try body(folder)
}

/// Copies all files of the folder `source` to the new folder `target`.
public func copyFolder(_ source: String, to target: String) throws {
    try FileBytes.makeFolder(target)
    for name in try FileBytes.names(in: source) {
        let (from, to) = (source + "/" + name, target + "/" + name)
        if FileBytes.isFolder(from) {
            try copyFolder(from, to: to)
        } else {
            try FileBytes.writeAtomically(try FileBytes.read(from), to: to)
        }
    }
}

/// The error that `body` throws, which must be one line; records an issue and answers `nil` where it throws none, or
/// one of another type.
public func fileError(
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
