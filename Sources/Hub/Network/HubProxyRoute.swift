internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

extension HubProxy {
    /// The way of a request: directly, or through a proxy.
    struct Route: Hashable, Sendable {
        var proxy: HubProxy?
        /// Whether an HTTP proxy reads the request itself, as for `http` addresses; else it opens a tunnel.
        var isPlain: Bool

        init(proxy: HubProxy?, isSecure: Bool) {
            self.proxy = proxy
            isPlain = proxy?.kind == .http && !isSecure
        }

        /// Sets `configuration` up for this way.
        func apply(to configuration: inout HTTPClient.Configuration) throws(HubError) {
            guard let proxy else { return }
            if isPlain {
                // The client opens tunnels only, which many proxies refuse for `http`: here it takes the proxy for the
                // server, and the request line gets the whole address.
                configuration.http1_1ConnectionDebugInitializer = { channel in
                    channel.pipeline.handler(type: HTTPRequestEncoder.self).flatMapThrowing {
                        try channel.pipeline.syncOperations.addHandler(
                            WholeAddressHandler(), position: .after($0))
                    }
                }
                return
            }
            switch proxy.kind {
            case .socks: configuration.proxy = .socksServer(host: proxy.host, port: proxy.port)
            case .http:
                let authorization = proxy.credentials.map { credentials in
                    let (user, password) = HubName.split(credentials, at: UInt8(ascii: ":"))
                    return HTTPClient.Authorization.basic(username: user, password: password ?? "")
                }
                configuration.proxy = .server(
                    host: proxy.host, port: proxy.port, authorization: authorization)
            }
        }
    }

    /// The header that tells the proxy who asks.
    var basicAuthorization: String? {
        credentials.map { credentials in
            let (user, password) = HubName.split(credentials, at: UInt8(ascii: ":"))
            return HTTPClient.Authorization.basic(username: user, password: password ?? "")
                .headerValue
        }
    }
}

extension HubURL {
    /// `host` in brackets where it is an IPv6 address.
    func bracketed(_ host: String) -> String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    }
}

/// Writes `GET http://host/path` for `GET /path`, the host from the header `Host`.
private final class WholeAddressHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        if case .head(var head) = part, head.uri.utf8.first == UInt8(ascii: "/"),
            let host = head.headers.first(name: "Host")
        {
            head.uri = "http://\(host)\(head.uri)"
            part = .head(head)
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
