import Files

/// New names for columns, all given at once (so that two names can be swapped).
struct Renaming: Sendable {
    private let pairs: [(old: String, new: String)]

    init(_ pairs: [(old: String, new: String)]) { self.pairs = pairs }

    /// Whether the column `name` is renamed.
    func has(_ name: String) -> Bool { pairs.contains { sameBytes($0.old, name) } }

    /// The name of `column` after renaming.
    func name(of column: String) -> String {
        pairs.first { sameBytes($0.old, column) }?.new ?? column
    }

    /// The names of `columns` after renaming. Throws for a column that is not there, and for a new
    /// name that is another column's already.
    func apply(
        to columns: [String], path: String, line: Int?, hasNames: Bool
    ) throws(FileError) -> [String] {
        for (index, pair) in pairs.enumerated() {
            guard columns.contains(where: { sameBytes($0, pair.old) }) else {
                throw FileError(
                    path: path, line: line,
                    problem: "cannot rename the column \(shownName(pair.old)): there is none",
                    remedy: (hasNames
                        ? "the columns are " : "the file has no header; it is read as ")
                        + listed(columns))
            }
            for other in pairs[..<index] where sameBytes(other.old, pair.old) {
                throw FileError(
                    path: path, line: line,
                    problem: "the column \(shownName(pair.old)) is renamed twice",
                    remedy: "rename it once")
            }
        }
        let names = columns.map(name)
        for pair in pairs where names.count(where: { sameBytes($0, pair.new) }) > 1 {
            throw FileError(
                path: path, line: line,
                problem: "after renaming, two columns are called \(shownName(pair.new))",
                remedy: "rename the other one too, or choose another name")
        }
        return names
    }
}
