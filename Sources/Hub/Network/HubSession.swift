internal import Files
internal import NIOCore
internal import NIOHTTP1

/// One fetch from one repository: the cache, the connection to the hub, and where its news go.
final class HubSession: Sendable {
    let environment: HubEnvironment
    let cache: HubCache
    let retry: HubRetry
    let news: HubNews
    let hasToken: Bool
    let transport: HubTransport
    let metadataTimeout: Duration
    let downloadTimeout: Duration

    var kind: HubRepositoryKind { cache.kind }
    var name: HubName { cache.name }
    var isOffline: Bool { environment.isOffline }

    /// The most bytes of an answer of the hub's API that are read.
    static let maximumAnswer = 64 << 20
    /// The most files of a repository that the hub lists in one answer.
    static let maximumFiles = 50_000

    init(
        _ kind: HubRepositoryKind, _ name: HubName, environment: HubEnvironment, hasToken: Bool,
        retry: HubRetry, news: HubNews, transport: HubTransport
    ) throws(HubError) {
        self.environment = environment
        self.retry = retry
        self.news = news
        self.transport = transport
        self.hasToken = hasToken
        cache = HubCache(
            root: try environment.cacheFolder(), kind: kind, name: name,
            disablesLinks: environment.disablesLinks)
        metadataTimeout = try environment.metadataTimeout()
        downloadTimeout = try environment.downloadTimeout()
    }

    /// The same connection for another revision of the repository.
    func at(_ revision: String) throws(HubError) -> HubSession {
        try HubSession(
            kind, try name.at(revision), environment: environment, hasToken: hasToken,
            retry: retry, news: news, transport: transport)
    }

    private func address(of path: String, at commit: String) -> HubURL {
        transport.endpoint.appending(
            kind.pathPrefix + name.identifier + "/resolve/" + HubURL.escaped(commit) + "/"
                + HubURL.escaped(path, keeping: "/"))
    }

    /// Runs `body` again after failures that may pass, at most `attempts` times; twice where there is no connection.
    func retrying<Value: Sendable>(
        attempts: Int? = nil, _ body: () async throws(HubError) -> Value
    ) async throws(HubError) -> Value {
        var failures = 0
        while true {
            do throws(HubError) {
                return try await body()
            } catch {
                failures += 1
                let most = error.isWithoutConnection ? 2 : retry.attempts
                guard failures < min(attempts ?? most, most),
                    let pause = retry.pause(after: error, failures: failures)
                else { throw error }
                try await wait(pause, because: error)
            }
        }
    }

    /// Waits before another try.
    func wait(_ pause: Duration, because error: HubError) async throws(HubError) {
        if pause >= .seconds(1) {
            news.waiting(
                "\(error.place): \(error.problem); trying again in \(pause.components.seconds) s")
        }
        try await sleep(pause)
    }

    func sleep(_ pause: Duration) async throws(HubError) {
        do { try await Task.sleep(for: pause) } catch {
            throw HubError(.cancelled, name.description, problem: "cancelled")
        }
    }

    func error(for answer: HubAnswer, file: String?) -> HubError {
        HubError(
            status: answer.status, headers: answer.headers, url: answer.url, kind: kind, name: name,
            file: file, endpoint: transport.endpoint, hasToken: hasToken)
    }

    /// Asks the hub for the commit and the files of the revision.
    func askForListing() async throws(HubError) -> RepositoryListing {
        let folder = kind == .model ? "models" : "datasets"
        let url = HubURL(
            transport.endpoint.appending(
                "api/\(folder)/\(name.identifier)/revision/\(HubURL.escaped(name.revision))"
            ).text + "?blobs=true")
        guard let url else { preconditionFailure("no address for \(name)") }
        let answer = try await transport.send(.GET, url, timeout: metadataTimeout)
        guard answer.status == 200 else { throw error(for: answer, file: nil) }
        let bytes: [UInt8]
        do {
            let buffer = try await answer.body.collect(upTo: HubSession.maximumAnswer)
            bytes = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw HubError(
                .untrusted, answer.url.description,
                problem: "an answer of more than \(HubSession.maximumAnswer >> 20) MiB",
                remedy: "check HF_ENDPOINT")
        } catch {
            throw HubError(network: error, url: answer.url, proxy: nil)
        }
        return try RepositoryListing(parsing: bytes, of: name, from: answer.url)
    }

