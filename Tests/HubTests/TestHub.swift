import Crypto
import Files
import Hub
import Synchronization
import TestSupport

/// A hub in this process: repositories with revisions, as far as clients can tell it from the real one.
final class TestHub: Sendable {
    /// A file: its content, and whether it is served as a large one, by redirect and SHA-256.
    struct File: Sendable {
        let bytes: [UInt8]
        let isLarge: Bool
        let blob: String
        let sha256: String

        init(_ bytes: [UInt8], isLarge: Bool) {
            self.bytes = bytes
            self.isLarge = isLarge
            blob = hex(Insecure.SHA1.hash(data: Array("blob \(bytes.count)\0".utf8) + bytes))
            sha256 = hex(SHA256.hash(data: bytes))
        }
        init(_ text: String) { self.init(Array(text.utf8), isLarge: false) }
        init(large bytes: [UInt8]) { self.init(bytes, isLarge: true) }

        var etag: String { isLarge ? sha256 : blob }
    }

    struct State: Sendable {
        /// By `models/owner/name` and revision.
        var repositories: [String: [String: [String: File]]] = [:]
        /// Answers in place of the hub where it answers at all.
        var intercept: (@Sendable (TestRequest) -> TestAnswer?)?
        /// Changes the hub's own answers.
        var change: (@Sendable (TestRequest, inout TestAnswer) -> Void)?
        /// Another server for large files, as `http://127.0.0.1:1234`.
        var storage: String?
        /// A path before all addresses, as mirrors have.
        var prefix = ""
    }

    private let state: Shared
    let server: TestServer

    /// Behind a reference, so that the server's closure can have it.
    private final class Shared: Sendable {
        let value = Mutex(State())
    }

    init() throws {
        let state = Shared()
        self.state = state
        server = try TestServer { request in
            let now = state.value.withLock { $0 }
            if let answer = now.intercept?(request) { return answer }
            var answer = TestHub.answer(request, now)
            now.change?(request, &answer)
            return answer
        }
    }

    func update(_ body: (inout State) -> Void) { state.value.withLock { body(&$0) } }

    func add(
        _ name: String, at revision: String = "main", kind: String = "models",
        _ files: [String: File]
    ) {
        update { $0.repositories["\(kind)/\(name)", default: [:]][revision] = files }
    }

    /// Names the content of all files.
    static func commit(_ files: [String: File]) -> String {
        let summary = files.keys.sorted().map { "\($0) \(files[$0]?.sha256 ?? "")\n" }.joined()
        return hex(Insecure.SHA1.hash(data: Array(summary.utf8)))
    }

    /// An environment with this hub and a cache in `folder`.
    func environment(_ folder: String, _ more: [String: String] = [:]) -> HubEnvironment {
        let own = [
            "HF_ENDPOINT": server.address + state.value.withLock { $0.prefix }, "HF_HOME": folder,
            "HF_HUB_ETAG_TIMEOUT": "5", "HF_HUB_DOWNLOAD_TIMEOUT": "5",
        ]
        return HubEnvironment(variables: own.merging(more) { $1 })
    }

