internal import Files

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The environment variables that say where the hub and its cache are, read as Python's `huggingface_hub` reads them.
///
/// Everything that depends on the process environment goes through one value of this type. A variable that is set but
/// empty counts as not set.
public struct HubEnvironment: Sendable {
    /// The variables by name.
    public var variables: [String: String]

    /// An environment of its own.
    public init(variables: [String: String]) { self.variables = variables }

    /// The environment of this process; the home folder comes from the user database where `HOME` is missing.
    public static var process: HubEnvironment {
        var variables = ProcessInfo.processInfo.environment
        if variables["HOME", default: ""].isEmpty, let home = homeFromUserDatabase() {
            variables["HOME"] = home
        }
        return HubEnvironment(variables: variables)
    }

    private static func homeFromUserDatabase() -> String? {
        guard let entry = unsafe getpwuid(getuid()), let home = unsafe entry.pointee.pw_dir else {
            return nil
        }
        return unsafe String(cString: home)
    }

    /// The value of the first of `names` that is set.
    subscript(names: String...) -> String? {
        for name in names {
            if let value = variables[name], !value.isEmpty { return value }
        }
        return nil
    }

    /// Whether the variable `name` says yes: `1`, `on`, `yes`, `true`.
    private func isTrue(_ name: String) -> Bool {
        guard let value = self[name] else { return false }
        return ["1", "ON", "YES", "TRUE"].contains(value.uppercased())
    }

    /// Whether the network must not be used: `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`.
    public var isOffline: Bool {
        isTrue(self["HF_HUB_OFFLINE"] != nil ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE")
    }

    /// The folder of Hugging Face's files: `HF_HOME`, else `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface`.
    ///
    /// Throws a ``HubError`` where there is no home folder either.
    public func home() throws(HubError) -> String {
        if let home = self["HF_HOME"] { return expanded(home) }
        if let cache = self["XDG_CACHE_HOME"] { return expanded(cache) + "/huggingface" }
        guard let home = self["HOME"] else {
            throw HubError(
                .environment, "HOME", problem: "not set, so there is no place for the cache",
                remedy: "set HF_HOME to a folder")
        }
        return home + "/.cache/huggingface"
    }

    /// The folder of the cache: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, else `hub` in ``home()``.
    public func cacheFolder() throws(HubError) -> String {
        if let folder = self["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"] { return expanded(folder) }
        return try home() + "/hub"
    }

    /// The token: `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, else the file `HF_TOKEN_PATH`, else `token` in ``home()``;
    /// `nil` where there is none, or where `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
    public func token() throws(HubError) -> String? {
        if isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN") { return nil }
        for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
            if let value = self[name], let token = try checked(token: value, from: name) {
                return token
            }
        }
        let path: String
        if let chosen = self["HF_TOKEN_PATH"] {
            path = expanded(chosen)
        } else if let home = try? home() {
            path = home + "/token"
        } else {
            return nil
        }
        guard FileBytes.exists(path), !FileBytes.isFolder(path) else { return nil }
        let size = try withFiles { () throws(FileError) in try FileBytes.size(path) }
        guard size <= 4096 else {
            throw HubError(
                .environment, path, problem: "\(size) bytes, too long for a token",
                remedy: "write the token alone into the file, or set HF_TOKEN")
        }
        let text = try withFiles { () throws(FileError) in try FileBytes.readText(path) }
        return try checked(token: text, from: path)
    }

