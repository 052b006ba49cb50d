internal import Files

/// What is known of a revision: its commit and its files, from the hub or from the cache.
struct RepositoryState: Sendable {
    var listing: RepositoryListing
    /// Whether files may be fetched; else only what the cache has can be used.
    var mayFetch: Bool
    /// Why nothing may be fetched, for messages.
    var reason: String
    /// Whether ``listing`` has all files of the commit, not only those in the cache.
    var isWhole: Bool
}

extension HubSession {
    /// Finds the commit and files of the revision.
    ///
    /// Asks the hub, unless the environment forbids that; where the hub does not answer and the cache has a copy, that
    /// stands in and a warning is given. Where the revision is a commit, which never changes, the hub is not asked for what
    /// is known; `isEnough` says whether a copy without a list of all files will do.
    func state(isEnough: (RepositoryState) throws(HubError) -> Bool) async throws(HubError)
        -> RepositoryState
    {
        if isOffline {
            guard let state = try cachedState(reason: "HF_HUB_OFFLINE is set") else {
                throw notCached()
            }
            return state
        }
        let copy = try cachedState(reason: "")
        if name.isCommit, var copy {
            copy.mayFetch = copy.isWhole
            if copy.isWhole { return copy }
            if try isEnough(copy) { return copy }
        }
        do throws(HubError) {
            // A copy makes a quick failure better than a patient one.
            let listing = try await retrying(attempts: copy == nil ? nil : 1) {
                () async throws(HubError) in try await askForListing()
            }
            if let first = listing.unusable.first {
                news.warning(
                    "\(name): \(listing.unusable.count) file(s) left out because of their names, as \(oneLine(first, limit: 80))"
                )
            }
            return RepositoryState(listing: listing, mayFetch: true, reason: "", isWhole: true)
        } catch {
            guard error.allowsCachedCopy, var copy else { throw error }
            copy.reason = "\(error.place): \(error.problem)"
            news.warning(
                "\(error.place): \(error.problem); using the copy of \(name) in the cache (commit \(copy.listing.commit.prefix(12)))"
            )
            return copy
        }
    }

    /// What the cache has of the revision.
    private func cachedState(reason: String) throws(HubError) -> RepositoryState? {
        guard let commit = cache.commit(of: name.revision) else { return nil }
        if let listing = cache.listing(of: commit) {
            return RepositoryState(listing: listing, mayFetch: false, reason: reason, isWhole: true)
        }
        guard FileBytes.isFolder(cache.snapshot(commit)) else { return nil }
        let files = try cache.files(in: commit).map { RepositoryFile(path: $0) }
        return RepositoryState(
            listing: RepositoryListing(commit: commit, files: files), mayFetch: false,
            reason: reason, isWhole: false)
    }

    /// The error for what neither the cache has nor the network may bring.
    func notCached(_ file: String? = nil, reason: String = "HF_HUB_OFFLINE is set") -> HubError {
        HubError(
            .offline, file.map { "\(name): \($0)" } ?? name.description,
            problem: "not in the cache (\(cache.storage)), and \(reason)",
            remedy: isOffline
                ? "unset HF_HUB_OFFLINE, or set HF_HUB_CACHE to the cache that has it"
                : "check the connection and try again")
    }

    /// Fetches `paths` at `commit`, a few at a time.
    func fetch(_ paths: [String], of listing: RepositoryListing) async throws(HubError) {
        let commit = listing.commit
        let sizes = Dictionary(listing.files.map { ($0.path, $0.size) }) { first, _ in first }
        let missing = paths.filter { !cache.has($0, commit) }
        for path in missing { news.expect(path, size: sizes[path] ?? nil) }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var rest = missing[...]
                var running = 0
                while !rest.isEmpty || running > 0 {
                    if running < Hub.maximumParallel, let path = rest.popFirst() {
                        group.addTask {
                            _ = try await BlobDownload(
                                session: self, path: path, commit: commit
                            ).run()
                        }
                        running += 1
                    } else {
                        try await group.next()
                        running -= 1
                    }
                }
            }
        } catch let error as HubError {
            throw error
        } catch {
            throw HubError(.cancelled, name.description, problem: "cancelled")
        }
    }

    /// Throws unless the cache has all of `paths`.
    func require(_ paths: [String], in state: RepositoryState) throws(HubError) {
        let missing = paths.filter { !cache.has($0, state.listing.commit) }
        guard let first = missing.first else { return }
        let more = missing.count > 1 ? " and \(missing.count - 1) more" : ""
        throw notCached(first + more, reason: state.reason)
    }
}

/// Fetches one file.
struct FileFetch {
    let session: HubSession
    let path: String

