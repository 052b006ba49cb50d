#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds what tests need but the repository must not hold: the reference made by the Python stack, real data sets,
/// and a real model.
public enum SharedReference {
    /// The folder of the reference, data and benchmark files: `UNIEM_SHARED`, or `shared` beside the repository.
    public static let folder: String? = {
        let environment = ProcessInfo.processInfo.environment["UNIEM_SHARED"]
        let root = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let candidates: [String?] = [
            environment, root.deletingLastPathComponent().appending(path: "shared").path,
        ]
        let found = candidates.compactMap { $0 }.first { path in
            FileManager.default.fileExists(atPath: path + "/reference/README.md")
        }
        if found == nil {
            print(
                "note: reference tests are skipped: no folder named by UNIEM_SHARED, nor ../shared")
        }
        return found
    }()

    /// Whether ``folder`` was found; for `.enabled(if:)`.
    public static var isAvailable: Bool { folder != nil }

    /// The path of `name` in the reference, as in `reference/losses/index.json`.
    public static func path(_ name: String) throws -> String {
        guard let folder else { throw MissingReference(name: name) }
        return folder + "/" + name
    }

    /// The folder of the real all-MiniLM-L6-v2: `UNIEM_MINILM`, or the place where `Scripts/quickstart` puts it.
    public static let miniLM: String? = {
        let environment = ProcessInfo.processInfo.environment
        let root = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let candidates: [String?] = [
            environment["UNIEM_MINILM"],
            root.appending(path: ".build/models/all-MiniLM-L6-v2").path,
        ]
        let found = candidates.compactMap { $0 }.first { path in
            FileManager.default.fileExists(atPath: path + "/model.safetensors")
        }
        if found == nil {
            print(
                "note: tests of the real all-MiniLM-L6-v2 are skipped: no folder named by UNIEM_MINILM"
            )
        }
        return found
    }()
}

/// A reference file was asked for although there is no reference.
public struct MissingReference: Error {
    /// What was asked for.
    public var name: String
}
