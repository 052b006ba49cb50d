import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes a file piece by piece beside its place; it appears there when it is complete.
final class AtomicFile {
    private let path: String
    private let temporary: String
    private let file: FileWriter
    private var isFinished = false

    /// Begins the file at `path`. Throws a ``FileError`` where it cannot be made.
    init(path: String) throws(FileError) {
        self.path = path
        temporary = path + ".partial-\(getpid())"
        if FileBytes.isFolder(path) {
            throw FileError(
                path: path, problem: "a folder stands there", remedy: "choose another name")
        }
        do throws(FileError) {
            file = try FileWriter(path: temporary)
        } catch {
            throw AtomicFile.renamed(error, to: path)
        }
    }

    deinit { if !isFinished { try? FileBytes.remove(temporary) } }

    /// Appends `bytes`.
    func write(_ bytes: [UInt8]) throws(FileError) {
        do throws(FileError) {
            try file.write(bytes)
        } catch {
            throw AtomicFile.renamed(error, to: path)
        }
    }

    /// Appends the bytes of `span`.
    func write(_ span: RawSpan) throws(FileError) {
        do throws(FileError) {
            try file.write(span)
        } catch {
            throw AtomicFile.renamed(error, to: path)
        }
    }

    /// Brings the file to disk and into its place.
    func finish() throws(FileError) {
        do throws(FileError) {
            try file.close()
        } catch {
            throw AtomicFile.renamed(error, to: path)
        }
        guard unsafe rename(temporary, path) == 0 else {
            throw FileError(path: path, action: "rename the finished file", code: errno)
        }
        isFinished = true
        try FileBytes.synchronize(folder: FileBytes.parent(of: path) ?? ".")
    }

    /// The same complaint about the file that the user knows of.
    private static func renamed(_ error: FileError, to path: String) -> FileError {
        var error = error
        error.path = path
        return error
    }
}
