import Files

/// Which files of a folder are which split, as Hugging Face's `datasets` tells from their names.
///
/// Folders below are searched too; names that begin with `.`, and folders that begin with `__`, are
/// passed over. The first of these rules that finds a file holds for all:
/// 1. `data/NAME-00000-of-00002.ending`: the split is NAME, whatever it is.
/// 2. A folder is called by a keyword: `train/a.csv`.
/// 3. The file is: `train.jsonl`, `my-dev.csv`, `test_0.tsv`.
/// 4. All files are `train`.
///
/// Keywords are train, training; validation, valid, dev, val (for `validation`); test, testing,
/// eval, evaluation (for `test`). Before and after one stands the end of the name or one of `-`,
/// `.`, `_`, a space or a digit. Unlike there, capitals are read as small letters, and a file that
/// is two splits is an error.
struct SplitFolder {
    /// The files of each split, sorted: train, validation, test, then others by name.
    private(set) var splits: [(name: String, files: [String])] = []
    /// Files that are none.
    private(set) var skipped: [String] = []

    private static let keywords: [(split: String, words: [String])] = [
        ("train", ["train", "training"]),
        ("validation", ["validation", "valid", "dev", "val"]),
        ("test", ["test", "testing", "eval", "evaluation"]),
    ]

    /// Sorts the files of `folder`. Throws where there is none of a known format.
    init(_ folder: String) throws(FileError) {
        let root = folder.hasSuffix("/") ? folder : folder + "/"
        var found: [[String]] = []
        try Self.search(root, [], &found, &skipped)
        guard !found.isEmpty else {
            throw FileError(
                path: folder, problem: "the folder has no file of a known format",
                remedy: "names must end in \(FileFormat.endings), or that and .gz")
        }
        let rules: [([String]) -> [String]] = [
            Self.shardSplit,
            { path in Self.union(path.dropLast().map { Self.splits(in: $0, asFolder: true) }) },
            { path in Self.splits(in: path.last ?? "", asFolder: false) },
            { _ in ["train"] },
        ]
        var named: [(split: String, path: [String])] = []
        for rule in rules where named.isEmpty {
            for path in found {
                let names = rule(path)
                guard names.count < 2 else {
                    throw FileError(
                        path: root + path.joined(separator: "/"),
                        problem: "the name could mean the split \(names.joined(separator: " or "))",
                        remedy: "rename the file, or give a path for each split")
                }
                if let name = names.first { named.append((name, path)) }
            }
        }
        let usual = Self.keywords.map(\.split)
        let others = named.map(\.split).filter { !usual.contains($0) }.sorted()
        for split in Self.union([usual, others]) {
            let files = named.filter { sameBytes($0.split, split) }.map {
                root + $0.path.joined(separator: "/")
            }
            if !files.isEmpty { splits.append((split, files.sorted())) }
        }
        let used = Set(named.map { Array($0.path.joined(separator: "/").utf8) })
        for path in found.map({ $0.joined(separator: "/") }) where !used.contains(Array(path.utf8))
        {
            skipped.append(root + path)
        }
        skipped.sort()
    }

    /// The data files below `root`/`folder`, as parts of their paths.
    private static func search(
        _ root: String, _ folder: [String], _ found: inout [[String]], _ skipped: inout [String]
    ) throws(FileError) {
        // A link can lead back up.
        guard folder.count <= 32 else {
            throw FileError(
                path: root + folder.joined(separator: "/"),
                problem: "folders lie more than 32 deep",
                remedy: "check whether a link leads back to a folder above it")
        }
        let path = root + folder.map { $0 + "/" }.joined()
        for name in try FileBytes.names(in: path) where !name.utf8.starts(with: ".".utf8) {
            if FileBytes.isFolder(path + name) {
                if name.utf8.starts(with: "__".utf8) { continue }
                try search(root, folder + [name], &found, &skipped)
            } else if SourcePath.isData(name) {
                found.append(folder + [name])
            } else {
                skipped.append(path + name)
            }
        }
    }

    /// The split of `data/NAME-00000-of-00002.ending`.
    private static func shardSplit(_ path: [String]) -> [String] {
        guard path.count == 2, path[0] == "data" else { return [] }
        let name = Array(path[1].utf8)
        func isDigits(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.count == 5 && bytes.allSatisfy { (0x30...0x39).contains($0) }
        }
        let middle = Array("-of-".utf8)
        // The last place where the numbers stand, so that NAME may hold such numbers too.
        for start in stride(from: name.count - 16, through: 1, by: -1) {
            let numbers = name[start..<start + 15]
            guard numbers.first == 0x2D, isDigits(numbers[(start + 1)..<(start + 6)]),
                numbers[(start + 6)..<(start + 10)].elementsEqual(middle),
                isDigits(numbers[(start + 10)..<(start + 15)]),
                name[(start + 15)...].contains(0x2E)
            else { continue }
            return [String(decoding: name[..<start], as: UTF8.self)]
        }
        return []
    }

    /// The splits whose keywords stand in `name`.
    private static func splits(in name: String, asFolder: Bool) -> [String] {
        let name = name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
        func isBoundary(_ place: Int) -> Bool {
            (0x30...0x39).contains(name[place]) || Array("-._ ".utf8).contains(name[place])
        }
        func holds(_ word: [UInt8]) -> Bool {
            guard name.count >= word.count else { return false }
            return (0...(name.count - word.count)).contains { start in
                let end = start + word.count
                return name[start..<end].elementsEqual(word)
                    && (start == 0 || isBoundary(start - 1))
                    && (end == name.count ? asFolder : isBoundary(end))
            }
        }
        return keywords.filter { $0.words.contains { holds(Array($0.utf8)) } }.map(\.split)
    }

    /// Every name of `lists` once, in order.
    private static func union(_ lists: [[String]]) -> [String] {
        var all: [String] = []
        for name in lists.joined() where !all.contains(where: { sameBytes($0, name) }) {
            all.append(name)
        }
        return all
    }
}
