/// The rules of Python's `datasets` for repositories of plain files: which files make which split.
struct DatasetRules {
    /// The splits with their files, each in the order in which they are read.
    typealias Splits = [(name: String, files: [String])]

    /// The files of the repository, sorted.
    let paths: [String]
    /// The parts of each path.
    private let words: [[[Unicode.Scalar]]]

    init(paths: [String]) {
        self.paths = paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        words = self.paths.map(Glob.words)
    }

    /// Endings that are read, best first where a split has files of several, with the kind of reader.
    static let endings = [
        ("parquet", "parquet"), ("jsonl", "json"), ("json", "json"), ("ndjson", "json"),
        ("csv", "csv"), ("tsv", "csv"), ("txt", "text"), ("data", "data"),
    ]

    /// The names of splits, and the words in names of files and folders that mean them.
    private static let splitWords: [(split: String, words: [String])] = [
        ("train", ["train", "training"]),
        ("validation", ["validation", "valid", "dev", "val"]),
        ("test", ["test", "testing", "eval", "evaluation"]),
    ]

    /// Names that are no data.
    private static let ignored: Set<String> = [
        "README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip",
        "dataset_dict.json",
    ]

    /// The ending of `path` that says how it is read, without `.gz`; `nil` for others.
    static func ending(_ path: String) -> String? {
        var name = RepositoryPath.name(path).lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        return endings.first { name.hasSuffix("." + $0.0) }?.0
    }

    /// The files that `pattern` stands for, among those in `folder`.
    ///
    /// Hidden files and those in folders that begin with `__` count only where the pattern names them.
    func files(_ pattern: Glob, in folder: String) -> [String] {
        let above = Glob.words(folder)
        let asked = Glob.words(pattern.text)
        let last = RepositoryPath.name(pattern.text)
        let special = DatasetRules.special(asked[...])
        return paths.indices.filter { index in
            guard words[index].count > above.count, words[index].starts(with: above) else {
                return false
            }
            let inner = words[index][above.count...]
            return pattern.matches(inner) && DatasetRules.special(inner) == special
        }.map { paths[$0] }.filter { path in
            let name = RepositoryPath.name(path)
            return !DatasetRules.ignored.contains(name) || name == last
        }
    }

    /// How many parts are hidden, and how many folders begin with `__`.
    private static func special(_ words: ArraySlice<[Unicode.Scalar]>) -> [Int] {
        let hidden = words.count { $0.first == "." && $0.contains { $0 != "." } }
        return [hidden, words.dropLast().count { $0.starts(with: ["_", "_"]) }]
    }

    /// The splits that the names in `folder` show; `nil` where it holds no data.
    ///
    /// The first rule that finds anything decides: `data/<split>-00000-of-00001.*`, then names of folders, then names of
    /// files, then everything as `train`.
    func splits(in folder: String) -> Splits? {
        if let sharded = sharded(in: folder) { return sharded }
        let separators = "[-._ 0-9]"
        let inFolders = { (word: String) in
            [
                "**/\(word)/**", "**/\(word)\(separators)*/**", "**/*\(separators)\(word)/**",
                "**/*\(separators)\(word)\(separators)*/**",
            ]
        }
        let inFiles = { (word: String) in
            ["**/\(word)\(separators)*", "**/*\(separators)\(word)\(separators)*"]
        }
        for patterns in [inFolders, inFiles] {
            let found = DatasetRules.splitWords.compactMap { split, words in
                let files = all(words.flatMap(patterns), in: folder)
                return files.isEmpty ? nil : (name: split, files: files)
            }
            if !found.isEmpty { return found }
        }
        let rest = all(["**"], in: folder)
        return rest.isEmpty ? nil : [("train", rest)]
    }

    /// The files of all `patterns`, each once.
    private func all(_ patterns: [String], in folder: String) -> [String] {
        var seen: Set<[UInt8]> = []
        return patterns.compactMap { Glob($0) }.flatMap { files($0, in: folder) }
            .filter { DatasetRules.ending($0) != nil && seen.insert(Array($0.utf8)).inserted }
    }

    /// `data/<split>-00000-of-00001.parquet` and the like.
    private func sharded(in folder: String) -> Splits? {
        let digits = String(repeating: "[0-9]", count: 5)
        guard let pattern = Glob("data/*-\(digits)-of-\(digits)*.*") else { return nil }
        var found: Splits = []
        for path in files(pattern, in: folder) where DatasetRules.ending(path) != nil {
            // The name of the split ends before `-00000-of-00001`.
            let name = Array(RepositoryPath.name(path).utf8)
            let mark = Array("-of-".utf8)
            guard
                let middle = name.indices.reversed().first(where: {
                    $0 >= 7 && name[$0...].starts(with: mark) && name[$0 - 6] == UInt8(ascii: "-")
                })
            else { continue }
            let split = String(decoding: name[..<(middle - 6)], as: UTF8.self)
            guard DatasetCard.isSplitName(split) else { continue }
            if let index = found.firstIndex(where: { $0.name == split }) {
                found[index].files.append(path)
            } else {
                found.append((split, [path]))
            }
        }
        return found.isEmpty ? nil : DatasetRules.ordered(found)
    }