    /// Asks the hub what it knows of the file `path` at `commit`.
    ///
    /// A file that the hub does not have is noted as such in the cache.
    func metadata(of path: String, at commit: String) async throws(HubError) -> FileMetadata {
        let answer = try await transport.send(
            .HEAD, address(of: path, at: commit), timeout: metadataTimeout,
            stopsAtForeignMetadata: true)
        guard answer.status < 400 else {
            let error = error(for: answer, file: path)
            if error.kind == .fileNotFound, let found = answer.header("X-Repo-Commit"),
                isCommitHash(found)
            {
                try? cache.markAbsent(path, found)
            }
            throw error
        }
        let metadata = try FileMetadata(answer)
        guard !isCommitHash(commit) || metadata.commit == commit else {
            throw HubError(
                .untrusted, "\(name): \(path)",
                problem: "the hub answers for commit \(metadata.commit) instead of \(commit)",
                remedy: "check HF_ENDPOINT")
        }
        return metadata
    }

    /// Asks for the bytes of `path` at `commit` from `offset` on.
    func content(of path: String, at commit: String, from offset: Int) async throws(HubError)
        -> HubAnswer
    {
        var headers = HTTPHeaders()
        if offset > 0 { headers.add(name: "Range", value: "bytes=\(offset)-") }
        return try await transport.send(
            .GET, address(of: path, at: commit), headers: headers, timeout: downloadTimeout)
    }
}

extension RepositoryListing {
    /// Reads the hub's answer about a repository.
    ///
    /// Throws where it is not one, or where a file of it would leave the folder of the cache.
    init(parsing bytes: [UInt8], of name: HubName, from url: HubURL) throws(HubError) {
        func refuse(_ problem: String) -> HubError {
            HubError(.untrusted, url.description, problem: problem, remedy: "check HF_ENDPOINT")
        }
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch {
            throw refuse("the answer is not a hub's (no JSON: \(error.problem))")
        }
        guard let sha = json["sha"]?.string, isCommitHash(sha) else {
            throw refuse("the answer is not a hub's (no commit in sha)")
        }
        guard let siblings = json["siblings"]?.array else {
            throw refuse("the answer is not a hub's (no list of files in siblings)")
        }
        guard siblings.count < HubSession.maximumFiles else {
            throw HubError(
                .format, name.description,
                problem: "\(siblings.count) files; the hub lists no more",
                remedy: "fetch the files that you need with another program")
        }
        commit = sha
        files = []
        var seen: Set<[UInt8]> = []
        for sibling in siblings {
            guard let path = sibling["rfilename"]?.string else {
                throw refuse("a file without rfilename")
            }
            switch RepositoryPath.verdict(path) {
            case .fine: break
            case .unusable:
                unusable.append(path)
                continue
            case .hostile(let reason):
                throw refuse("a file name with \(reason): \(oneLine(path, limit: 80))")
            }
            guard seen.insert(Array(path.utf8)).inserted else { continue }
            var file = RepositoryFile(path: path)
            let lfs = sibling["lfs"]
            if let size = lfs?["size"]?.int ?? sibling["size"]?.int, size >= 0 { file.size = size }
            if let blob = sibling["blobId"]?.string, isCommitHash(blob) { file.blob = blob }
            if let sha256 = lfs?["sha256"]?.string, sha256.utf8.count == 64, isLowerHex(sha256) {
                file.sha256 = sha256
            }
            files.append(file)
        }
    }
}
