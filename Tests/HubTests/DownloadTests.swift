import Files
import Hub
import Synchronization
import TestSupport
import Testing

/// One large file of 300,000 bytes, fetched under all kinds of trouble.
@Suite struct DownloadTests {
    let name: HubName
    let hub: TestHub
    let bytes = noise(300_000)
    let file: TestHub.File

    init() throws {
        name = try HubName.parse("owner/files")
        hub = try TestHub()
        file = TestHub.File(large: bytes)
        hub.add("owner/files", ["weights.bin": file, "small.txt": .init("a small text")])
    }

    private func client(_ folder: String, _ news: News = News(), retry: HubRetry = .quick)
        -> BlockingHub
    {
        Hub(environment: hub.environment(folder), retry: retry, report: news.add).blocking
    }

    private var ranges: [String] {
        hub.server.downloads.filter { $0.path.hasPrefix("/lfs/") }.map { $0.header("Range") ?? "-" }
    }

    private func blob(_ folder: String) -> String {
        "\(folder)/hub/models--owner--files/blobs/\(file.etag)"
    }

    @Test func resumesAfterDroppedConnections() throws {
        let large = TestHub.File(large: noise(2_000_000))
        hub.add("owner/files", ["weights.bin": large])
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/"), answer.body.count > 800_000 {
                    answer.dropAfter = 800_000
                }
            }
        }
        try withFolder { folder in
            let news = News()
            let path = try client(folder, news).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == large.bytes)
            // What was on the way when the connection broke may be lost, but little is asked for twice.
            #expect(ranges.count >= 3 && ranges.count <= 8, "\(ranges)")
            #expect(ranges.first == "-")
            let starts = ranges.dropFirst().compactMap { Int($0.dropFirst(6).dropLast()) }
            #expect(starts.count == ranges.count - 1 && starts == starts.sorted())
            #expect((starts.first ?? 0) > 0 && (starts.last ?? 0) >= 1_200_000)
            let blobs = try FileBytes.names(in: "\(folder)/hub/models--owner--files/blobs")
            #expect(blobs == [large.etag])
            #expect(news.progress.last?.fileBytes == 2_000_000)
        }
    }

    @Test func resumesWhatAnEarlierProcessLeft() throws {
        try withFolder { folder in
            let parts = blob(folder).split(separator: "/").dropLast().joined(separator: "/")
            try FileBytes.makeFolder("/" + parts)
            try FileBytes.writeAtomically(
                Array(bytes[..<120_000]), to: blob(folder) + ".incomplete")
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
            #expect(ranges == ["bytes=120000-"])
        }
    }

    @Test(arguments: [300_000, 300_001, 700_000])
    func aCompleteOrTooLongRestIsChecked(_ count: Int) throws {
        try withFolder { folder in
            try FileBytes.makeFolder("\(folder)/hub/models--owner--files/blobs")
            let rest = bytes + noise(400_000, seed: 7)
            try FileBytes.writeAtomically(Array(rest[..<count]), to: blob(folder) + ".incomplete")
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
            #expect(ranges == (count == 300_000 ? [] : ["-"]))
        }
    }

    @Test func aDamagedRestIsFetchedAgain() throws {
        try withFolder { folder in
            try FileBytes.makeFolder("\(folder)/hub/models--owner--files/blobs")
            try FileBytes.writeAtomically(noise(1000, seed: 5), to: blob(folder) + ".incomplete")
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
            #expect(ranges == ["bytes=1000-", "-"])
        }
    }

    @Test func serversThatKnowNoRanges() throws {
        let whole = bytes
        hub.update {
            $0.change = { request, answer in
                guard request.path.hasPrefix("/lfs/") else { return }
                answer = TestAnswer(body: whole)
                if request.header("Range") == nil { answer.dropAfter = 150_000 }
            }
        }
        try withFolder { folder in
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
            #expect(ranges.count == 2 && ranges[1].hasPrefix("bytes="))
        }
    }

    @Test(
        arguments: [
            "bytes 0-299999/300000", "bytes 150001-299999/300000", "bytes 1000-299999/400000",
            "bytes 1000-2000/1500", "items 1000-299999/300000", "bytes 1000-999/*", "nonsense", "",
        ])
    func wrongRangesAreNotAppended(_ value: String) throws {
        hub.update {
            $0.change = { request, answer in
                guard request.header("Range") != nil else { return }
                answer.headers.removeAll { $0.0 == "Content-Range" }
                if !value.isEmpty { answer.headers.append(("Content-Range", value)) }
            }
        }
        try withFolder { folder in
            try FileBytes.makeFolder("\(folder)/hub/models--owner--files/blobs")
            try FileBytes.writeAtomically(Array(bytes[..<1000]), to: blob(folder) + ".incomplete")
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
            #expect(ranges == ["bytes=1000-", "-"])
        }
    }

    @Test func wrongBytesAreRefused() throws {
        hub.update {
            $0.change = { request, answer in
                if request.method == "GET", !answer.body.isEmpty {
                    answer.body[answer.body.count / 2] ^= 1
                }
            }
        }
        try withFolder { folder in
            for path in ["weights.bin", "small.txt"] {
                let error = try hubError { _ = try client(folder).file(path, of: name) }
                #expect(error.kind == .corrupt, "\(error)")
                #expect(error.description.contains(path))
            }
            #expect(try FileBytes.names(in: "\(folder)/hub/models--owner--files/blobs").isEmpty)
            #expect(!FileBytes.exists("\(folder)/hub/models--owner--files/snapshots"))
        }
    }

    @Test func contentsWithoutChecksumAreChecked() throws {
        // A mirror may name contents in its own way; then only the size is known.
        hub.update {
            $0.change = { request, answer in
                guard let index = answer.headers.firstIndex(where: { $0.0 == "ETag" }) else {
                    return
                }
                answer.headers[index].1 = "W/\"v1-some:name\""
            }
        }
        try withFolder { folder in
            let path = try client(folder).file("small.txt", of: name)
            #expect(try FileBytes.readText(path) == "a small text")
            #expect(linkTarget(path) == "../../blobs/v1-some:name")
        }
    }

    @Test func moreBytesThanAnnounced() throws {
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/") {
                    answer.body += noise(5000)
                    answer.isChunked = true
                }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("weights.bin", of: name) }
            #expect(error.kind == .untrusted && error.description.contains("300000"), "\(error)")
        }
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/") { answer.body += noise(5000) }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("weights.bin", of: name) }
            #expect(error.kind == .untrusted && error.description.contains("305000"), "\(error)")
        }
        // The rest after the announced length belongs to no answer.
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/") {
                    answer.declaredLength = answer.body.count
                    answer.body += noise(5000)
                }
            }
        }
        try withFolder { folder in
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
        }
    }

    @Test func sizesThatTheHubDoesNotTell() throws {
        hub.update {
            $0.change = { _, answer in
                answer.headers.removeAll { $0.0 == "X-Linked-Size" }
                answer.isChunked = true
            }
        }
        try withFolder { folder in
            for path in ["weights.bin", "small.txt"] {
                let place = try client(folder).file(path, of: name)
                #expect(try FileBytes.size(place) == (path == "small.txt" ? 12 : 300_000))
            }
        }
    }

    @Test func compressedAnswersAreRefused() throws {
        hub.update {
            $0.change = { request, answer in
                if request.method == "GET" { answer.headers.append(("Content-Encoding", "gzip")) }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("small.txt", of: name) }
            #expect(error.kind == .untrusted && error.description.contains("gzip"))
        }
    }

    @Test func givesUpWhereNothingComes() throws {
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/") { answer.dropAfter = 10 }
            }
        }
        try withFolder { folder in
            let error = try hubError { _ = try client(folder).file("weights.bin", of: name) }
            #expect(error.kind == .unreachable)
            #expect(ranges.count == 5, "\(ranges)")
            // What arrived is kept for the next time.
            #expect(FileBytes.exists(blob(folder) + ".incomplete"))
        }
    }

    @Test func silentServers() throws {
        hub.update { $0.change = { _, answer in answer.delay = .seconds(30) } }
        try withFolder { folder in
            var environment = hub.environment(folder)
            environment.variables["HF_HUB_ETAG_TIMEOUT"] = "0.2"
            let client = Hub(environment: environment, retry: .never).blocking
            let error = try hubError { _ = try client.file("small.txt", of: name) }
            #expect(error.kind == .unreachable)
            #expect(error.description.contains("HF_HUB_ETAG_TIMEOUT"))
        }
    }

    @Test func damagedBlobsAreReplaced() throws {
        try withFolder { folder in
            try FileBytes.makeFolder("\(folder)/hub/models--owner--files/blobs")
            try FileBytes.writeAtomically(Array(bytes[..<1000]), to: blob(folder))
            let path = try client(folder).file("weights.bin", of: name)
            #expect(try FileBytes.read(path) == bytes)
        }
    }

    @Test func concurrentFetchesShareOneDownload() async throws {
        hub.update {
            $0.change = { request, answer in
                if request.path.hasPrefix("/lfs/") { answer.delay = .milliseconds(300) }
            }
        }
        let folder = try await temporaryFolder()
        let client = Hub(environment: hub.environment(folder), retry: .quick)
        let paths = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask { [name] in try await client.file("weights.bin", of: name) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(paths).count == 1 && paths.count == 6)
        #expect(try FileBytes.read(paths[0]) == bytes)
        #expect(ranges == ["-"])
        try FileBytes.remove(folder)
    }

    @Test func blockingCallsDoNotWaitForThePool() async throws {
        // More tasks than the pool has threads, each blocking one.
        let folder = try await temporaryFolder()
        let client = Hub(environment: hub.environment(folder), retry: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask { [name] in _ = try client.blocking.file("weights.bin", of: name) }
            }
            try await group.waitForAll()
        }
        #expect(ranges == ["-"])
        try FileBytes.remove(folder)
    }

    @Test func cancelledFetchesEnd() async throws {
        hub.update { $0.change = { _, answer in answer.delay = .seconds(20) } }
        let folder = try await temporaryFolder()
        let client = Hub(environment: hub.environment(folder), retry: .quick)
        let task = Task { [name] in try await client.file("weights.bin", of: name) }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        let result = await task.result
        let kind: HubError.Kind? =
            if case .failure(let error as HubError) = result { error.kind } else { nil }
        #expect(kind == .cancelled)
        try FileBytes.remove(folder)
    }
}
