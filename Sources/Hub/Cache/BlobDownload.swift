internal import AsyncHTTPClient
internal import Crypto
internal import Files
internal import NIOCore
internal import NIOHTTP1

/// Brings one file of a commit into the cache.
struct BlobDownload {
    let session: HubSession
    let path: String
    let commit: String

    /// A try that brings fewer bytes than this does not count as getting further.
    static let leastProgress = 64 << 10
    /// The most tries of one file, however far each gets.
    static let mostTries = 400
    /// The most bytes of a file whose size the hub does not tell.
    static let mostUnannounced = 1 << 30

    private var cache: HubCache { session.cache }
    private var place: String { "\(session.name): \(path)" }

    /// Fetches the file where the cache does not have it; answers where it is.
    ///
    /// `known` is what the hub said of the file, where it was asked already.
    func run(known: FileMetadata? = nil) async throws(HubError) -> String {
        let pointer = cache.pointer(path, commit)
        if cache.has(path, commit) { return pointer }
        let metadata: FileMetadata
        if let known {
            metadata = known
        } else {
            metadata = try await session.retrying { () async throws(HubError) in
                try await session.metadata(of: path, at: commit)
            }
        }
        try cache.prepare()
        let lock = try await takeLock(metadata.etag)
        defer { withExtendedLifetime(lock) {} }
        if cache.has(path, commit) { return pointer }
        let blob = cache.blob(metadata.etag)
        if let size = System.fileSize(blob), metadata.size == nil || metadata.size == size {
            session.news.progress(path, bytes: size, size: size, isLast: true)
        } else {
            try checkSpace(for: metadata)
            let suffix = lock == nil ? ".\(System.uniqueSuffix()).incomplete" : ".incomplete"
            try await fetch(metadata, to: blob, through: blob + suffix)
        }
        try cache.link(path, commit, to: metadata.etag)
        return pointer
    }

    /// Waits for the lock of the content; `nil` where the file system has no locks.
    private func takeLock(_ etag: String) async throws(HubError) -> FileLock? {
        let path = cache.lock(etag)
        var waited = Duration.zero
        var pause = Duration.milliseconds(50)
        var nextWord = Duration.seconds(1)
        while true {
            switch try withFiles({ () throws(FileError) in try FileLock.take(path) }) {
            case .held(let lock): return lock
            case .unsupported: return nil
            case .busy:
                if waited >= nextWord {
                    session.news.waiting(
                        "\(place): another process fetches it; waiting (\(waited.components.seconds) s; lock \(path))"
                    )
                    nextWord = nextWord * 2
                }
                try await session.sleep(pause)
                waited += pause
                pause = min(pause * 2, .milliseconds(500))
            }
        }
    }

    private func checkSpace(for metadata: FileMetadata) throws(HubError) {
        guard let size = metadata.size, let free = System.freeSpace(cache.storage) else { return }
        let partial = System.fileSize(cache.blob(metadata.etag) + ".incomplete") ?? 0
        guard size - min(partial, size) > free else { return }
        throw HubError(
            .storage, cache.root,
            problem: "\(size >> 20) MiB are needed for \(path), \(free >> 20) MiB are free",
            remedy: "free some space, or set HF_HUB_CACHE to a folder on another disk")
    }

    /// Fetches until the file is whole, checks it and gives it its name.
    private func fetch(
        _ metadata: FileMetadata, to blob: String, through temporary: String
    ) async throws(HubError) {
        let file = try withFiles { () throws(FileError) in try AppendingFile(path: temporary) }
        var metadata = metadata
        if let size = metadata.size, file.size > size {
            try withFiles { () throws(FileError) in try file.clear() }
        }
        // Bytes of an earlier time may be bad: then all of them are fetched again, once.
        var isSuspect = file.size > 0
        while true {
            try await complete(file, &metadata)
            try withFiles { () throws(FileError) in try file.synchronize() }
            if try Checksum.matches(metadata.etag, temporary, size: file.size) { break }
            if isSuspect {
                isSuspect = false
                try withFiles { () throws(FileError) in try file.clear() }
                continue
            }
            try? FileBytes.remove(temporary)
            throw HubError(
                .corrupt, place,
                problem:
                    "the bytes are not those that the hub announced (checksum \(metadata.etag))",
                remedy: "the file was removed; try again, and check HF_ENDPOINT and the proxy")
        }
        try withFiles { () throws(FileError) in
            try System.move(temporary, to: blob)
            try FileBytes.synchronize(folder: FileBytes.parent(of: blob) ?? cache.storage)
        }
        session.news.progress(path, bytes: file.size, size: file.size, isLast: true)
    }

    /// Appends to `file` until it has its size, over as many connections as that takes.
    private func complete(_ file: AppendingFile, _ metadata: inout FileMetadata)
        async throws(HubError)
    {
        var failures = 0
        for attempt in 1... {
            if let size = metadata.size, file.size == size { return }
            let before = file.size
            do throws(HubError) {
                try await append(to: file, &metadata)
                return
            } catch {
                failures = file.size - before >= BlobDownload.leastProgress ? 1 : failures + 1
                guard attempt < BlobDownload.mostTries,
                    let pause = session.retry.pause(after: error, failures: failures)
                else { throw error }
                try await session.wait(pause, because: error)
            }
        }
    }

