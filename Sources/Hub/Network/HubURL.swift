/// An address of the web, checked so that what is sent is what was read: `http` or `https`, a host, a port, a path with
/// its query. No user names, no fragment, ASCII only.
struct HubURL: Equatable, Sendable, CustomStringConvertible {
    var isSecure: Bool
    /// In lower case; IPv6 addresses without brackets.
    var host: String
    var port: Int
    /// Begins with `/`; may have a query.
    var target: String

    /// Reads an absolute address; `nil` for anything else.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 16_384, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C })
        else { return nil }
        let lower = bytes.prefix(8).map { $0 | 0x20 }
        let start: Int
        if lower.starts(with: "https://".utf8) {
            (isSecure, start) = (true, 8)
        } else if lower.starts(with: "http://".utf8) {
            (isSecure, start) = (false, 7)
        } else {
            return nil
        }
        let rest = bytes[start...]
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        guard let (host, port) = HubURL.hostAndPort(rest[..<end]) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        target = HubURL.target(rest[end...])
    }

    /// Reads `host`, `host:port`, `[address]` or `[address]:port`.
    static func hostAndPort(_ bytes: ArraySlice<UInt8>) -> (String, Int?)? {
        var host = bytes
        var port: Int?
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = bytes[bytes.startIndex + 1..<close]
            let after = bytes[(close + 1)...]
            guard !host.isEmpty,
                host.allSatisfy({ isHex($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
            if !after.isEmpty {
                guard after.first == UInt8(ascii: ":"), let value = number(after.dropFirst()) else {
                    return nil
                }
                port = value
            }
        } else {
            if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
                guard let value = number(bytes[(colon + 1)...]) else { return nil }
                (host, port) = (bytes[..<colon], value)
            }
            guard !host.isEmpty, host.count <= 253, host.allSatisfy(isHostByte) else { return nil }
        }
        return (String(decoding: host.map(lowercased), as: UTF8.self), port)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard (1...5).contains(bytes.count),
            bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        let value = bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (1...65_535).contains(value) ? value : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// The path and query of what follows a host; a fragment is dropped.
    private static func target(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
        return text.utf8.first == UInt8(ascii: "/") ? text : "/" + text
    }

    /// The host as it stands in an address, in brackets where it is an IPv6 address.
    var bracketedHost: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    /// The host, with the port where it is not the usual one.
    var authority: String {
        port == (isSecure ? 443 : 80) ? bracketedHost : "\(bracketedHost):\(port)"
    }

    /// Scheme, host and port: who is asked.
    var origin: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// The whole address.
    var text: String { origin + target }

    /// The address without its query, which may hold secrets.
    var description: String {
        origin + String(decoding: target.utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// The same place with `text` (already escaped) at the end of its path; a query is dropped.
    func appending(_ text: String) -> HubURL {
        var copy = self
        var path = Array(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        copy.target = String(decoding: path, as: UTF8.self) + "/" + text
        return copy
    }

    /// Where a `Location` header of an answer from here points; `nil` where it cannot be followed.
    func resolving(_ location: String) -> HubURL? {
        if let absolute = HubURL(location) { return absolute }
        let bytes = Array(location.utf8)
        guard !bytes.isEmpty else { return nil }
        if bytes.starts(with: "//".utf8) {
            return HubURL((isSecure ? "https:" : "http:") + location)
        }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let base: String
        switch bytes[0] {
        case UInt8(ascii: "/"): base = ""
        case UInt8(ascii: "?"), UInt8(ascii: "#"): base = String(decoding: path, as: UTF8.self)
        default:
            // A colon before any slash is another scheme.
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
            if colon < slash { return nil }
            let folder = path.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? path[...]
            base = String(decoding: folder, as: UTF8.self)
        }
        return HubURL(origin + base + location)
    }

    /// `text` with everything but letters, digits, `-._~` and the bytes of `keeping` escaped.
    static func escaped(_ text: String, keeping: String = "") -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            if isHostByte(byte) || byte == UInt8(ascii: "~") || keeping.utf8.contains(byte) {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
