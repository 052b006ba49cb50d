import Files
import Hub
import Synchronization
import TestSupport
import Testing

/// Answers of the hub that are no success, and what the user is told.
@Suite struct AnswerTests {
    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/small@v1")
        hub = try TestHub()
        hub.add("owner/small", at: "v1", sampleModel)
    }

    private func failure(
        _ status: Int, _ headers: [(String, String)] = [], token: Bool = false,
        retry: HubRetry = .never
    ) throws -> HubError {
        hub.update { $0.intercept = { _ in .status(status, headers) } }
        return try withFolder { folder in
            let more = token ? ["HF_TOKEN": "hf_abc"] : [:]
            let client = Hub(environment: hub.environment(folder, more), retry: retry).blocking
            return try hubError { _ = try client.snapshot(name) }
        }
    }

    @Test func refusals() throws {
        let missing = try failure(401, [("X-Error-Code", "RepoNotFound")])
        #expect(missing.kind == .repositoryNotFound)
        #expect(
            missing.description.contains("spelling") && missing.description.contains("HF_TOKEN"))
        #expect(try failure(404).kind == .repositoryNotFound)
        #expect(try failure(401).kind == .repositoryNotFound)

        let revision = try failure(404, [("X-Error-Code", "RevisionNotFound")])
        #expect(revision.kind == .revisionNotFound && revision.description.contains("v1"))

        let gated = try failure(401, [("X-Error-Code", "GatedRepo")])
        #expect(gated.kind == .gated && gated.description.contains("HF_TOKEN"))
        let page = "\(hub.server.address)/owner/small"
        #expect(gated.description.contains("accept it at \(page)"))
        let withToken = try failure(403, [("X-Error-Code", "GatedRepo")], token: true)
        #expect(withToken.description.contains("account"))

        let token = try failure(
            401, [("X-Error-Message", "Invalid credentials in Authorization header")], token: true)
        #expect(token.kind == .unauthorized && token.description.contains("HF_TOKEN"))
        let refused = try failure(403, [("X-Error-Message", "No way\u{202E}")], token: true)
        #expect(refused.kind == .forbidden && refused.description.contains("No way"))
        #expect(!refused.description.unicodeScalars.contains("\u{202E}"))
        let disabled = try failure(
            403, [("X-Error-Message", "Access to this resource is disabled.")])
        #expect(disabled.kind == .forbidden && disabled.description.contains("disabled"))
        #expect(try failure(418).kind == .untrusted)
        for error in [missing, revision, gated, token, refused, disabled] {
            #expect(!error.remedy.isEmpty && !error.description.contains("hf_abc"))
        }
    }

    @Test(arguments: [408, 429, 500, 502, 503, 504])
    func transientFailuresAreTriedAgain(_ status: Int) throws {
        let left = Counter(3)
        hub.update { $0.intercept = { _ in left.down() ? .status(status) : nil } }
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .quick).blocking
            let snapshot = try client.snapshot(name)
            #expect(try listed(snapshot) == neededFiles)
        }
        hub.server.forget()
        let error = try failure(status, retry: .quick)
        #expect(error.kind == (status == 429 ? .rateLimited : .server))
        #expect(hub.server.requests.count == 5)
    }

    @Test(arguments: [401, 403, 404, 418])
    func othersAreNot(_ status: Int) throws {
        _ = try failure(status, retry: .quick)
        #expect(hub.server.requests.count == 1)
    }

    @Test func theHubSaysHowLong() throws {
        let left = Counter(1)
        hub.update {
            $0.intercept = { _ in left.down() ? .status(429, [("Retry-After", "1")]) : nil }
        }
        try withFolder { folder in
            let news = News()
            let client = Hub(environment: hub.environment(folder), retry: .quick, report: news.add)
            let start = ContinuousClock.now
            _ = try client.blocking.snapshot(name)
            #expect(ContinuousClock.now - start >= .seconds(1))
            #expect(news.waits.count == 1)
        }
        let error = try failure(429, [("Retry-After", "100000")], retry: .quick)
        #expect(error.kind == .rateLimited)
    }

    @Test(arguments: [401, 403, 404, 500, 503])
    func aCopyStandsIn(_ status: Int) throws {
        try withFolder { folder in
            let news = News()
            let client = Hub(environment: hub.environment(folder), retry: .quick, report: news.add)
            let first = try client.blocking.snapshot(name)
            hub.update { $0.intercept = { _ in .status(status) } }
            hub.server.forget()
            #expect(try client.blocking.snapshot(name) == first)
            #expect(try client.blocking.file("config.json", of: name) == first + "/config.json")
            #expect(news.warnings.count == 2)
            #expect(news.warnings.first?.contains("in the cache") ?? false)
            #expect(hub.server.requests.count == 2, "no patience where there is a copy")

            hub.update {
                $0.intercept = { _ in .status(404, [("X-Error-Code", "RevisionNotFound")]) }
            }
            let gone = try hubError { _ = try client.blocking.snapshot(name) }
            #expect(gone.kind == .revisionNotFound)
        }
    }

    @Test func withoutNetworkACopyStandsIn() throws {
        try withFolder { folder in
            let news = News()
            let environment = hub.environment(folder)
            let client = Hub(environment: environment, retry: .quick, report: news.add)
            let first = try client.blocking.snapshot(name)
            hub.server.close()
            #expect(try client.blocking.snapshot(name) == first)
            #expect(news.warnings.count == 1)
            let other = try HubName.parse("owner/other")
            let error = try hubError { _ = try client.blocking.snapshot(other) }
            #expect(error.kind == .unreachable && error.description.contains("HF_ENDPOINT"))
        }
    }

    @Test func answersOfOthers() throws {
        hub.update { $0.intercept = { _ in .text("<html>Please sign in</html>") } }
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never).blocking
            let listing = try hubError { _ = try client.snapshot(name) }
            #expect(listing.kind == .untrusted && listing.description.contains("HF_ENDPOINT"))
            let file = try hubError { _ = try client.file("config.json", of: name) }
            #expect(file.kind == .untrusted && file.description.contains("X-Repo-Commit"))
        }
    }
}

/// Counts down, from any thread.
final class Counter: Sendable {
    private let value: Mutex<Int>
    init(_ start: Int) { value = Mutex(start) }
    /// Whether something was left.
    func down() -> Bool {
        value.withLock { value in
            value -= 1
            return value >= 0
        }
    }
}