    private static func answer(_ request: TestRequest, _ state: State) -> TestAnswer {
        guard request.path.hasPrefix(state.prefix + "/") else { return .status(404) }
        let path = String(request.path.dropFirst(state.prefix.count + 1))
        let parts = path.split(separator: "/").map { unescaped(String($0)) }
        if parts.first == "lfs", parts.count == 2 { return large(parts[1], request, state) }
        if parts.count >= 5, parts[0] == "api", parts[parts.count - 2] == "revision" {
            let name = parts[1..<(parts.count - 2)].joined(separator: "/")
            return listing(name, parts[parts.count - 1], state)
        }
        guard let mark = parts.firstIndex(of: "resolve"), mark + 2 < parts.count else {
            return .status(404)
        }
        var name = parts[..<mark].joined(separator: "/")
        if !name.hasPrefix("datasets/") { name = "models/" + name }
        let (commit, files, failure) = find(name, parts[mark + 1], state)
        if let failure { return failure }
        guard let file = files[parts[(mark + 2)...].joined(separator: "/")] else {
            return .status(404, [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit)])
        }
        guard file.isLarge else {
            return body(
                file.bytes, request, [("ETag", "\"\(file.etag)\""), ("X-Repo-Commit", commit)])
        }
        let place = (state.storage ?? "") + state.prefix + "/lfs/\(file.sha256)?Signature=a%2Fb"
        return .status(
            302,
            [
                ("Location", place), ("X-Linked-Etag", "\"\(file.sha256)\""),
                ("X-Linked-Size", "\(file.bytes.count)"), ("X-Repo-Commit", commit),
            ])
    }

    private static func find(_ name: String, _ revision: String, _ state: State)
        -> (String, [String: File], TestAnswer?)
    {
        guard let revisions = state.repositories[name] else {
            return ("", [:], .status(401, [("X-Error-Code", "RepoNotFound")]))
        }
        for (label, files) in revisions where label == revision || commit(files) == revision {
            return (commit(files), files, nil)
        }
        return ("", [:], .status(404, [("X-Error-Code", "RevisionNotFound")]))
    }

    private static func listing(_ name: String, _ revision: String, _ state: State) -> TestAnswer {
        let (commit, files, failure) = find(name, revision, state)
        if let failure { return failure }
        let siblings = files.keys.sorted().map { path -> JSON in
            let file = files[path] ?? File("")
            var entry: JSON = [
                "rfilename": .string(path), "size": .int(file.bytes.count),
                "blobId": .string(file.blob),
            ]
            if file.isLarge {
                entry.set("lfs", ["sha256": .string(file.sha256), "size": .int(file.bytes.count)])
            }
            return entry
        }
        let json: JSON = ["sha": .string(commit), "siblings": .array(siblings)]
        return .text(json.text(), [("Content-Type", "application/json")])
    }

    private static func large(_ sha256: String, _ request: TestRequest, _ state: State)
        -> TestAnswer
    {
        for revisions in state.repositories.values {
            for files in revisions.values {
                for file in files.values where file.isLarge && file.sha256 == sha256 {
                    return body(file.bytes, request, [("ETag", "\"storage\"")])
                }
            }
        }
        return .status(404)
    }

    /// An answer with a body, or the part of it that was asked for.
    static func body(_ bytes: [UInt8], _ request: TestRequest, _ headers: [(String, String)])
        -> TestAnswer
    {
        guard let range = request.header("Range"), range.hasPrefix("bytes="),
            let start = Int(range.dropFirst(6).dropLast())
        else { return TestAnswer(headers: headers, body: bytes) }
        guard start < bytes.count else { return .status(416) }
        let value = "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"
        return TestAnswer(
            status: 206, headers: headers + [("Content-Range", value)], body: Array(bytes[start...])
        )
    }

    private static func unescaped(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// Bytes that look like nothing, the same from every call.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

extension HubRetry {
    /// As patient as the standard, but quick.
    static let quick = HubRetry(
        attempts: 5, firstPause: .milliseconds(5), longestPause: .milliseconds(20),
        longestWait: .seconds(300))
}

/// Collects what a client reports.
final class News: Sendable {
    private let stored = Mutex<[HubEvent]>([])
    var events: [HubEvent] { stored.withLock { $0 } }
    func add(_ event: HubEvent) { stored.withLock { $0.append(event) } }
    var warnings: [String] {
        events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }
    var waits: [String] {
        events.compactMap { if case .waiting(let text) = $0 { text } else { nil } }
    }
    var progress: [HubProgress] {
        events.compactMap { if case .progress(let value) = $0 { value } else { nil } }
    }
}

/// A model as it lies on the hub, with files that no one needs.
let sampleModel: [String: TestHub.File] = [
    ".gitattributes": .init("*.bin filter=lfs\n"), "README.md": .init("# A model\n"),
    "config.json": .init("{\"model_type\": \"bert\"}\n"),
    "tokenizer.json": .init("{\"version\": \"1.0\"}\n"), "vocab.txt": .init("[PAD]\n[UNK]\n"),
    "modules.json": .init(
        """
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
         {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
         {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
         {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]
        """),
    "sentence_bert_config.json": .init("{\"max_seq_length\": 128}\n"),
    "1_Pooling/config.json": .init("{\"word_embedding_dimension\": 8}\n"),
    "2_Dense/config.json": .init("{\"in_features\": 8}\n"),
    "2_Dense/model.safetensors": .init(large: noise(400, seed: 2)),
    "2_Dense/pytorch_model.bin": .init(large: noise(400, seed: 3)),
    "model.safetensors": .init(large: noise(300_000)),
    "pytorch_model.bin": .init(large: noise(300_000, seed: 4)),
    "onnx/model.onnx": .init(large: noise(500, seed: 5)),
    "openvino/openvino_model.xml": .init("<xml/>"),
    "tf_model.h5": .init(large: noise(500, seed: 6)),
    "flax_model.msgpack": .init(large: noise(500, seed: 7)),
    "model.Q4.gguf": .init(large: noise(500, seed: 8)),
]

/// Those of its files that a client needs.
let neededFiles = [
    "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config.json",
    "model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer.json", "vocab.txt",
]

/// All files below `folder`, sorted.
func listed(_ folder: String, _ prefix: String = "") throws -> [String] {
    try FileBytes.names(in: folder).flatMap { name -> [String] in
        let path = folder + "/" + name
        return FileBytes.isFolder(path)
            ? try listed(path, prefix + name + "/") : [prefix + name]
    }.sorted()
}
