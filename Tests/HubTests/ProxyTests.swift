import Files
import Hub
import TestSupport
import Testing

@Suite struct ProxyTests {
    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/small")
        hub = try TestHub()
        hub.add("owner/small", sampleModel)
    }

    /// A proxy that knows no tunnels: it answers for the hub itself, by whole addresses.
    private func proxy(password: String? = nil) throws -> TestServer {
        let config = sampleModel["config.json"]
        return try TestServer { request in
            guard request.method == "GET" || request.method == "HEAD" else { return .status(405) }
            if let password, request.header("Proxy-Authorization") != password {
                return .status(407, [("Proxy-Authenticate", "Basic")])
            }
            let commit = TestHub.commit(sampleModel)
            return TestHub.body(
                config?.bytes ?? [], request,
                [("ETag", "\"\(config?.etag ?? "")\""), ("X-Repo-Commit", commit)])
        }
    }

    @Test(arguments: ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
    func proxiesOfTheEnvironment(_ variable: String) throws {
        let proxy = try proxy()
        try withFolder { folder in
            let value = variable == "HTTP_PROXY" ? "127.0.0.1:\(proxy.port)" : proxy.address
            let more = [variable: value, "HF_ENDPOINT": "http://hub.example", "HF_TOKEN": "hf_a"]
            let client = Hub(environment: hub.environment(folder, more), retry: .never).blocking
            let path = try client.file("config.json", of: name)
            #expect(try FileBytes.read(path) == sampleModel["config.json"]?.bytes)
            let commit = TestHub.commit(sampleModel)
            #expect(
                proxy.lines == [
                    "HEAD http://hub.example/owner/small/resolve/main/config.json",
                    "GET http://hub.example/owner/small/resolve/\(commit)/config.json",
                ])
            #expect(proxy.requests[0].header("Host") == "hub.example")
            #expect(proxy.requests[0].header("Authorization") == "Bearer hf_a")
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test(
        arguments: [
            "127.0.0.1", "*", "example.com, 127.0.0.1", "127.0.0.0/8", "localhost,127.0.0.1:PORT",
            "0.0.0.0/0",
        ])
    func hostsWithoutProxy(_ list: String) throws {
        let proxy = try proxy()
        try withFolder { folder in
            let list =
                String(list.split(separator: "PORT").joined(separator: "\(hub.server.port)"))
                + (list.hasSuffix("PORT") ? "\(hub.server.port)" : "")
            let more = ["http_proxy": proxy.address, "no_proxy": list]
            let client = Hub(environment: hub.environment(folder, more), retry: .never).blocking
            _ = try client.file("config.json", of: name)
            #expect(proxy.requests.isEmpty)
        }
    }

    @Test(arguments: ["127.0.0.2", "27.0.0.1", "10.0.0.0/8", "127.0.0.1:1", "x127.0.0.1", ","])
    func otherHostsGoThroughIt(_ list: String) throws {
        let proxy = try proxy()
        try withFolder { folder in
            let more = ["http_proxy": proxy.address, "NO_PROXY": list]
            let client = Hub(environment: hub.environment(folder, more), retry: .never).blocking
            _ = try client.file("config.json", of: name)
            #expect(proxy.requests.count == 2 && hub.server.requests.isEmpty)
        }
    }

    @Test func namesAndPasswords() throws {
        let proxy = try proxy(password: "Basic YW5uOnBAc3M6dw==")
        try withFolder { folder in
            let address = "http://ann:p%40ss%3Aw@127.0.0.1:\(proxy.port)/"
            let client = Hub(
                environment: hub.environment(folder, ["http_proxy": address]), retry: .never
            ).blocking
            _ = try client.file("config.json", of: name)
            let without = Hub(
                environment: hub.environment(folder + "/other", ["http_proxy": proxy.address]),
                retry: .never
            ).blocking
            let error = try hubError { _ = try without.file("config.json", of: name) }
            #expect(error.kind == .environment && error.description.contains("password"))
        }
    }

    @Test func proxiesThatAreNone() throws {
        try withFolder { folder in
            for value in ["https://127.0.0.1:1", "ftp://x", "http://", "http://a b:1", "host:port"]
            {
                let client = Hub(
                    environment: hub.environment(folder, ["http_proxy": value]), retry: .never
                ).blocking
                let error = try hubError { _ = try client.file("config.json", of: name) }
                #expect(error.kind == .environment && error.place == "http_proxy", "\(error)")
            }
            // In a CGI program a visitor sets it.
            let more = ["HTTP_PROXY": "http://127.0.0.1:1", "REQUEST_METHOD": "GET"]
            let client = Hub(environment: hub.environment(folder, more), retry: .never).blocking
            _ = try client.file("config.json", of: name)
        }
    }

    @Test func tunnels() throws {
        // For `https` the proxy is asked for a tunnel; this one refuses.
        let proxy = try proxy()
        try withFolder { folder in
            let more = ["https_proxy": proxy.address, "HF_ENDPOINT": "https://hub.example"]
            let client = Hub(environment: hub.environment(folder, more), retry: .never).blocking
            let error = try hubError { _ = try client.file("config.json", of: name) }
            #expect(error.kind == .unreachable && error.description.contains("proxy"), "\(error)")
            #expect(proxy.lines == ["CONNECT hub.example:443"])
        }
    }
}