    /// Appends what one answer brings.
    private func append(to file: AppendingFile, _ metadata: inout FileMetadata)
        async throws(HubError)
    {
        let answer = try await session.content(of: path, at: commit, from: file.size)
        let host = answer.url.origin
        switch answer.status {
        case 206 where file.size > 0:
            guard let range = ContentRange(answer.header("Content-Range")),
                range.start == file.size,
                range.total == nil || metadata.size == nil || range.total == metadata.size
            else {
                // Not what was asked for: begin again without a range.
                try withFiles { () throws(FileError) in try file.clear() }
                throw HubError(
                    .server, host,
                    problem:
                        "an answer with the wrong range: \(oneLine(answer.header("Content-Range") ?? "none", limit: 80))",
                    remedy: "try again later, or set HF_ENDPOINT to a mirror")
            }
            if metadata.size == nil { metadata.size = range.total }
        case 200:
            try withFiles { () throws(FileError) in try file.clear() }
            if let length = answer.header("Content-Length").flatMap({ Int($0) }) {
                guard metadata.size == nil || metadata.size == length else {
                    throw HubError(
                        .untrusted, place,
                        problem:
                            "\(host) sends \(length) bytes where the hub announced \(metadata.size ?? 0)",
                        remedy: "try again later; check HF_ENDPOINT and the proxy")
                }
                metadata.size = length
            }
        case 416:
            try withFiles { () throws(FileError) in try file.clear() }
            throw HubError(
                .server, host, problem: "the rest of the file cannot be had",
                remedy: "try again later, or set HF_ENDPOINT to a mirror")
        case 400..<500
        where answer.url.origin != session.transport.endpoint.origin && answer.status != 429:
            // Links to other servers are good for a while only; the next try gets a new one.
            throw HubError(
                .server, host, problem: "status \(answer.status) for \(path)",
                remedy: "try again later, or set HF_ENDPOINT to a mirror")
        case 400...: throw session.error(for: answer, file: path)
        default:
            throw HubError(
                .untrusted, answer.url.description, problem: "status \(answer.status) for a file",
                remedy: "check HF_ENDPOINT")
        }
        if let encoding = answer.header("Content-Encoding"), encoding.lowercased() != "identity" {
            throw HubError(
                .untrusted, answer.url.description,
                problem: "the file comes compressed (\(oneLine(encoding, limit: 40))), unasked",
                remedy: "check the proxy")
        }
        try await copy(answer, to: file, metadata)
    }

    private func copy(_ answer: HubAnswer, to file: AppendingFile, _ metadata: FileMetadata)
        async throws(HubError)
    {
        let limit = metadata.size ?? BlobDownload.mostUnannounced
        do {
            for try await buffer in answer.body {
                guard buffer.readableBytes <= limit - file.size else {
                    try? file.clear()
                    throw HubError(
                        .untrusted, place,
                        problem: "\(answer.url.origin) sends more than the \(limit) bytes expected",
                        remedy: "try again later; check HF_ENDPOINT and the proxy")
                }
                try unsafe buffer.withUnsafeReadableBytes { bytes in try unsafe file.append(bytes) }
                session.news.progress(path, bytes: file.size, size: metadata.size)
            }
        } catch let error as HubError {
            throw error
        } catch let error as FileError {
            throw HubError(error)
        } catch {
            throw HubError(network: error, url: answer.url, proxy: nil)
        }
        if let size = metadata.size, file.size < size {
            throw HubError(
                .unreachable, answer.url.origin,
                problem: "the connection ended after \(file.size) of \(size) bytes",
                remedy: "try again: what arrived is kept")
        }
    }
}

/// The header `Content-Range` of an answer that is part of a file.
struct ContentRange: Equatable {
    var start: Int
    var end: Int
    var total: Int?

    /// Reads `bytes 10-99/100` or `bytes 10-99/*`; `nil` for anything else.
    init?(_ text: String?) {
        guard let text, text.lowercased().utf8.starts(with: "bytes ".utf8) else { return nil }
        let (range, total) = HubName.split(
            String(decoding: text.utf8.dropFirst(6), as: UTF8.self), at: UInt8(ascii: "/"))
        let (first, last) = HubName.split(range, at: UInt8(ascii: "-"))
        guard let total, let last, let start = Int(first), let end = Int(last), start >= 0,
            end >= start
        else { return nil }
        self.start = start
        self.end = end
        if total != "*" {
            guard let number = Int(total), number > end else { return nil }
            self.total = number
        }
    }
}

/// Compares files with the names that the hub gives to contents.
enum Checksum {
    /// Whether the file at `path` has the content that `etag` names; true for names that say nothing of the content.
    static func matches(_ etag: String, _ path: String, size: Int) throws(HubError) -> Bool {
        guard isLowerHex(etag) else { return true }
        switch etag.utf8.count {
        case 64: return hex(try digest(path, SHA256())) == etag
        case 40:
            var hash = Insecure.SHA1()
            hash.update(data: Array("blob \(size)\0".utf8))
            return hex(try digest(path, hash)) == etag
        default: return true
        }
    }

    private static func digest<Hash: HashFunction>(_ path: String, _ start: Hash) throws(HubError)
        -> Hash.Digest
    {
        var hash = start
        try withFiles { () throws(FileError) in
            let stream = try ByteStream(path: path, pieceSize: 1 << 20, decompresses: false)
            while true {
                let piece = try stream.next()
                if piece.isEmpty { return }
                hash.update(data: piece)
            }
        }
        return hash.finalize()
    }

    /// The bytes of a digest as hexadecimal digits in lower case.
    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
