internal import Files
public import Records

/// A data set of a run as `run.json` describes it; rows that were in memory lie beside it in `data/`, so that the run
/// can go on without the files they came from.
struct StoredDataset {
    /// What it is called in the record of the run.
    var name: String
    var kind: RecordKind
    /// How many rows it has; `nil` for a stream that was not counted.
    var rows: Int?
    /// Of the rows in memory, or of the files of a stream.
    var fingerprint: String
    /// The loss of its own, where it has one.
    var loss: LossName?
    /// Where the rows came from, for people.
    var sources: [String]
    var storage: Storage

    enum Storage: Equatable {
        /// A file in the folder of the run.
        case copy(String)
        /// Files that are read anew.
        case stream(StreamDescription)
    }

    /// Writes the rows of `dataset` to `file` in the folder of a run.
    init(
        writing dataset: Dataset, name: String, loss: LossName?, to file: String, in folder: String
    ) throws(FileError) {
        (self.name, self.loss) = (name, loss)
        (kind, rows) = (dataset.kind, dataset.count)
        fingerprint = dataset.fingerprintText
        sources =
            dataset.provenance.sources.map(\.description)
            + (dataset.provenance.part.map { [$0] } ?? [])
        storage = .copy(file)
        try dataset.writeJSONLines(to: folder + "/" + file)
    }

    /// Describes `stream`, which has `count` rows where they were counted.
    init(
        _ stream: RecordStream, name: String, loss: LossName?, count: Int?
    ) throws(FileError) {
        (self.name, self.loss, kind, rows) = (name, loss, stream.kind, count)
        // Of the absolute paths, as it is compared later from any folder.
        let absolute = stream.specification.absolute
        fingerprint = try RecordStream(absolute).quickFingerprintText()
        sources = stream.description.split(separator: "\n").map(String.init)
        storage = .stream(absolute)
    }

    var json: JSON {
        var json: JSON = [
            "name": .string(name), "kind": .string(kind.rawValue),
            "rows": rows.map(JSON.int) ?? .null, "fingerprint": .string(fingerprint),
            "loss": loss.map { .string($0.rawValue) } ?? "auto",
            "sources": .array(sources.map(JSON.string)),
        ]
        switch storage {
        case .copy(let file): json.set("file", .string(file))
        case .stream(let stream): json.set("stream", stream.json)
        }
        return json
    }

    init(_ json: JSON, path: String) throws(FileError) {
        var reader = SettingsReader(json, path: path)
        name = try reader.text("name")
        kind = try reader.name("kind")
        rows = try reader.optionalInt("rows")
        fingerprint = try reader.text("fingerprint")
        loss = try reader.optionalName("loss")
        sources = try reader.texts("sources")
        if json["file"] != nil {
            storage = .copy(try reader.text("file"))
        } else {
            storage = .stream(try StreamDescription(reader.object("stream"), path: path))
        }
        try reader.finish()
    }

    /// The data set, from the folder of the run at `folder`.
    ///
    /// Throws a `FileError` where it cannot be read, or is not what the run began with: going on would make another
    /// model without a word.
    func load(from folder: String) throws -> TrainingData {
        switch storage {
        case .copy(let file):
            let path = folder + "/" + file
            guard FileBytes.exists(path) else {
                throw FileError(
                    path: path, problem: "the rows of \(name) are missing from the run",
                    remedy: "put the file back; the run cannot go on without it")
            }
            let dataset = try Dataset.load(files: [path])
            try check(dataset.fingerprintText, path)
            return .memory(Dataset(dataset.records, provenance: Provenance(part: name)))
        case .stream(let description):
            let stream: RecordStream
            do {
                stream = try RecordStream(description)
            } catch {
                throw FileError(
                    path: error.path, problem: "\(error.problem) (the data of the run, read anew)",
                    remedy: "put the files of \(name) back where they were")
            }
            try check(try stream.quickFingerprintText(), description.text)
            return .stream(stream)
        }
    }

    private func check(_ found: String, _ place: String) throws(FileError) {
        guard found == fingerprint else {
            throw FileError(
                path: place,
                problem: "the data have changed since the run began: fingerprint \(found), "
                    + "expected \(fingerprint)",
                remedy: "put the old data back, or begin a new run with the new ones")
        }
    }
}

extension Dataset {
    /// Writes the records as JSON lines under uniem's names, which ``load(_:rename:)`` reads back to the bit.
    ///
    /// Throws a `FileError` where the file cannot be written.
    public func writeJSONLines(to path: String) throws(FileError) {
        let file = try FileWriter(path: path)
        let names = kind.fieldNames
        var lines = ""
        for index in 0..<count {
            let record = records[index]
            for (place, text) in record.texts.enumerated() {
                lines += (place == 0 ? "{\"" : ", \"") + names[place] + "\": "
                lines += JSON.string(text).text()
            }
            if let label = record.label { lines += ", \"label\": " + JSON.double(label).text() }
            lines += "}\n"
            if lines.utf8.count > 1 << 20 {
                try file.write(Array(lines.utf8))
                lines = ""
            }
        }
        try file.write(Array(lines.utf8))
        try file.close()
    }
}
