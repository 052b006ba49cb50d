import Hub
import Testing

@Suite struct EnvironmentTests {
    private func environment(_ variables: [String: String]) -> HubEnvironment {
        HubEnvironment(variables: variables)
    }

    @Test func theCacheIsWherePythonHasIt() throws {
        let all = [
            "HF_HUB_CACHE": "/a", "HUGGINGFACE_HUB_CACHE": "/b", "HF_HOME": "/c",
            "XDG_CACHE_HOME": "/d", "HOME": "/e",
        ]
        var rest = all
        var found: [String] = []
        for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"] {
            found.append(try environment(rest).cacheFolder())
            // Empty counts as not set.
            rest[name] = ""
        }
        found.append(try environment(rest).cacheFolder())
        #expect(
            found == [
                "/a", "/b", "/c/hub", "/d/huggingface/hub", "/e/.cache/huggingface/hub",
            ])
        let without = try hubError { _ = try environment([:]).cacheFolder() }
        #expect(without.kind == .environment && without.description.contains("HF_HOME"))
    }

    @Test(
        arguments: [
            ("~/x", "/home/ann/x"), ("~", "/home/ann"), ("$DATA/hub/", "/data/hub"),
            ("${DATA}hub", "/datahub"), ("/a$", "/a$"), ("/a$NONE/b", "/a$NONE/b"),
            ("/a${DATA", "/a${DATA"), ("x~", "x~"), ("/", "/"), ("//", "/"), ("$", "$"),
            ("${", "${"), ("~ann/x", "~ann/x"),
        ])
    func pathsAreExpanded(_ given: String, _ expected: String) throws {
        let environment = environment(["HOME": "/home/ann", "DATA": "/data", "HF_HUB_CACHE": given])
        #expect(try environment.cacheFolder() == expected)
    }

    @Test func offline() {
        for value in ["1", "on", "YES", "True"] {
            #expect(environment(["HF_HUB_OFFLINE": value]).isOffline)
            #expect(environment(["TRANSFORMERS_OFFLINE": value]).isOffline)
        }
        for value in ["0", "", "off", "2"] {
            #expect(!environment(["HF_HUB_OFFLINE": value]).isOffline)
        }
        #expect(!environment(["HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"]).isOffline)
        #expect(!environment([:]).isOffline)
    }

    @Test(
        arguments: [
            ("HF_ENDPOINT", "huggingface.co"), ("HF_ENDPOINT", "ftp://x"),
            ("HF_ENDPOINT", "http://"),
            ("HF_ENDPOINT", "https://x/y?z"), ("HF_ENDPOINT", "https://a b"),
            ("HF_HUB_ETAG_TIMEOUT", "soon"), ("HF_HUB_ETAG_TIMEOUT", "0"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "-1"), ("HF_HUB_DOWNLOAD_TIMEOUT", "nan"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "1e9"), ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        ])
    func valuesThatAreNone(_ variable: String, _ value: String) throws {
        let client = Hub(environment: environment(["HOME": "/nowhere", variable: value])).blocking
        let name = try HubName.parse("a/b")
        let error = try hubError { _ = try client.snapshot(name) }
        #expect(error.kind == .environment && error.place == variable, "\(error)")
    }

    @Test func theProcessHasOne() throws {
        #expect(try !HubEnvironment.process.cacheFolder().isEmpty)
    }
}

@Suite struct NameTests {
    @Test func names() throws {
        let name = try HubName.parse("moka-ai/m3e-small")
        #expect(name.owner == "moka-ai" && name.name == "m3e-small" && name.revision == "main")
        #expect(name.identifier == "moka-ai/m3e-small" && "\(name)" == "moka-ai/m3e-small")
        let tagged = try HubName.parse("bert-base-uncased@refs/pr/1")
        #expect(tagged.owner == nil && tagged.revision == "refs/pr/1")
        #expect("\(tagged)" == "bert-base-uncased@refs/pr/1")
        #expect("\(try name.at("v1.0"))" == "moka-ai/m3e-small@v1.0")
        #expect(try HubName.parse("\(tagged)") == tagged)
    }

    @Test(
        arguments: [
            "", "/a/b", "./a", "../a", "~/a", "a/b/c", "a\\b", "a/", "/", "a//b", "-a/b", "a/b-",
            "a/.b", "a..b/c", "a--b/c", "a/b.git", "é/b", "a b/c", "a/b@", "a/b@..", "a/b@x..y",
            "a/b@/x", "a/b@x/", "a/b@x y", "a/b@~1", "a/b@.x", "a/b@-x", "a/b@x/../y", "a/b@a\\b",
            "https://huggingface.co/a/b", "hf://a/b", ".", "..", "a/b@x\0", "datasets/a/b",
            String(repeating: "a", count: 97), "a/b@" + String(repeating: "x", count: 201),
            "a\nb/c",
        ])
    func othersAreRefused(_ text: String) throws {
        let error = try hubError { _ = try HubName.parse(text) }
        #expect(error.kind == .invalidName && !error.remedy.isEmpty)
    }

    @Test func dataSets() throws {
        let plain = try HubDatasetName.parse("shibing624/nli_zh")
        #expect(plain.configuration == nil && "\(plain)" == "shibing624/nli_zh")
        let chosen = try HubDatasetName.parse("shibing624/nli_zh:STS-B")
        #expect(chosen.configuration == "STS-B" && "\(chosen)" == "shibing624/nli_zh:STS-B")
        let tagged = try HubDatasetName.parse("shibing624/nli_zh:STS-B@v1")
        #expect(tagged.repository.revision == "v1" && tagged.configuration == "STS-B")
        #expect("\(tagged)" == "shibing624/nli_zh:STS-B@v1")
        for text in ["a/b:", "a/b:@v1", ":x", "https://a/b", "a/b/c:x", "/a:b"] {
            let error = try hubError { _ = try HubDatasetName.parse(text) }
            #expect(error.kind == .invalidName, "\(text)")
        }
    }
}
