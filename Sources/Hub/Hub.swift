internal import Files

/// A client of the Hugging Face hub that shares its cache with Python's `huggingface_hub`.
///
/// What the cache has of a commit is used without a request. Where the hub does not answer, or `HF_HUB_OFFLINE` is set,
/// the copy of the cache stands in; a warning says so.
///
/// The functions here are asynchronous and run on threads of their own; ``blocking`` has the same ones for callers
/// that are not.
public struct Hub: Sendable {
    /// Where the hub and the cache are, and the token.
    public var environment: HubEnvironment
    /// How often failed requests are tried again.
    public var retry: HubRetry
    private let report: @Sendable (HubEvent) -> Void

    /// The most files that are fetched at a time.
    static let maximumParallel = 4

    /// A client for `environment`.
    ///
    /// `report` gets warnings and progress, one at a time, on threads of the client; it must not fetch anything itself.
    public init(
        environment: HubEnvironment = .process, retry: HubRetry = .standard,
        report: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) {
        self.environment = environment
        self.retry = retry
        self.report = report
    }

    /// The same functions for callers that are not asynchronous.
    public var blocking: BlockingHub { BlockingHub(hub: self) }

    /// Fetches what is needed to load the model `name`, and answers the folder that holds it.
    ///
    /// That is: `config.json`, the tokenizer's files, `modules.json` with the folders it names, and the weights in one
    /// format (`model.safetensors`, else `pytorch_model.bin`, each as one file or in shards). Throws a ``HubError``.
    public func snapshot(_ name: HubName) async throws(HubError) -> String {
        try await run(.model, name) { (session) async throws(HubError) in
            try await ModelFetch(session: session).run()
        }
    }

    /// Fetches the files of the data set `name`: all splits of its configuration, or those in `splits`.
    ///
    /// `configuration` `nil` means the default one. Which files make a split follows the rules of Python's `datasets`:
    /// `configs` in the head of `README.md`, else names of files and folders; a repository with a loading script is read
    /// from the copy as parquet that the hub makes. Throws a ``HubError`` that lists what there is where the
    /// configuration or a split does not exist.
    public func dataset(
        _ name: HubName, configuration: String? = nil, splits: [String]? = nil
    ) async throws(HubError) -> HubDataset {
        try await run(.dataset, name) { (session) async throws(HubError) in
            try await DatasetFetch(
                session: session, configuration: configuration, wanted: splits
            ).run()
        }
    }

    /// Fetches one file of a repository, and answers where it is.
    public func file(
        _ path: String, of name: HubName, kind: HubRepositoryKind = .model
    ) async throws(HubError) -> String {
        guard RepositoryPath.verdict(path) == .fine else {
            throw HubError(
                .invalidName, "\(name): \(oneLine(path))", problem: "not the name of a file",
                remedy: "give its path in the repository, as 1_Pooling/config.json")
        }
        return try await run(kind, name) { (session) async throws(HubError) in
            try await FileFetch(session: session, path: path).run()
        }
    }

    private func run<Value: Sendable>(
        _ kind: HubRepositoryKind, _ name: HubName,
        _ body: @Sendable (HubSession) async throws(HubError) -> Value
    ) async throws(HubError) -> Value {
        let token = try environment.token()
        let transport = try HubTransport(environment: environment, token: token)
        let session = try HubSession(
            kind, name, environment: environment, hasToken: token != nil, retry: retry,
            news: HubNews(repository: name.identifier, report: report), transport: transport)
        return try await withTaskExecutorPreference(HubThreads.workers) {
            () async throws(HubError) in
            do throws(HubError) {
                let value = try await body(session)
                await transport.close()
                return value
            } catch {
                await transport.close()
                throw error
            }
        }
    }
}

/// The functions of ``Hub`` for callers that are not asynchronous.
///
/// A call blocks its thread until the fetch is done. Everything the fetch needs runs on threads of the client, so this
/// is safe in synchronous code that a task calls: the task's thread is busy waiting meanwhile, no more. Not to be called
/// in the `report` of a ``Hub``.
public struct BlockingHub: Sendable {
    let hub: Hub

    /// See ``Hub/snapshot(_:)``.
    public func snapshot(_ name: HubName) throws(HubError) -> String {
        try HubThreads.blocking { [hub] () async throws(HubError) in try await hub.snapshot(name) }
    }

    /// See ``Hub/dataset(_:configuration:splits:)``.
    public func dataset(
        _ name: HubName, configuration: String? = nil, splits: [String]? = nil
    ) throws(HubError) -> HubDataset {
        try HubThreads.blocking { [hub] () async throws(HubError) in
            try await hub.dataset(name, configuration: configuration, splits: splits)
        }
    }

    /// See ``Hub/file(_:of:kind:)``.
    public func file(
        _ path: String, of name: HubName, kind: HubRepositoryKind = .model
    ) throws(HubError) -> String {
        try HubThreads.blocking { [hub] () async throws(HubError) in
            try await hub.file(path, of: name, kind: kind)
        }
    }
}
