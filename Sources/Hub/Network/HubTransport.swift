internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization

/// What the hub, or the server that it points to, answered.
struct HubAnswer: Sendable {
    /// Where the answer comes from, after redirects.
    var url: HubURL
    var status: Int
    var headers: HTTPHeaders
    var body: HTTPClientResponse.Body
    /// The headers of the redirects on the way here, oldest first.
    var redirects: [HTTPHeaders]

    func header(_ name: String) -> String? { headers.first(name: name) }
}

/// Sends requests, directly or through the proxy that the environment names, and follows redirects.
///
/// The token goes to the hub's own scheme, host and port only. Must be closed with ``close()``.
final class HubTransport: Sendable {
    let environment: HubEnvironment
    let endpoint: HubURL
    private let token: String?
    private let connectTimeout: Duration
    private let readTimeout: Duration
    private let clients = Mutex<[HubProxy.Route: HTTPClient]>([:])

    /// The most redirects that are followed.
    static let maximumRedirects = 10

    init(environment: HubEnvironment, token: String?) throws(HubError) {
        self.environment = environment
        endpoint = try environment.endpoint()
        self.token = token
        connectTimeout = try environment.metadataTimeout()
        readTimeout = try environment.downloadTimeout()
    }

    func close() async {
        let open = clients.withLock { clients in
            let open = Array(clients.values)
            clients = [:]
            return open
        }
        for client in open { try? await client.shutdown() }
    }

    /// Asks for `url` and follows redirects.
    ///
    /// With `stopsAtForeignMetadata` a redirect to another server is the answer where it says all that the hub knows of a
    /// file. `timeout` is the time to the first byte of each answer. Throws for what is no answer; a status of 400 and
    /// above is one.
    func send(
        _ method: HTTPMethod, _ url: HubURL, headers: HTTPHeaders = [:], timeout: Duration,
        stopsAtForeignMetadata: Bool = false
    ) async throws(HubError) -> HubAnswer {
        var current = url
        var redirects: [HTTPHeaders] = []
        while true {
            let response = try await send(once: method, current, headers: headers, timeout: timeout)
            let answer = HubAnswer(
                url: current, status: Int(response.status.code), headers: response.headers,
                body: response.body, redirects: redirects)
            guard [301, 302, 303, 307, 308].contains(answer.status),
                let location = answer.header("Location")
            else { return answer }
            guard let next = current.resolving(location) else {
                throw HubError(
                    .untrusted, current.description,
                    problem: "a redirect that cannot be followed: \(oneLine(location, limit: 80))",
                    remedy: "check HF_ENDPOINT")
            }
            if stopsAtForeignMetadata, next.origin != current.origin,
                FileMetadata.isComplete(answer.headers)
            {
                return answer
            }
            redirects.append(answer.headers)
            guard redirects.count <= HubTransport.maximumRedirects else {
                throw HubError(
                    .untrusted, url.description,
                    problem: "more than \(HubTransport.maximumRedirects) redirects",
                    remedy: "check HF_ENDPOINT")
            }
            current = next
        }
    }

    private func send(
        once method: HTTPMethod, _ url: HubURL, headers: HTTPHeaders, timeout: Duration
    ) async throws(HubError) -> HTTPClientResponse {
        let proxy = try environment.proxy(for: url)
        let route = HubProxy.Route(proxy: proxy, isSecure: url.isSecure)
        var request = HTTPClientRequest(url: url.text)
        request.method = method
        request.headers = headers
        request.headers.replaceOrAdd(name: "User-Agent", value: environment.userAgent)
        request.headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        if let token, url.origin == endpoint.origin {
            request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token)")
        }
        if let proxy, route.isPlain {
            request.url = "http://\(url.bracketed(proxy.host)):\(proxy.port)\(url.target)"
            request.headers.replaceOrAdd(name: "Host", value: url.authority)
            if let authorization = proxy.basicAuthorization {
                request.headers.replaceOrAdd(name: "Proxy-Authorization", value: authorization)
            }
        }
        let client = try client(for: route)
        do {
            return try await client.execute(
                request, deadline: .now() + TimeAmount(timeout), logger: nil)
        } catch {
            throw HubError(network: error, url: url, proxy: proxy)
        }
    }

    private func client(for route: HubProxy.Route) throws(HubError) -> HTTPClient {
        if let client = clients.withLock({ $0[route] }) { return client }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.timeout = .init(
            connect: TimeAmount(connectTimeout), read: TimeAmount(readTimeout))
        configuration.connectionPool.retryConnectionEstablishment = false
        if let file = try environment.certificateFile() {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(file)
            configuration.tlsConfiguration = tls
        }
        try route.apply(to: &configuration)
        let made = HTTPClient(
            eventLoopGroupProvider: .shared(HubThreads.network), configuration: configuration)
        let (client, spare) = clients.withLock { clients in
            if let other = clients[route] { return (other, made as HTTPClient?) }
            clients[route] = made
            return (made, nil)
        }
        if let spare { spare.shutdown { _ in } }
        return client
    }
}

extension TimeAmount {
    /// The same time, at least a millisecond.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .milliseconds(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
