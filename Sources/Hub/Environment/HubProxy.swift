/// A server that passes requests on.
struct HubProxy: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case http, socks }
    var kind: Kind
    var host: String
    var port: Int
    /// `user:password`, already unescaped.
    var credentials: String?
}

extension HubEnvironment {
    /// The proxy for requests to `url`; `nil` to go there directly.
    ///
    /// `https_proxy` or `http_proxy` after the scheme, else `all_proxy`, each in lower or upper case; hosts of `no_proxy`
    /// are asked directly. `HTTP_PROXY` in upper case is not read in a CGI program, where a visitor sets it.
    func proxy(for url: HubURL) throws(HubError) -> HubProxy? {
        var names = url.isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        if !url.isSecure, self["REQUEST_METHOD"] == nil { names.append("HTTP_PROXY") }
        names += ["all_proxy", "ALL_PROXY"]
        guard let name = names.first(where: { self[$0] != nil }), let text = self[name],
            !skipsProxy(url)
        else { return nil }
        guard let proxy = HubProxy(text) else {
            throw HubError(
                .environment, name, problem: "not the address of a proxy",
                remedy: "set it to an address as http://host:port or socks5://host:port")
        }
        return proxy
    }

    /// Whether `no_proxy` names the host of `url`: the host, a domain above it, an address range as `10.0.0.0/8`, or `*`.
    private func skipsProxy(_ url: HubURL) -> Bool {
        guard let list = self["no_proxy", "NO_PROXY"] else { return false }
        let entries = list.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") }
        for entry in entries {
            var rule = String(decoding: entry, as: UTF8.self).lowercased()
            if rule == "*" { return true }
            if let (network, bits) = HubProxy.range(rule), let address = HubProxy.address(url.host)
            {
                if bits == 0 || (address ^ network) >> (32 - UInt32(bits)) == 0 { return true }
                continue
            }
            if let (host, port) = HubURL.hostAndPort(Array(rule.utf8)[...]) {
                if let port, port != url.port { continue }
                rule = host
            }
            while rule.utf8.first == UInt8(ascii: ".") || rule.utf8.first == UInt8(ascii: "*") {
                rule.removeFirst()
            }
            if rule.isEmpty { continue }
            if url.host == rule
                || url.host.utf8.reversed().starts(with: ("." + rule).utf8.reversed())
            {
                return true
            }
        }
        return false
    }
}

extension HubProxy {
    /// Reads `http://user:password@host:port`, `socks5://host:port` or `host:port`.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        kind = .http
        for (scheme, kind) in [
            ("http://", Kind.http), ("socks5h://", .socks), ("socks5://", .socks),
            ("socks://", .socks),
        ]
        where rest.prefix(scheme.utf8.count).map({ $0 | 0x20 }).elementsEqual(
            scheme.utf8.map { $0 | 0x20 })
        {
            rest = rest.dropFirst(scheme.utf8.count)
            self.kind = kind
            break
        }
        if let slash = rest.firstIndex(of: UInt8(ascii: "/")) { rest = rest[..<slash] }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            guard let text = HubProxy.unescaped(rest[..<at]) else { return nil }
            credentials = text
            rest = rest[(at + 1)...]
        }
        guard let (host, port) = HubURL.hostAndPort(rest) else { return nil }
        self.host = host
        self.port = port ?? (kind == .http ? 80 : 1080)
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String? {
        var out: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
                let value = UInt8(
                    String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                out.append(value)
                index += 3
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        guard out.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: out, as: UTF8.self)
    }

    /// The four bytes of an address as `10.1.2.3`.
    static func address(_ text: String) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count),
                let byte = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    /// A range of addresses as `10.0.0.0/8`.
    static func range(_ text: String) -> (network: UInt32, bits: Int)? {
        let (front, back) = HubName.split(text, at: UInt8(ascii: "/"))
        guard let back, let bits = Int(back), (0...32).contains(bits), let network = address(front)
        else { return nil }
        return (network, bits)
    }
}
