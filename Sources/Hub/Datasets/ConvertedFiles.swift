/// The hub's own copy of a data set as parquet files: `configuration/split/0000.parquet` at `refs/convert/parquet`.
struct ConvertedFiles {
    /// The revision that the hub keeps it under.
    static let revision = "refs/convert/parquet"

    /// The configurations in the order of their names, with their splits.
    let configurations: [(name: String, splits: DatasetRules.Splits, isPartial: Bool)]

    /// Reads the names of files, which say it all.
    init(paths: [String]) {
        var found: [(name: String, splits: DatasetRules.Splits, isPartial: Bool)] = []
        for path in paths.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        where path.hasSuffix(".parquet") {
            let parts = path.utf8.split(separator: UInt8(ascii: "/")).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard (2...3).contains(parts.count) else { continue }
            var split: String
            if parts.count == 3 {
                split = parts[1]
            } else {
                // An older form: `configuration/name-split.parquet` or `name-split-00000-of-00002.parquet`.
                var words = parts[1].utf8.dropLast(8).split(separator: UInt8(ascii: "-")).map {
                    String(decoding: $0, as: UTF8.self)
                }
                if words.count > 3, words[words.count - 2] == "of" { words.removeLast(3) }
                split = words.last ?? ""
            }
            let isPartial = split.hasPrefix("partial-")
            if isPartial { split.removeFirst("partial-".count) }
            guard DatasetCard.isSplitName(split) else { continue }
            let index: Int
            if let known = found.firstIndex(where: { $0.name == parts[0] }) {
                index = known
            } else {
                index = found.count
                found.append((parts[0], [], false))
            }
            found[index].isPartial = found[index].isPartial || isPartial
            if let known = found[index].splits.firstIndex(where: { $0.name == split }) {
                found[index].splits[known].files.append(path)
            } else {
                found[index].splits.append((split, [path]))
            }
        }
        configurations = found.map { ($0.name, DatasetRules.ordered($0.splits), $0.isPartial) }
    }
}
