internal import Files

/// Finds the files of a data set's splits and fetches them.
struct DatasetFetch {
    let session: HubSession
    let configuration: String?
    let wanted: [String]?

    /// What was found, before anything but `README.md` is fetched.
    private struct Layout {
        var configuration: String?
        var splits: DatasetRules.Splits
    }

    private var name: HubName { session.name }

    func run() async throws(HubError) -> HubDataset {
        let state = try await self.state(session)
        let rules = DatasetRules(paths: state.listing.paths)
        let card = try await card(state)
        if !card.configurations.isEmpty {
            let chosen = try choose(
                card.configurations.map(\.name),
                standard: standard(card.configurations))
            guard let entry = card.configurations.first(where: { $0.name == chosen }) else {
                preconditionFailure("configuration \(chosen) is not in the list")
            }
            let splits = try rules.splits(of: entry, in: name)
            return try await fetch(Layout(configuration: chosen, splits: splits), state, session)
        }
        guard rules.script(of: name) != nil || rules.splits(in: "") == nil else {
            return try await fetch(try plain(rules), state, session)
        }
        do throws(HubError) {
            let dataset = try await converted()
            if state.mayFetch {
                try session.cache.setCommit(state.listing.commit, of: name.revision)
            }
            return dataset
        } catch {
            // Without the hub's copy the names of the files may still do.
            guard [.revisionNotFound, .repositoryNotFound, .offline].contains(error.kind) else {
                throw error
            }
            return try await withoutCopy(rules, state, because: error)
        }
    }

    /// Takes the files of a repository that has a script, or none that can be read, and no copy as parquet.
    private func withoutCopy(
        _ rules: DatasetRules, _ state: RepositoryState, because error: HubError
    ) async throws(HubError) -> HubDataset {
        guard rules.splits(in: "") != nil else {
            if error.kind == .offline { throw error }
            let what =
                rules.script(of: name).map { "is loaded by \($0), which is not run" }
                ?? "no data files that can be read"
            throw HubError(
                .format, name.description, problem: what + ", and the hub has no copy as parquet",
                remedy: "see the files on the page of the data set, and fetch one by name")
        }
        let folders = rules.folders
        if configuration == nil, folders.count > 1 { _ = try choose(folders, standard: nil) }
        let layout = try plain(rules)
        do throws(HubError) {
            let dataset = try await fetch(layout, state, session)
            session.news.warning(
                "\(name): loaded by a script, which is not run, and the hub has no copy as parquet; the files were taken by their names"
            )
            return dataset
        } catch let other {
            throw error.kind == .offline && other.kind == .offline ? error : other
        }
    }

    private func state(_ session: HubSession) async throws(HubError) -> RepositoryState {
        // What else there is in the repository decides which files make a split.
        let state = try await session.state { (_) throws(HubError) in false }
        if state.mayFetch {
            try? session.cache.keep(state.listing)
        } else if !state.isWhole {
            session.news.warning(
                "\(session.name): the cache does not say which files the data set has; those in the cache are taken for all"
            )
        }
        return state
    }

    private func card(_ state: RepositoryState) async throws(HubError) -> DatasetCard {
        let commit = state.listing.commit
        guard state.listing.paths.contains("README.md") else {
            return try DatasetCard(readme: [], of: name)
        }
        if state.mayFetch {
            try await session.fetch(["README.md"], of: state.listing)
        } else {
            try session.require(["README.md"], in: state)
        }
        let path = session.cache.pointer("README.md", commit)
        guard let size = System.fileSize(path), size <= 64 << 20 else {
            throw HubError(
                .format, "\(name): README.md", problem: "larger than 64 MiB",
                remedy: "see the page of the data set")
        }
        let bytes = try withFiles { () throws(FileError) in try FileBytes.read(path) }
        return try DatasetCard(readme: bytes, of: name)
    }

    /// The configuration that is meant where none is named; `nil` where the author did not say.
    private func standard(_ entries: [DatasetCard.Configuration]) -> String? {
        if entries.count == 1 { return entries[0].name }
        return (entries.first { $0.isDefault } ?? entries.first { $0.name == "default" })?.name
    }

