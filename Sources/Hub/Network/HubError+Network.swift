internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension HubError {
    /// What came of a request that got no answer, or of an answer that broke off.
    init(network error: any Error, url: HubURL, proxy: HubProxy?) {
        let place = url.origin
        if error is CancellationError || (error as? HTTPClientError) == .cancelled {
            self.init(.cancelled, place, problem: "cancelled")
            return
        }
        let through = proxy.map { " through the proxy \($0.host):\($0.port)" } ?? ""
        var kind = Kind.unreachable
        var remedy =
            proxy == nil
            ? "check the connection, or set HF_ENDPOINT to a mirror; with HF_HUB_OFFLINE=1 only the cache is used"
            : "check the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"
        let problem: String
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .deadlineExceeded, .readTimeout, .tlsHandshakeTimeout,
                .httpProxyHandshakeTimeout, .socksHandshakeTimeout, .getConnectionFromPoolTimeout:
                problem = "no answer\(through) in time (\(error.shortDescription))"
                remedy +=
                    "; HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT allow more seconds"
            case .proxyAuthenticationRequired:
                kind = .environment
                problem = "the proxy asks for a name and password"
                remedy = "write them into the variable: http://user:password@host:port"
            default: problem = "the connection\(through) broke off (\(error.shortDescription))"
            }
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            kind = .environment
            let text = "\(error)"
            let reason =
                text.contains("CERTIFICATE_VERIFY_FAILED")
                ? "its certificate is signed by no one known"
                : text.contains("failedToValidateHostname")
                    ? "its certificate is for another name" : oneLine(text, limit: 120)
            problem = "no trusted connection\(through): \(reason)"
            remedy =
                "check the clock and the certificates of the system, or name a file of certificates in SSL_CERT_FILE"
        case HTTPParserError.invalidEOFState:
            problem = "the connection\(through) broke off"
        case let error as HTTPParserError:
            kind = .untrusted
            problem = "not an answer of a web server: \(oneLine("\(error)"))"
            remedy = "check HF_ENDPOINT"
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { HubError.text(of: $0.error) }
            problem =
                "cannot be reached\(through): "
                + (reasons.first ?? "the name \(error.host) is not known")
        default: problem = "cannot be reached\(through): \(HubError.text(of: error))"
        }
        self.init(kind, place, problem: problem, remedy: remedy)
        let noRoute = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN]
        isWithoutConnection =
            error is NIOConnectionError || noRoute.contains((error as? IOError)?.errnoCode ?? 0)
    }

    /// The system's words for a failed call, else the error's own.
    private static func text(of error: any Error) -> String {
        guard let error = error as? IOError else { return oneLine("\(error)") }
        return unsafe String(cString: strerror(error.errnoCode))
    }
}
