import Files

/// Which rows of a file are wanted.
struct Selection: Equatable, CustomStringConvertible {
    /// The column, as it is called in the file (before any renaming).
    var column: String
    /// What it must hold.
    var value: String

    var description: String { "\(column)=\(value)" }
}

/// One part of a specification: a path, with `#column=value` or not.
struct SourcePath: Equatable {
    var path: String
    var selection: Selection?

    /// Reads `text`; a path that exists as it stands has no selection.
    init(_ text: String) throws(FileError) {
        guard !text.isEmpty else {
            throw FileError(
                path: "dataset", problem: "an empty path",
                remedy: "name a file, a folder, or several separated by commas")
        }
        path = text
        guard !FileBytes.exists(text), let hash = text.utf8.lastIndex(of: UInt8(ascii: "#")) else {
            return
        }
        let condition = text[text.utf8.index(after: hash)...]
        guard let equals = condition.utf8.firstIndex(of: UInt8(ascii: "=")),
            equals != condition.startIndex, hash != text.startIndex
        else {
            throw FileError(
                path: text, problem: "'#' must be followed by column=value",
                remedy: "write for example data.tsv#split=train")
        }
        path = String(text[..<hash])
        selection = Selection(
            column: String(condition[..<equals]),
            value: String(condition[condition.utf8.index(after: equals)...]))
    }

    init(path: String, selection: Selection?) {
        self.path = path
        self.selection = selection
    }

    /// The path and the selection as they are written.
    var text: String { path + (selection.map { "#\($0)" } ?? "") }

    /// Whether a file called `name` in a folder is data: its ending is known, and it is none of the
    /// files that Hugging Face keeps beside data.
    static func isData(_ name: String) -> Bool {
        let notes = [
            "config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json",
        ]
        return FileFormat(fileName: name) != nil && !notes.contains(name)
    }

    /// The files that `specification` names: one path, or several separated by commas; a folder
    /// stands for the files in it whose names end in a known format, sorted by name.
    static func files(
        of specification: String
    ) throws(FileError) -> (files: [SourcePath], skipped: [String]) {
        // A path that holds a comma is one path where it exists.
        let parts =
            FileBytes.exists(specification)
            ? [specification]
            : specification.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var files: [SourcePath] = []
        var skipped: [String] = []
        for text in parts {
            let part = try SourcePath(text)
            guard FileBytes.isFolder(part.path) else {
                files.append(part)
                continue
            }
            let folder = part.path.hasSuffix("/") ? part.path : part.path + "/"
            let before = files.count
            for name in try FileBytes.names(in: part.path) {
                let path = folder + name
                if name.hasPrefix(".") || FileBytes.isFolder(path) { continue }
                if !isData(name) {
                    skipped.append(path)
                } else {
                    files.append(SourcePath(path: path, selection: part.selection))
                }
            }
            guard files.count > before else {
                throw FileError(
                    path: part.path, problem: "the folder has no file of a known format",
                    remedy: "names must end in \(FileFormat.endings), or that and .gz")
            }
        }
        return (files, skipped)
    }
}
