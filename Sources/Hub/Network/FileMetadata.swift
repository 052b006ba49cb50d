internal import NIOHTTP1

/// What the hub says of a file before it is fetched.
struct FileMetadata: Equatable, Sendable {
    /// The commit that the answer is about.
    var commit: String
    /// Names the content: 64 hexadecimal digits are its SHA-256, 40 the SHA-1 of its git blob. Fit for a file name.
    var etag: String
    /// The size in bytes; `nil` where the hub does not say.
    var size: Int?

    /// Whether `headers` of a redirect say it all, so that it need not be followed.
    static func isComplete(_ headers: HTTPHeaders) -> Bool {
        headers.contains(name: "X-Repo-Commit")
            && (headers.contains(name: "X-Linked-Etag") || headers.contains(name: "ETag"))
    }

    /// Reads the headers of an answer of the hub.
    ///
    /// Throws where they are not a hub's, or would name a file outside the cache.
    init(_ answer: HubAnswer) throws(HubError) {
        let place = answer.url.description
        let isRedirect = (300..<400).contains(answer.status)
        let earlier = answer.redirects.reversed()
        guard
            let commit = answer.header("X-Repo-Commit")
                ?? earlier.compactMap({ $0.first(name: "X-Repo-Commit") }).first
        else {
            throw HubError(
                .untrusted, place, problem: "the answer is not a hub's (no X-Repo-Commit)",
                remedy: "check HF_ENDPOINT, and whether a proxy or a sign-in page stands between")
        }
        guard isCommitHash(commit) else {
            throw HubError(
                .untrusted, place, problem: "not a commit: \(oneLine(commit, limit: 80))",
                remedy: "check HF_ENDPOINT")
        }
        guard
            let tag = answer.header("X-Linked-Etag")
                ?? earlier.compactMap({ $0.first(name: "X-Linked-Etag") }).first
                ?? answer.header("ETag")
        else {
            throw HubError(
                .untrusted, place, problem: "the hub does not name the content (no ETag)",
                remedy: "check HF_ENDPOINT")
        }
        guard let etag = FileMetadata.normalized(etag: tag) else {
            throw HubError(
                .untrusted, place,
                problem: "an ETag that cannot name a file: \(oneLine(tag, limit: 80))",
                remedy: "check HF_ENDPOINT")
        }
        self.commit = commit
        self.etag = etag
        let text =
            answer.header("X-Linked-Size")
            ?? earlier.compactMap({ $0.first(name: "X-Linked-Size") }).first
            ?? (isRedirect ? nil : answer.header("Content-Length"))
        size = try text.map { text throws(HubError) in
            guard let size = Int(text), size >= 0 else {
                throw HubError(
                    .untrusted, place, problem: "not a size: \(oneLine(text, limit: 80))",
                    remedy: "check HF_ENDPOINT")
            }
            return size
        }
    }

    /// `etag` without `W/` and quotes; `nil` where it cannot be the name of a file.
    static func normalized(etag: String) -> String? {
        var bytes = etag.utf8[...]
        if bytes.starts(with: "W/".utf8) { bytes = bytes.dropFirst(2) }
        while bytes.first == UInt8(ascii: "\"") { bytes.removeFirst() }
        while bytes.last == UInt8(ascii: "\"") { bytes.removeLast() }
        let isFine =
            (1...200).contains(bytes.count) && bytes.first != UInt8(ascii: ".")
            && bytes.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
        let text = String(decoding: bytes, as: UTF8.self)
        return isFine && !text.hasSuffix(".incomplete") ? text : nil
    }
}

extension HubError {
    /// What a status of 400 and above means for `repository`, of whose `file` it tells.
    ///
    /// The hub's own words (`X-Error-Code`, `X-Error-Message`) decide where it says them.
    init(
        status: Int, headers: HTTPHeaders, url: HubURL, kind: HubRepositoryKind, name: HubName,
        file: String?, endpoint: HubURL, hasToken: Bool
    ) {
        let code = headers.first(name: "X-Error-Code")
        let message = headers.first(name: "X-Error-Message").map { oneLine($0) }
        let page = endpoint.appending(kind.pathPrefix + name.identifier).description
        let place = file.map { "\(name): \($0)" } ?? name.description
        let token = hasToken ? "the token may not see it" : "set HF_TOKEN to a token of yours"
        switch (status, code) {
        case (_, "EntryNotFound"):
            self.init(
                .fileNotFound, place,
                problem: "the repository has no such file at revision \(name.revision)",
                remedy: "see \(page)/tree/\(name.revision)")
        case (_, "RevisionNotFound"):
            self.init(
                .revisionNotFound, place,
                problem: "the \(kind.noun) has no revision \(name.revision)",
                remedy: "see the branches and tags at \(page)/tree/main")
        case (_, "GatedRepo"):
            self.init(
                .gated, place, problem: "the \(kind.noun) is gated: its licence must be accepted",
                remedy: hasToken
                    ? "accept it at \(page) with the account that the token belongs to"
                    : "accept it at \(page), then set HF_TOKEN to a token of yours")
        case (_, _) where message == "Access to this resource is disabled.":
            self.init(
                .forbidden, place, problem: "the hub has disabled the \(kind.noun)",
                remedy: "see \(page)")
        case (401, _) where message == "Invalid credentials in Authorization header":
            self.init(
                .unauthorized, place, problem: "the hub does not take the token",
                remedy: "make a new one on the hub's page of tokens and set HF_TOKEN, or remove it")
        case (_, "RepoNotFound"), (401, _), (404, _):
            self.init(
                .repositoryNotFound, place, problem: "no such \(kind.noun) on \(endpoint.origin)",
                remedy: "check the spelling; for a private or gated one: \(token)")
        case (403, _):
            self.init(
                .forbidden, place,
                problem: "the hub refuses\(message.map { ": \($0)" } ?? " (status 403)")",
                remedy: "check what the token may do, or see \(page)")
        case (407, _):
            self.init(
                .environment, url.origin, problem: "the proxy asks for a name and password",
                remedy: "write them into the variable: http://user:password@host:port")
        case (429, _):
            self.init(
                .rateLimited, url.origin, problem: "the hub asks for fewer requests",
                remedy: hasToken
                    ? "try again in some minutes" : "try again in some minutes, or set HF_TOKEN")
        case (408, _), (500...599, _):
            self.init(
                .server, url.description,
                problem: "the hub failed with status \(status)\(message.map { ": \($0)" } ?? "")",
                remedy: "try again later, or set HF_ENDPOINT to a mirror")
        default:
            self.init(
                .untrusted, url.description,
                problem: "status \(status)\(message.map { ": \($0)" } ?? "")",
                remedy: "check HF_ENDPOINT")
        }
        if status == 429 || status == 503 { retryAfter = RetryAfter.duration(headers) }
    }
}
