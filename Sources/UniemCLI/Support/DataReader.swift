import Uniem

/// Reads data sets and says on standard error what was recognised.
struct DataReader {
    /// New names for columns.
    var rename: [Renaming]
    var context: Context

    private var renaming: [(old: String, new: String)] { rename.map { ($0.old, $0.new) } }

    /// Loads the splits of `specification`.
    func loadSplits(_ specification: String, as part: String) throws -> DatasetDictionary {
        let data = try context.logger.timed("\(part) loaded") {
            try context.withHub {
                try Pretrained.dataset(specification, rename: renaming, hub: $0)
            }
        }
        for (name, split) in data.splits {
            let label = data.count > 1 ? "\(part), \(name)" : part
            for source in split.provenance.sources { context.say("\(label): \(source)") }
            sayLeftOut(split.provenance.skippedFiles)
        }
        sayLeftOut(data.skippedFiles)
        return data
    }

    /// Loads the rows of `specification`: the only split, or that called `split` of several.
    func load(_ specification: String, as part: String, split: String) throws -> Dataset {
        let data = try loadSplits(specification, as: part)
        if data.count == 1, let only = data.splits.first { return only.dataset }
        let found = split == "validation" ? data.validation : data[split]
        guard let found else {
            throw FileError(
                path: specification, problem: "there is no split \(split)",
                remedy: "choose one of \(data.names.joined(separator: ", ")) with #split=NAME")
        }
        return found
    }

    /// Opens the rows of `specification` as a stream.
    func stream(_ specification: String) throws -> RecordStream {
        let stream = try context.withHub {
            try Pretrained.stream(specification, rename: renaming, hub: $0)
        }
        for line in stream.description.split(separator: "\n") {
            context.say("training data: \(line)")
        }
        sayLeftOut(stream.skippedFiles)
        return stream
    }

    private func sayLeftOut(_ files: [String]) {
        guard !files.isEmpty else { return }
        context.say("note: left out, as no known format: \(files.joined(separator: ", "))")
    }
}
