internal import Crypto
public import Files

/// The list of the files of a folder with their sizes and SHA-256, written last: a folder is complete when its
/// manifest is there and true.
public enum Manifest {
    /// The name of the manifest in its folder.
    public static let fileName = "manifest.json"

    /// Writes the manifest of all files below `folder`, which `FileBytes.replaceFolder` brings to disk and in its place.
    ///
    /// - Parameter hashes: whether the SHA-256 are written, or left to ``seal(_:)``.
    public static func write(
        for folder: String, about: [(key: String, value: JSON)] = [], hashes: Bool = true
    ) throws {
        var files: [(key: String, value: JSON)] = []
        for name in try names(below: folder) where name != fileName {
            let path = folder + "/" + name
            var file: JSON = ["size": .int(try FileBytes.size(path))]
            if hashes { file.set("sha256", .string(try sha256(path))) }
            files.append((name, file))
        }
        let state: [(key: String, value: JSON)] = hashes ? [] : [(sealedKey, .bool(false))]
        let json = JSON.object([("version", 1)] + about + state + [("files", .object(files))])
        try FileBytes.write(
            Array((json.text(indent: 2) + "\n").utf8), to: folder + "/" + fileName)
    }

    /// Adds the SHA-256 that the manifest of `folder` has been written without. Throws a ``FileError`` where a file is
    /// not as long as the manifest says.
    public static func seal(_ folder: String) throws {
        let json = try checked(folder)
        guard isUnsealed(json) else { return }
        let members = try (json.members ?? []).compactMap { key, value -> (String, JSON)? in
            guard key == "files" else { return key == sealedKey ? nil : (key, value) }
            let files = try (value.members ?? []).map { name, file -> (String, JSON) in
                var file = file
                file.set("sha256", .string(try sha256(folder + "/" + name)))
                return (name, file)
            }
            return (key, .object(files))
        }
        let sealed = JSON.object(members)
        try FileBytes.writeAtomically(sealed.text(indent: 2) + "\n", to: folder + "/" + fileName)
    }

    /// The key that says that the hashes are still to be added.
    private static let sealedKey = "sealed"

    private static func isUnsealed(_ json: JSON) -> Bool { json[sealedKey]?.bool == false }

    /// Checks `folder` against its manifest; throws a ``FileError`` that names the first file that differs. Where
    /// ``seal(_:)`` had no time to add the SHA-256, only the sizes are checked.
    public static func verify(_ folder: String) throws {
        let json = try checked(folder)
        if isUnsealed(json) { return }
        for (name, value) in json["files"]?.members ?? [] {
            let path = folder + "/" + name
            guard try sha256(path) == value["sha256"]?.string else {
                throw FileError(
                    path: path, problem: "its SHA-256 is not that of the manifest",
                    remedy: "the file was changed or damaged; use an older checkpoint")
            }
        }
    }

    /// The manifest of `folder`, whose files are as long as it says.
    private static func checked(_ folder: String) throws -> JSON {
        let json = try JSON(contentsOf: folder + "/" + fileName)
        guard let files = json["files"]?.members else {
            throw FileError(path: folder + "/" + fileName, problem: "no list of files")
        }
        for (name, value) in files {
            let path = folder + "/" + name
            let size = try FileBytes.size(path)
            guard size == value["size"]?.int else {
                throw FileError(
                    path: path,
                    problem:
                        "\(size) bytes, the manifest says \(value["size"]?.text() ?? "nothing")",
                    remedy: "the file is torn; use an older checkpoint")
            }
        }
        return json
    }

    /// The SHA-256 of the file at `path`, in hexadecimal.
    public static func sha256(_ path: String) throws -> String {
        // Read, not mapped: mapped pages would count as memory of this process.
        let stream = try ByteStream(path: path, pieceSize: 1 << 20, decompresses: false)
        var hash = SHA256()
        while true {
            let piece = try stream.next()
            if piece.isEmpty { break }
            hash.update(data: piece)
        }
        return hex(hash.finalize())
    }

    /// The SHA-256 of `bytes`, in hexadecimal.
    public static func sha256(of bytes: [UInt8]) -> String { hex(SHA256.hash(data: bytes)) }

    private static func hex(_ digest: SHA256.Digest) -> String {
        digest.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func names(below folder: String, prefix: String = "") throws(FileError)
        -> [String]
    {
        var result: [String] = []
        for name in try FileBytes.names(in: prefix.isEmpty ? folder : folder + "/" + prefix) {
            let relative = prefix.isEmpty ? name : prefix + "/" + name
            if FileBytes.isFolder(folder + "/" + relative) {
                result += try names(below: folder, prefix: relative)
            } else {
                result.append(relative)
            }
        }
        return result
    }
}
