import Files

/// The records of several files, one file after another, all of one kind.
struct RecordChain {
    private let files: [SourcePath]
    private let renaming: Renaming
    private var reader: RecordReader
    private var nextFile = 1
    private var isEnded = false
    private let first: (place: String, kind: RecordKind)
    private var finished: [Provenance.Source] = []

    /// What the records are.
    var kind: RecordKind { first.kind }

    /// What was read so far, and how it was understood.
    var sources: [Provenance.Source] { finished + [reader.source] }

    /// Opens the first of `files`, of which there must be one; the others are opened when it is
    /// their turn. Where `kind` is given, the first must be of it too; `first` names a file that
    /// is.
    init(
        files: [SourcePath], renaming: Renaming, first: (place: String, kind: RecordKind)? = nil
    ) throws(FileError) {
        guard let start = files.first else {
            throw FileError(path: "dataset", problem: "no file", remedy: "name one")
        }
        self.files = files
        self.renaming = renaming
        reader = try RecordReader(start, renaming: renaming)
        self.first = first ?? (reader.source.place, reader.kind)
        try check(reader)
    }

    /// The next record, or `nil` at the end of the last file. Throws what ``RecordReader`` throws,
    /// and a `FileError` for a file of another kind.
    mutating func next() throws(FileError) -> Record? {
        while !isEnded {
            if let record = try reader.next() { return record }
            try openNext()
        }
        return nil
    }

    /// Passes over the next record without checking it; false at the end.
    mutating func skip() throws(FileError) -> Bool {
        while !isEnded {
            if try reader.skip() { return true }
            try openNext()
        }
        return false
    }

    private mutating func openNext() throws(FileError) {
        guard nextFile < files.count else {
            isEnded = true
            return
        }
        let next = try RecordReader(files[nextFile], renaming: renaming)
        try check(next)
        finished.append(reader.source)
        reader = next
        nextFile += 1
    }

    private func check(_ reader: RecordReader) throws(FileError) {
        guard reader.kind != kind else { return }
        throw FileError(
            path: reader.source.path,
            problem: "holds \(reader.kind.plural) (\(reader.source.recognition)), but "
                + "\(first.place) holds \(kind.plural)",
            remedy: "one data set is of one kind; name only files of that kind")
    }
}
