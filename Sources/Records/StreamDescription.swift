public import Files

/// What a ``RecordStream`` reads, as data: for the record of a run that goes on later.
public struct StreamDescription: Sendable, Equatable {
    /// One file.
    public struct File: Sendable, Equatable {
        /// Where it is.
        public var path: String
        /// The column that rows are selected by, and what it must hold.
        public var selection: Selection?

        /// Rows with a value in a column.
        public struct Selection: Sendable, Equatable {
            /// The column.
            public var column: String
            /// What it must hold.
            public var value: String
        }
    }

    /// The files in order.
    public var files: [File]
    /// New names for columns, one after the other: old, new, old, new.
    public var renames: [String]
    /// How the records are shuffled, where the stream itself does it.
    public var shuffle: RecordStream.Shuffle?

    /// The paths made absolute, so that the description holds in another working folder.
    public var absolute: StreamDescription {
        var result = self
        for index in files.indices {
            result.files[index].path = FileBytes.absolute(files[index].path)
        }
        return result
    }

    /// The paths.
    public var text: String { files.map(\.path).joined(separator: ",") }

    /// As an object.
    public var json: JSON {
        [
            "files": .array(
                files.map { file in
                    var json: JSON = ["path": .string(file.path)]
                    if let selection = file.selection {
                        json.set("column", .string(selection.column))
                        json.set("value", .string(selection.value))
                    }
                    return json
                }),
            "rename": .array(renames.map(JSON.string)),
            "shuffle": shuffle.map {
                ["buffer": .int($0.buffer), "seed": .number(String($0.seed))]
            } ?? .null,
        ]
    }

    /// Reads what ``json`` wrote, in the file at `path`; throws a ``FileError`` for anything else.
    public init(_ json: JSON, path: String) throws(FileError) {
        func problem(_ what: String) -> FileError {
            FileError(
                path: path, problem: "the stream of records: \(what)",
                remedy: "undo the change that was made to the file")
        }
        guard let files = json["files"]?.array, let renames = json["rename"]?.array else {
            throw problem("no files or rename")
        }
        self.files = []
        for file in files {
            guard let place = file["path"]?.string else { throw problem("a file without path") }
            var entry = File(path: place)
            if let column = file["column"]?.string, let value = file["value"]?.string {
                entry.selection = File.Selection(column: column, value: value)
            }
            self.files.append(entry)
        }
        self.renames = renames.compactMap(\.string)
        guard self.renames.count == renames.count, renames.count % 2 == 0 else {
            throw problem("rename is no list of pairs")
        }
        if let shuffle = json["shuffle"], !shuffle.isNull {
            guard let buffer = shuffle["buffer"]?.int, buffer >= 1,
                case .number(let text)? = shuffle["seed"], let seed = UInt64(text)
            else { throw problem("shuffle without buffer or seed") }
            self.shuffle = RecordStream.Shuffle(buffer: buffer, seed: seed)
        }
    }

    init(files: [File], renames: [String], shuffle: RecordStream.Shuffle?) {
        (self.files, self.renames, self.shuffle) = (files, renames, shuffle)
    }
}

extension RecordStream {
    /// What is read.
    public var specification: StreamDescription {
        StreamDescription(
            files: files.map { file in
                StreamDescription.File(
                    path: file.path,
                    selection: file.selection.map {
                        StreamDescription.File.Selection(column: $0.column, value: $0.value)
                    })
            }, renames: renames, shuffle: shuffle)
    }

    /// The records that `description` describes; throws as ``init(_:rename:)``.
    public init(_ description: StreamDescription) throws(FileError) {
        let pairs = stride(from: 0, to: description.renames.count - 1, by: 2).map {
            (old: description.renames[$0], new: description.renames[$0 + 1])
        }
        try self.init(
            description.files.map { file in
                SourcePath(
                    path: file.path,
                    selection: file.selection.map {
                        Selection(column: $0.column, value: $0.value)
                    })
            }, skipped: [], named: description.text, rename: pairs)
        if let shuffle = description.shuffle {
            self = shuffled(buffer: shuffle.buffer, seed: shuffle.seed)
        }
    }
}
