import Files
import Hub
import TestSupport
import Testing

/// Servers that mean harm, or are broken in ways that would do it.
@Suite struct SafetyTests {
    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/small")
        hub = try TestHub()
        hub.add("owner/small", sampleModel)
    }

    private func client(_ folder: String, _ more: [String: String] = [:], _ news: News = News())
        -> BlockingHub
    {
        Hub(environment: hub.environment(folder, more), retry: .quick, report: news.add).blocking
    }

    @Test(
        arguments: [
            "../../x", "/etc/cron.d/x", "a/../../x", "..", ".", "a//b", "a/./b", "a/", "", "a\0b",
            "..\\..\\x", "a/..\\b",
        ])
    func namesThatLeaveTheFolderAreRefused(_ path: String) throws {
        hub.add("owner/small", sampleModel.merging([path: .init("x")]) { $1 })
        try withFolder { folder in
            let error = try hubError { _ = try client(folder + "/inner").snapshot(name) }
            #expect(error.kind == .untrusted, "\(error)")
            let file = try hubError { _ = try client(folder + "/inner").file(path, of: name) }
            #expect(file.kind == .invalidName)
            #expect(!FileBytes.exists(folder + "/inner/hub"))
            #expect(try Set(FileBytes.names(in: folder)).isSubset(of: ["inner"]))
        }
    }

    @Test(arguments: ["a\\b.json", "a\u{7}b", String(repeating: "x", count: 300)])
    func namesThatNoFileCanHaveAreLeftOut(_ path: String) throws {
        hub.add("owner/small", sampleModel.merging([path: .init("x")]) { $1 })
        try withFolder { folder in
            let news = News()
            let snapshot = try client(folder, [:], news).snapshot(name)
            #expect(try listed(snapshot) == neededFiles)
            #expect(news.warnings.count == 1)
        }
    }

    @Test func modulesThatLeaveTheFolder() throws {
        var files = sampleModel
        files["modules.json"] = .init(
            """
            [{"path": "", "type": "a.Transformer"}, {"path": "../../../etc", "type": "a.Pooling"},
             {"path": "/etc", "type": "a.Pooling"}]
            """
        )
        hub.add("owner/small", files)
        try withFolder { folder in
            let snapshot = try client(folder).snapshot(name)
            #expect(try listed(snapshot).contains("model.safetensors"))
        }
    }

    @Test(arguments: ["a/b", "../../../x", ".", "..", "", "a b", "x.incomplete", "a\\b", "é"])
    func namesOfContentsThatLeaveTheFolder(_ etag: String) throws {
        hub.update {
            $0.change = { request, answer in
                guard let index = answer.headers.firstIndex(where: { $0.0 == "ETag" }) else {
                    return
                }
                answer.headers[index].1 = "\"\(etag)\""
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("config.json", of: name) }
            #expect(error.kind == .untrusted, "\(error)")
            #expect(!FileBytes.exists(folder + "/hub"))
        }
    }

    @Test(arguments: ["main", "../../x", "0123", "", String(repeating: "A", count: 40)])
    func commitsThatAreNone(_ commit: String) throws {
        hub.update {
            $0.change = { request, answer in
                answer.headers = answer.headers.map {
                    $0.0 == "X-Repo-Commit" ? ($0.0, commit) : $0
                }
                if request.path.contains("/api/") {
                    answer = .text("{\"sha\": \"\(commit)\", \"siblings\": []}")
                }
            }
        }
        try withFolder { folder in
            let file = try hubError { _ = try client(folder).file("config.json", of: name) }
            #expect(file.kind == .untrusted)
            let model = try hubError { _ = try client(folder).snapshot(name) }
            #expect(model.kind == .untrusted)
            #expect(!FileBytes.exists(folder + "/hub"))
        }
    }

    @Test func answersForAnotherCommit() throws {
        let other = String(repeating: "a", count: 40)
        hub.update {
            $0.change = { _, answer in
                answer.headers = answer.headers.map { $0.0 == "X-Repo-Commit" ? ($0.0, other) : $0 }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).snapshot(name) }
            #expect(error.kind == .untrusted && error.description.contains(other))
        }
    }

    @Test(arguments: [
        "/again", "https://", "ftp://127.0.0.1/x", "javascript:alert(1)",
        "http://user:pw@127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "\u{7f}",
    ])
    func redirectsThatLeadNowhere(_ location: String) throws {
        hub.update { $0.intercept = { request in .status(302, [("Location", location)]) } }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).snapshot(name) }
            #expect([.untrusted, .unreachable].contains(error.kind), "\(error)")
            #expect(hub.server.requests.count <= 20)
        }
    }

    @Test func hugeHeaders() throws {
        let value = String(repeating: "x", count: 1 << 20)
        hub.update { $0.intercept = { _ in .text("{}", [("X-Large", value)]) } }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).snapshot(name) }
            #expect([.untrusted, .unreachable].contains(error.kind), "\(error)")
        }
    }

    @Test func hugeListings() throws {
        let body = [UInt8](repeating: UInt8(ascii: " "), count: 65 << 20)
        hub.update { $0.intercept = { _ in TestAnswer(body: body) } }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).snapshot(name) }
            #expect(error.kind == .untrusted && error.description.contains("MiB"), "\(error)")
        }
    }

    @Test(
        arguments: [
            "[]", "{}", "{\"sha\": 1}", "null", "{\"sha\": \"0123\", \"siblings\": []}",
            "{\"sha\": \"0123456789012345678901234567890123456789\"}",
            "{\"sha\": \"0123456789012345678901234567890123456789\", \"siblings\": [1]}",
            "{\"sha\": \"0123456789012345678901234567890123456789\", \"siblings\": [{\"rfilename\": 1}]}",
            String(repeating: "[", count: 100_000), "\u{FEFF}", "{\"sha\"",
        ])
    func listingsThatAreNone(_ text: String) throws {
        hub.update { $0.intercept = { _ in .text(text) } }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).snapshot(name) }
            #expect(error.kind == .untrusted)
        }
    }

    @Test(arguments: [
        "", "\r\n\r\n", "HTTP/9.9 nonsense\r\n\r\n", "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n",
    ])
    func noWebServer(_ text: String) throws {
        hub.update { $0.intercept = { _ in TestAnswer(raw: Array(text.utf8)) } }
        try withFolder { folder in
            for path in ["model", "file"] {
                let error = try hubError {
                    if path == "model" {
                        _ = try client(folder).snapshot(name)
                    } else {
                        _ = try client(folder).file("config.json", of: name)
                    }
                }
                #expect([.untrusted, .unreachable].contains(error.kind), "\(error)")
            }
        }
    }

    @Test(arguments: ["-5", "99999999999999999999", "abc", "9223372036854775807"])
    func sizesThatAreNone(_ size: String) throws {
        hub.update {
            $0.change = { _, answer in
                answer.headers = answer.headers.map { $0.0 == "X-Linked-Size" ? ($0.0, size) : $0 }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("model.safetensors", of: name) }
            #expect([.untrusted, .storage].contains(error.kind), "\(error)")
        }
    }

    // MARK: the token

    @Test func theTokenStaysWithTheHub() throws {
        let storage = try TestHub()
        storage.add("owner/small", sampleModel)
        hub.update { $0.storage = storage.server.address }
        try withFolder { folder in
            let snapshot = try client(folder, ["HF_TOKEN": " hf_secret \n"]).snapshot(name)
            #expect(try listed(snapshot) == neededFiles)
            let shown = hub.server.requests.map { $0.header("Authorization") ?? "-" }
            #expect(Set(shown) == ["Bearer hf_secret"])
            #expect(storage.server.requests.count == 2)
            for request in storage.server.requests {
                #expect(request.header("Authorization") == nil)
                #expect(request.header("Host") == "127.0.0.1:\(storage.server.port)")
            }
        }
    }

    @Test func renamedRepositories() throws {
        hub.update {
            $0.intercept = { request in
                guard request.path.contains("owner/old") else { return nil }
                let new = request.target.split(separator: "old", maxSplits: 1).joined(
                    separator: "small")
                return .status(307, [("Location", new)])
            }
        }
        try withFolder { folder in
            let old = try HubName.parse("owner/old")
            let snapshot = try client(folder, ["HF_TOKEN": "hf_secret"]).snapshot(old)
            #expect(try listed(snapshot) == neededFiles)
            #expect(snapshot.contains("models--owner--old"))
            let shown = hub.server.requests.map { $0.header("Authorization") ?? "-" }
            #expect(Set(shown) == ["Bearer hf_secret"])
        }
    }

    @Test func otherWaysToGiveTheToken() throws {
        func token(_ more: [String: String]) throws -> String? {
            try withFolder { folder in
                try FileBytes.writeAtomically("hf_default\n", to: folder + "/token")
                try FileBytes.writeAtomically("hf_other\n", to: folder + "/mine")
                var more = more
                if more["HF_TOKEN_PATH"] != nil { more["HF_TOKEN_PATH"] = folder + "/mine" }
                hub.server.forget()
                _ = try client(folder, more).file("config.json", of: name)
                return hub.server.requests.first?.header("Authorization")
            }
        }
        #expect(try token([:]) == "Bearer hf_default")
        #expect(try token(["HF_TOKEN": "hf_a", "HUGGING_FACE_HUB_TOKEN": "hf_b"]) == "Bearer hf_a")
        #expect(try token(["HUGGING_FACE_HUB_TOKEN": "hf_b"]) == "Bearer hf_b")
        #expect(try token(["HF_TOKEN_PATH": "x"]) == "Bearer hf_other")
        #expect(try token(["HF_TOKEN": "hf_a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]) == nil)
        let bad = try hubError { _ = try token(["HF_TOKEN": "hf a\r\nX-Evil: 1"]) }
        #expect(bad.kind == .environment && bad.place == "HF_TOKEN")
        #expect(!bad.description.contains("Evil"))
    }
}