    /// The configuration asked for, among `names`; `standard` where none was.
    private func choose(_ names: [String], standard: String?) throws(HubError) -> String {
        let list = names.prefix(40).map { oneLine($0, limit: 80) }.joined(separator: ", ")
        let shown = names.count > 40 ? "\(list), ... (\(names.count) in all)" : list
        guard let configuration else {
            if let standard { return standard }
            throw HubError(
                .configuration, name.description, problem: "has several configurations: \(shown)",
                remedy: "choose one: \(name.identifier):\(oneLine(names.first ?? "", limit: 80))")
        }
        guard names.contains(configuration) else {
            throw HubError(
                .configuration, "\(name.identifier):\(oneLine(configuration, limit: 80))",
                problem: "no such configuration", remedy: "there is: \(shown)")
        }
        return configuration
    }

    /// The layout of a repository without `configs`: by the names of its files, a folder at the top serving as a
    /// configuration.
    private func plain(_ rules: DatasetRules) throws(HubError) -> Layout {
        let folders = rules.folders
        if let configuration, configuration != "default" || folders.contains("default") {
            let folder = try choose(folders.isEmpty ? ["default"] : folders, standard: nil)
            if let splits = rules.splits(in: folder) {
                return Layout(
                    configuration: folder,
                    splits: splits.map { ($0.name, DatasetRules.sameKind($0.files)) })
            }
        }
        guard let splits = rules.splits(in: "") else {
            throw HubError(
                .format, name.description, problem: "no data files",
                remedy:
                    "formats that are read: \(DatasetRules.endings.map { "." + $0.0 }.joined(separator: ", ")), each also as .gz"
            )
        }
        return Layout(
            configuration: nil, splits: splits.map { ($0.name, DatasetRules.sameKind($0.files)) })
    }

    /// Takes the hub's own copy as parquet.
    private func converted() async throws(HubError) -> HubDataset {
        let session = try session.at(ConvertedFiles.revision)
        let state = try await self.state(session)
        let files = ConvertedFiles(paths: state.listing.paths)
        guard !files.configurations.isEmpty else {
            throw HubError(
                .revisionNotFound, name.description, problem: "the copy as parquet is empty",
                remedy: "")
        }
        let names = files.configurations.map(\.name)
        let standard = names.count == 1 ? names[0] : names.first { $0 == "default" }
        let chosen = try choose(names, standard: standard)
        guard let entry = files.configurations.first(where: { $0.name == chosen }) else {
            preconditionFailure("configuration \(chosen) is not in the list")
        }
        if entry.isPartial {
            session.news.warning(
                "\(name):\(chosen): the hub's copy as parquet holds only the first part of the data set"
            )
        }
        var dataset = try await fetch(
            Layout(configuration: chosen, splits: entry.splits), state, session)
        dataset.isConverted = true
        return dataset
    }

    private func fetch(_ layout: Layout, _ state: RepositoryState, _ session: HubSession)
        async throws(HubError) -> HubDataset
    {
        let names = layout.splits.map(\.name)
        for split in wanted ?? [] where !names.contains(split) {
            throw HubError(
                .configuration,
                name.identifier + (layout.configuration.map { ":\(oneLine($0, limit: 80))" } ?? ""),
                problem: "no split \(oneLine(split, limit: 80))",
                remedy: "there is: \(names.joined(separator: ", "))")
        }
        let splits = layout.splits.filter { wanted?.contains($0.name) ?? true }
        let paths = splits.flatMap(\.files)
        let commit = state.listing.commit
        if state.mayFetch {
            try await session.fetch(paths, of: state.listing)
            try session.cache.setCommit(commit, of: session.name.revision)
        } else {
            try session.require(paths, in: state)
        }
        return HubDataset(
            name: name, configuration: layout.configuration, commit: commit, isConverted: false,
            splits: splits.map { split in
                HubDataset.Split(
                    name: split.name, files: split.files.map { session.cache.pointer($0, commit) })
            }, splitNames: names)
    }
}