    /// `splits` with train, validation and test first.
    static func ordered(_ splits: Splits) -> Splits {
        let first = splitWords.map(\.split)
        return splits.filter { first.contains($0.name) }.sorted {
            (first.firstIndex(of: $0.name) ?? 0) < (first.firstIndex(of: $1.name) ?? 0)
        } + splits.filter { !first.contains($0.name) }.sorted { $0.name < $1.name }
    }

    /// `files` without those of another kind than most have: a table may stand there as parquet and as CSV.
    static func sameKind(_ files: [String]) -> [String] {
        var counts: [(ending: String, count: Int)] = []
        for path in files {
            guard let ending = ending(path) else { continue }
            if let index = counts.firstIndex(where: { $0.ending == ending }) {
                counts[index].count += 1
            } else {
                counts.append((ending, 1))
            }
        }
        let order = endings.map(\.0)
        let best = counts.max {
            ($0.count, -(order.firstIndex(of: $0.ending) ?? 0))
                < ($1.count, -(order.firstIndex(of: $1.ending) ?? 0))
        }
        guard let best, let kind = endings.first(where: { $0.0 == best.ending })?.1 else {
            return []
        }
        return files.filter { path in
            endings.contains { $0.1 == kind && $0.0 == ending(path) }
        }
    }

    /// The splits of an entry of `configs`.
    ///
    /// Throws where a path is not in the repository, or stands for files of kinds that cannot be read.
    func splits(of configuration: DatasetCard.Configuration, in name: HubName) throws(HubError)
        -> Splits
    {
        let folder = DatasetRules.trimmed(configuration.folder ?? "")
        let place = "\(name):\(oneLine(configuration.name, limit: 80))"
        guard let wanted = configuration.splits else {
            guard let found = splits(in: folder) else {
                throw HubError(
                    .format, place,
                    problem:
                        "no data files\(folder.isEmpty ? "" : " in \(oneLine(folder, limit: 80))")",
                    remedy: "see the files on the page of the data set")
            }
            return found.map { ($0.name, DatasetRules.sameKind($0.files)) }
        }
        var splits: Splits = []
        for (split, patterns) in wanted {
            var files: [String] = []
            for pattern in patterns {
                let shown = oneLine(pattern, limit: 80)
                guard let glob = Glob(pattern), RepositoryPath.verdict(pattern) == .fine,
                    !pattern.utf8.contains(UInt8(ascii: ":"))
                else {
                    throw HubError(
                        .format, place,
                        problem: "the path \(shown) does not stay in the repository",
                        remedy: "the head of README.md must be mended by its author")
                }
                let found = self.files(glob, in: folder)
                if found.isEmpty, !Glob.isPattern(pattern) {
                    throw HubError(
                        .format, place, problem: "README.md names \(shown), which does not exist",
                        remedy: "the head of README.md must be mended by its author")
                }
                files += found
            }
            let readable = DatasetRules.sameKind(files.filter { DatasetRules.ending($0) != nil })
            guard !readable.isEmpty else {
                let what =
                    files.first.map { "\(oneLine($0, limit: 80)) cannot be read" } ?? "no files"
                throw HubError(
                    .format, place, problem: "split \(split): \(what)",
                    remedy:
                        "formats that are read: \(DatasetRules.endings.map { "." + $0.0 }.joined(separator: ", ")), each also as .gz"
                )
            }
            splits.append((split, readable))
        }
        return splits
    }

    private static func trimmed(_ folder: String) -> String {
        var bytes = folder.utf8[...]
        if bytes.starts(with: "./".utf8) { bytes = bytes.dropFirst(2) }
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return bytes.elementsEqual(".".utf8) ? "" : String(decoding: bytes, as: UTF8.self)
    }

    /// The folders at the top that hold data, which serve as configurations where `README.md` names none.
    var folders: [String] {
        var names: [String] = []
        for path in paths where DatasetRules.ending(path) != nil {
            guard let slash = path.utf8.firstIndex(of: UInt8(ascii: "/")) else { continue }
            let name = String(path[..<slash])
            if !names.contains(name), !name.hasPrefix("."), !name.hasPrefix("__") {
                names.append(name)
            }
        }
        return names
    }

    /// The script at the top that loads the data set, as `nli_zh.py` in `nli_zh`.
    func script(of name: HubName) -> String? {
        let wanted = name.name + ".py"
        return paths.first { $0 == wanted }
    }
}
