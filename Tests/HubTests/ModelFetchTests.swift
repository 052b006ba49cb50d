import Files
import Hub
import Testing
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a link holds; `nil` for what is no link.
func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        let start = unsafe bytes.bindMemory(to: CChar.self).baseAddress
        return unsafe start.map { unsafe readlink(path, $0, 4096) } ?? -1
    }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
}

@Suite struct ModelFetchTests {
    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/small")
        hub = try TestHub()
        hub.add("owner/small", sampleModel)
    }

    @Test func fetchesWhatIsNeededIntoPythonsLayout() throws {
        try withFolder { folder in
            let news = News()
            let client = Hub(environment: hub.environment(folder), retry: .never, report: news.add)
            let snapshot = try client.blocking.snapshot(name)
            let commit = TestHub.commit(sampleModel)
            let storage = folder + "/hub/models--owner--small"
            #expect(snapshot == "\(storage)/snapshots/\(commit)")
            #expect(try listed(snapshot) == neededFiles)
            for path in neededFiles {
                let file = try #require(sampleModel[path])
                #expect(try FileBytes.read(snapshot + "/" + path) == file.bytes, "\(path)")
                let up = String(repeating: "../", count: path.split(separator: "/").count + 1)
                #expect(linkTarget(snapshot + "/" + path) == up + "blobs/\(file.etag)", "\(path)")
                #expect(
                    FileBytes.exists("\(folder)/hub/.locks/models--owner--small/\(file.etag).lock"))
            }
            #expect(try FileBytes.readText(storage + "/refs/main") == commit)
            #expect(FileBytes.exists("\(storage)/.no_exist/\(commit)/merges.txt"))
            #expect(!FileBytes.exists("\(storage)/.no_exist/\(commit)/vocab.txt"))
            #expect(try FileBytes.names(in: storage + "/blobs").count == neededFiles.count)
            #expect(FileBytes.exists(folder + "/hub/CACHEDIR.TAG"))
            #expect(news.warnings.isEmpty && news.waits.isEmpty)

            let sizes = neededFiles.compactMap { sampleModel[$0]?.bytes.count }.reduce(0, +)
            let last = try #require(news.progress.last)
            #expect(last.bytes == sizes && last.size == sizes)
            let ofWeights = news.progress.filter { $0.file == "model.safetensors" }
            let weights = try #require(ofWeights.last)
            #expect(weights.fileBytes == 300_000 && weights.fileSize == 300_000)
        }
    }

    @Test func asksForNothingTwice() throws {
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let first = try client.blocking.snapshot(name)
            hub.server.forget()
            #expect(try client.blocking.snapshot(name) == first)
            #expect(hub.server.requests.map(\.method) == ["GET"])
            #expect(hub.server.downloads.isEmpty)

            // A commit never changes: not even that is asked.
            hub.server.forget()
            let commit = TestHub.commit(sampleModel)
            #expect(try client.blocking.snapshot(try name.at(commit)) == first)
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test func offlineTouchesNoNetwork() throws {
        try withFolder { folder in
            let offline = Hub(environment: hub.environment(folder, ["HF_HUB_OFFLINE": "1"]))
            let missing = try hubError { _ = try offline.blocking.snapshot(name) }
            #expect(missing.kind == .offline)
            #expect(missing.description.contains("\(folder)/hub/models--owner--small"))
            #expect(missing.description.contains("HF_HUB_OFFLINE"))
            let first = try Hub(environment: hub.environment(folder)).blocking.snapshot(name)
            hub.server.forget()
            #expect(try offline.blocking.snapshot(name) == first)
            #expect(try offline.blocking.file("config.json", of: name) == first + "/config.json")
            let file = try hubError { _ = try offline.blocking.file("nothing.json", of: name) }
            #expect(file.kind == .offline)
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test(arguments: ["model.safetensors", "2_Dense/config.json", "modules.json", "tokenizer.json"])
    func incompleteCopiesAreNotUsed(_ missing: String) throws {
        try withFolder { folder in
            let offline = Hub(environment: hub.environment(folder, ["HF_HUB_OFFLINE": "1"]))
            let first = try Hub(environment: hub.environment(folder)).blocking.snapshot(name)
            try FileBytes.remove(first + "/" + missing)
            if missing == "tokenizer.json" { try FileBytes.remove(first + "/vocab.txt") }
            if missing == "2_Dense/config.json" { try FileBytes.remove(first + "/2_Dense") }
            if missing == "modules.json" {
                // Then it is a plain model, and complete as such.
                #expect(try offline.blocking.snapshot(name) == first)
                return
            }
            let error = try hubError { _ = try offline.blocking.snapshot(name) }
            #expect(error.kind == .offline)
            hub.server.forget()
            #expect(try Hub(environment: hub.environment(folder)).blocking.snapshot(name) == first)
            #expect(try listed(first) == neededFiles)
            #expect(hub.server.downloads.isEmpty, "the contents were still there")
        }
    }

    @Test func newRevisionKeepsTheOldOne() throws {
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let old = try client.blocking.snapshot(name)
            var changed = sampleModel
            changed["model.safetensors"] = .init(large: noise(1000, seed: 9))
            hub.add("owner/small", changed)
            hub.server.forget()
            let new = try client.blocking.snapshot(name)
            #expect(new != old)
            #expect(try FileBytes.read(new + "/model.safetensors") == noise(1000, seed: 9))
            #expect(try FileBytes.read(old + "/model.safetensors") == noise(300_000))
            // What did not change is asked for, but not fetched.
            #expect(
                hub.server.downloads.map(\.path).filter { $0.contains("resolve") }
                    == ["/owner/small/resolve/\(TestHub.commit(changed))/model.safetensors"])
            let ref = folder + "/hub/models--owner--small/refs/main"
            #expect(try FileBytes.readText(ref) == TestHub.commit(changed))
        }
    }

    @Test func aFailedFetchLeavesTheOldRevisionInUse() throws {
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let old = try client.blocking.snapshot(name)
            var changed = sampleModel
            changed["model.safetensors"] = .init(large: noise(1000, seed: 9))
            hub.add("owner/small", changed)
            hub.update {
                $0.change = { request, answer in
                    if request.path.hasPrefix("/lfs/") { answer.dropAfter = 10 }
                }
            }
            let error = try hubError { _ = try client.blocking.snapshot(name) }
            #expect(error.kind == .unreachable)
            let offline = Hub(environment: hub.environment(folder, ["HF_HUB_OFFLINE": "1"]))
            #expect(try offline.blocking.snapshot(name) == old)
        }
    }

    @Test func takesTheBestWeights() throws {
        func weights(_ files: [String: TestHub.File]) throws -> [String] {
            let hub = try TestHub()
            hub.add("owner/small", files)
            return try withFolder { folder in
                let client = Hub(environment: hub.environment(folder), retry: .never)
                return try listed(try client.blocking.snapshot(name)).filter {
                    !$0.hasPrefix("2_Dense") && ($0.contains("model") && $0 != "modules.json")
                }
            }
        }
        var files = sampleModel
        files["model.safetensors"] = nil
        #expect(try weights(files) == ["pytorch_model.bin"])
        files["model-00001-of-00002.safetensors"] = .init(large: noise(10))
        files["model-00002-of-00002.safetensors"] = .init(large: noise(11))
        files["model.safetensors.index.json"] = .init(
            """
            {"weight_map": {"a": "model-00001-of-00002.safetensors",
             "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}
            """)
        let shards = [
            "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
        ]
        #expect(try weights(files) == shards)
        files["model-00002-of-00002.safetensors"] = nil
        let incomplete = try hubError { _ = try weights(files) }
        #expect(incomplete.kind == .format)
        files["model.safetensors.index.json"] = .init("{\"weight_map\": {\"a\": \"../../../x\"}}")
        let hostile = try hubError { _ = try weights(files) }
        #expect(hostile.kind == .format)
        files["model.safetensors.index.json"] = nil
        files["pytorch_model.bin"] = nil
        let error = try hubError { _ = try weights(files) }
        #expect(error.kind == .format && error.description.contains("flax_model.msgpack"))
    }

    @Test func transformerInAFolder() throws {
        var files = sampleModel
        for path in [
            "config.json", "tokenizer.json", "vocab.txt", "model.safetensors", "pytorch_model.bin",
            "sentence_bert_config.json",
        ] {
            files["0_Transformer/" + path] = files.removeValue(forKey: path)
        }
        files["0_Transformer/onnx/model.onnx"] = .init("x")
        files["0_Transformer/openvino/config.json"] = .init("{}")
        files["modules.json"] = .init(
            "[{\"path\": \"0_Transformer\", \"type\": \"a.Transformer\"}, {\"path\": \"./1_Pooling/\", \"type\": \"a.Pooling\"}]"
        )
        hub.add("owner/small", files)
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let expected = [
                "0_Transformer/config.json", "0_Transformer/model.safetensors",
                "0_Transformer/sentence_bert_config.json", "0_Transformer/tokenizer.json",
                "0_Transformer/vocab.txt", "1_Pooling/config.json", "modules.json",
            ]
            let snapshot = try client.blocking.snapshot(name)
            #expect(try listed(snapshot) == expected)
            let offline = Hub(environment: hub.environment(folder, ["HF_HUB_OFFLINE": "yes"]))
            #expect(try offline.blocking.snapshot(name) == snapshot)
        }
    }

    @Test func otherRevisionsAndEscapedNames() throws {
        hub.add("owner/small", at: "refs/pr/1", sampleModel)
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let snapshot = try client.blocking.snapshot(try HubName.parse("owner/small@refs/pr/1"))
            #expect(snapshot.hasSuffix(TestHub.commit(sampleModel)))
            #expect(hub.server.requests[0].path == "/api/models/owner/small/revision/refs%2Fpr%2F1")
            #expect(FileBytes.exists(folder + "/hub/models--owner--small/refs/refs/pr/1"))

            hub.add("owner/odd", ["a b/ü#?%.txt": .init("odd")])
            let odd = try HubName.parse("owner/odd")
            let path = try client.blocking.file("a b/ü#?%.txt", of: odd)
            #expect(try FileBytes.readText(path) == "odd")
            let target = try #require(hub.server.requests.last?.path)
            #expect(target.hasSuffix("/a%20b/%C3%BC%23%3F%25.txt"))
            let gone = try hubError { _ = try client.blocking.file("b.txt", of: odd) }
            #expect(gone.kind == .fileNotFound)
            let bad = try hubError { _ = try client.blocking.file("../b.txt", of: odd) }
            #expect(bad.kind == .invalidName)
        }
    }

    @Test func mirrorsWithAPath() throws {
        hub.update { $0.prefix = "/hf/mirror" }
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never)
            let snapshot = try client.blocking.snapshot(name)
            #expect(try listed(snapshot) == neededFiles)
            let others = hub.server.requests.filter { !$0.path.hasPrefix("/hf/mirror/") }
            #expect(others.isEmpty)
        }
    }

    @Test func withoutLinks() throws {
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder, ["HF_HUB_DISABLE_SYMLINKS": "1"]))
            let snapshot = try client.blocking.snapshot(name)
            #expect(linkTarget(snapshot + "/config.json") == nil)
            #expect(try listed(snapshot) == neededFiles)
        }
    }

    @Test func asynchronousToo() async throws {
        let folder = try await temporaryFolder()
        let client = Hub(environment: hub.environment(folder), retry: .never)
        let snapshot = try await client.snapshot(name)
        #expect(try listed(snapshot) == neededFiles)
        let file = try await client.file("config.json", of: name)
        #expect(file == snapshot + "/config.json")
        try FileBytes.remove(folder)
    }
}

/// A folder that the test removes itself.
func temporaryFolder() async throws -> String {
    let path = "/tmp/uniem-hub-\(UInt64.random(in: .min ... .max))"
    try FileBytes.makeFolder(path)
    return path
}

/// The error that `body` throws, which must be one line; throws itself where there is none, or one of another type.
///
/// Not to be called inside `#expect` or `#require`: with a closure in a macro's argument the compiler may call another
/// closure of the function.
func hubError(_ body: () throws -> Void) throws -> HubError {
    do {
        try body()
    } catch let error as HubError {
        #expect(!error.description.utf8.contains(0x0A), "more than one line: \(error)")
        return error
    }
    throw NoError()
}

struct NoError: Error {}
