public import Files

extension Dataset {
    /// Reads all that can be read of `specification`, and says what is wrong with the rest.
    ///
    /// ``load(_:rename:)`` ends at the first bad row; this passes over up to `limit` of them. What
    /// cannot be read on after (a file that is cut off, JSON that breaks off) ends the survey.
    ///
    /// - Returns: The good records, and an error for each bad row, in order.
    /// - Throws: A ``FileError`` where a file cannot be opened or its fields are not recognised.
    public static func survey(
        _ specification: String, rename: [(old: String, new: String)] = [], limit: Int = 1000
    ) throws(FileError) -> (dataset: Dataset, problems: [FileError]) {
        let (files, skipped) = try SourcePath.files(of: specification)
        var chain = try RecordChain(files: files, renaming: Renaming(rename))
        var collector = RecordCollector(kind: chain.kind)
        var problems: [FileError] = []
        while problems.count < limit {
            do throws(FileError) {
                guard let record = try chain.next() else { break }
                collector.add(record)
            } catch {
                // The same complaint again: the reader stands still.
                if error == problems.last { break }
                problems.append(error)
            }
        }
        let provenance = Provenance(sources: chain.sources, skippedFiles: skipped)
        return (Dataset(collector.records, provenance: provenance), problems)
    }
}