    func run() async throws(HubError) -> String {
        let cache = session.cache
        let known = cache.commit(of: session.name.revision)
        if let known, session.name.isCommit || session.isOffline, cache.has(path, known) {
            return cache.pointer(path, known)
        }
        if session.isOffline {
            if let known, cache.isAbsent(path, known) {
                throw HubError(
                    .fileNotFound, "\(session.name): \(path)",
                    problem: "the repository has no such file (the cache has noted it)",
                    remedy: "check the spelling")
            }
            throw session.notCached(path)
        }
        let hasCopy = known.map { cache.has(path, $0) } ?? false
        do throws(HubError) {
            let metadata = try await session.retrying(attempts: hasCopy ? 1 : nil) {
                () async throws(HubError) in
                try await session.metadata(of: path, at: session.name.revision)
            }
            session.news.expect(path, size: metadata.size)
            let place = try await BlobDownload(
                session: session, path: path, commit: metadata.commit
            ).run(known: metadata)
            try cache.setCommit(metadata.commit, of: session.name.revision)
            return place
        } catch {
            guard error.allowsCachedCopy, hasCopy, let known else { throw error }
            session.news.warning(
                "\(error.place): \(error.problem); using the copy of \(session.name) in the cache (commit \(known.prefix(12)))"
            )
            return cache.pointer(path, known)
        }
    }
}

/// Fetches a model.
struct ModelFetch {
    let session: HubSession

    func run() async throws(HubError) -> String {
        let cache = session.cache
        let state = try await session.state { (state) throws(HubError) in
            (try? check(cached: state)) != nil
        }
        let commit = state.listing.commit
        guard state.mayFetch else {
            try check(cached: state)
            return cache.snapshot(commit)
        }
        let paths = state.listing.paths
        if paths.contains(ModelFiles.modules) {
            try await session.fetch([ModelFiles.modules], of: state.listing)
        }
        let files = try files(in: state)
        if let problem = files.problem(of: session.name) { throw problem }
        try await session.fetch(files.small, of: state.listing)
        // Weights last: a copy that has them has everything.
        try await session.fetch(try large(files, commit), of: state.listing)
        for name in ModelFiles.names + [ModelFiles.modules] where !files.paths.contains(name) {
            try cache.markAbsent(name, commit)
        }
        try cache.setCommit(commit, of: session.name.revision)
        return cache.snapshot(commit)
    }

    private func files(in state: RepositoryState) throws(HubError) -> ModelFiles {
        let paths = state.listing.paths
        let commit = state.listing.commit
        var modules: JSON?
        if paths.contains(ModelFiles.modules), session.cache.has(ModelFiles.modules, commit) {
            modules = try json(ModelFiles.modules, commit)
        }
        return ModelFiles(paths: paths, modules: modules)
    }

    private func large(_ files: ModelFiles, _ commit: String) throws(HubError) -> [String] {
        try files.large(of: session.name) { (path) throws(HubError) in try json(path, commit) }
    }

    private func json(_ path: String, _ commit: String) throws(HubError) -> JSON {
        try withFiles { () throws(FileError) in
            try JSON(contentsOf: session.cache.pointer(path, commit))
        }
    }

    /// Throws unless the copy in the cache can be loaded.
    private func check(cached state: RepositoryState) throws(HubError) {
        let commit = state.listing.commit
        if state.listing.paths.contains(ModelFiles.modules) {
            try session.require([ModelFiles.modules], in: state)
        }
        let files = try files(in: state)
        if let problem = files.problem(of: session.name) {
            if state.isWhole { throw problem }
            throw session.notCached("config.json or the weights", reason: state.reason)
        }
        let prefix = files.transformer.isEmpty ? "" : files.transformer + "/"
        let spare =
            session.cache.has(prefix + "tokenizer.json", commit)
            ? ModelFiles.vocabularies.map { prefix + $0 } : []
        try session.require(files.small.filter { !spare.contains($0) }, in: state)
        try session.require(try large(files, commit), in: state)
        let hasTokenizer = ModelFiles.tokenizers.contains { files.paths.contains(prefix + $0) }
        if !state.isWhole, !hasTokenizer {
            throw session.notCached("the tokenizer's files", reason: state.reason)
        }
        if !state.isWhole { try checkModules(files, state) }
    }

    /// Throws where a folder that `modules.json` names is not there at all, although its kind has files.
    private func checkModules(_ files: ModelFiles, _ state: RepositoryState) throws(HubError) {
        guard files.paths.contains(ModelFiles.modules) else { return }
        for module in try json(ModelFiles.modules, state.listing.commit).array ?? [] {
            guard let type = module["type"]?.string, !type.hasSuffix(".Normalize"),
                let path = module["path"]?.string.map(ModelFiles.trimmed), !path.isEmpty
            else { continue }
            guard files.paths.contains(where: { $0.utf8.starts(with: (path + "/").utf8) }) else {
                throw session.notCached(path + "/config.json", reason: state.reason)
            }
        }
    }
}
