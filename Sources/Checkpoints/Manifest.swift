internal import Crypto
public import Files

/// The list of the files of a folder with their sizes and SHA-256, written last: a folder is complete when its
/// manifest is there and true.
public enum Manifest {
    /// The name of the manifest in its folder.
    public static let fileName = "manifest.json"

    /// Writes the manifest of all files below `folder`, which `FileBytes.replaceFolder` brings to disk and in its place.
    public static func write(for folder: String, about: [(key: String, value: JSON)] = []) throws {
        var files: [(key: String, value: JSON)] = []
        for name in try names(below: folder) where name != fileName {
            let path = folder + "/" + name
            files.append(
                (
                    name,
                    ["size": .int(try FileBytes.size(path)), "sha256": .string(try sha256(path))]
                ))
        }
        let json = JSON.object([("version", 1)] + about + [("files", .object(files))])
        try FileBytes.write(
            Array((json.text(indent: 2) + "\n").utf8), to: folder + "/" + fileName)
    }

    /// Checks `folder` against its manifest; throws a ``FileError`` that names the first file that differs.
    public static func verify(_ folder: String) throws {
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
            guard try sha256(path) == value["sha256"]?.string else {
                throw FileError(
                    path: path, problem: "its SHA-256 is not that of the manifest",
                    remedy: "the file was changed or damaged; use an older checkpoint")
            }
        }
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