    /// `token` without space around it, `nil` where nothing is left; throws where it cannot stand in a header.
    func checked(token: String, from place: String) throws(HubError) -> String? {
        var bytes = token.utf8[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        if bytes.isEmpty { return nil }
        guard bytes.count <= 4096, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HubError(
                .environment, place, problem: "not a token: it holds spaces or other characters",
                remedy: "set it to the token alone, as shown on the hub's page of tokens")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The address of the hub: `HF_ENDPOINT`, else `https://huggingface.co`. May have a path, as mirrors do.
    func endpoint() throws(HubError) -> HubURL {
        let text = self["HF_ENDPOINT"] ?? "https://huggingface.co"
        guard let url = HubURL(text), !url.target.utf8.contains(UInt8(ascii: "?")) else {
            throw HubError(
                .environment, "HF_ENDPOINT", problem: "not the address of a hub: \(oneLine(text))",
                remedy: "set it to an address as https://huggingface.co")
        }
        return url
    }

    /// How long to wait for what the hub says of a file: `HF_HUB_ETAG_TIMEOUT` in seconds, else 10.
    func metadataTimeout() throws(HubError) -> Duration { try seconds("HF_HUB_ETAG_TIMEOUT") }

    /// How long to wait for the next bytes of a file: `HF_HUB_DOWNLOAD_TIMEOUT` in seconds, else 10.
    func downloadTimeout() throws(HubError) -> Duration { try seconds("HF_HUB_DOWNLOAD_TIMEOUT") }

    private func seconds(_ name: String) throws(HubError) -> Duration {
        guard let text = self[name] else { return .seconds(10) }
        guard let value = Double(text), value > 0, value <= 86_400 else {
            throw HubError(
                .environment, name, problem: "not a number of seconds: \(oneLine(text))",
                remedy: "set it to a number above 0, or remove it")
        }
        return .seconds(value)
    }

    /// The file of certificates that are trusted in place of the system's: `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`,
    /// `CURL_CA_BUNDLE`.
    func certificateFile() throws(HubError) -> String? {
        for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
            guard let path = self[name].map(expanded) else { continue }
            guard FileBytes.exists(path) else {
                throw HubError(
                    .environment, name, problem: "no such file: \(oneLine(path))",
                    remedy: "set it to a file of certificates, or remove it")
            }
            return path
        }
        return nil
    }

    /// Whether links in the cache are to be avoided: `HF_HUB_DISABLE_SYMLINKS`.
    var disablesLinks: Bool { isTrue("HF_HUB_DISABLE_SYMLINKS") }

    /// What the hub is told of this program.
    var userAgent: String {
        var text = "swift-uniem"
        #if os(Linux)
            text += "; os/linux"
        #elseif os(macOS)
            text += "; os/macos"
        #endif
        if let origin = self["HF_HUB_USER_AGENT_ORIGIN"] {
            text +=
                "; origin/"
                + oneLine(origin).unicodeScalars.filter { $0.isASCII }.map(String.init).joined()
        }
        return text
    }

    /// `path` with `~` at its start and `$NAME`, `${NAME}` replaced, without slashes at its end.
    func expanded(_ path: String) -> String {
        var bytes = Array(path.utf8)
        if bytes.first == UInt8(ascii: "~"), bytes.count == 1 || bytes[1] == UInt8(ascii: "/"),
            let home = self["HOME"]
        {
            bytes.replaceSubrange(0..<1, with: home.utf8)
        }
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "$"), let (name, next) = variable(in: bytes, at: index),
                let value = self[name]
            {
                out += value.utf8
                index = next
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        while out.count > 1, out.last == UInt8(ascii: "/") { out.removeLast() }
        return String(decoding: out, as: UTF8.self)
    }

    /// The name after the `$` at `index`, and where the text goes on.
    private func variable(in bytes: [UInt8], at index: Int) -> (String, Int)? {
        func isWord(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        var start = index + 1
        let isBraced = start < bytes.count && bytes[start] == UInt8(ascii: "{")
        if isBraced { start += 1 }
        guard start <= bytes.count else { return nil }
        let name = bytes[start...].prefix(while: isWord)
        var next = start + name.count
        if name.isEmpty { return nil }
        if isBraced {
            guard next < bytes.count, bytes[next] == UInt8(ascii: "}") else { return nil }
            next += 1
        }
        return (String(decoding: name, as: UTF8.self), next)
    }
}
