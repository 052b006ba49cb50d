import NIOCore
import NIOPosix
import Synchronization

/// A request as it stood on the wire.
struct TestRequest: Sendable {
    var method: String
    /// What stands between the method and the version: a path with its query, or with a proxy a whole address.
    var target: String
    var headers: [(name: String, value: String)]

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The target without its query.
    var path: String { String(target.prefix { $0 != "?" }) }
}

/// What a test server says, and how it fails while saying it.
struct TestAnswer: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// Closes the connection after so many bytes of the body.
    var dropAfter: Int?
    /// In the header instead of the size of the body; `nil` leaves the header out where ``isChunked`` is set.
    var declaredLength: Int?
    /// Sends the body in chunks, without a length.
    var isChunked = false
    /// Sends these bytes instead of all else and closes the connection.
    var raw: [UInt8]?
    /// Says nothing for so long.
    var delay: Duration?

    static func text(_ text: String, _ headers: [(String, String)] = []) -> TestAnswer {
        TestAnswer(headers: headers, body: Array(text.utf8))
    }
    static func status(_ status: Int, _ headers: [(String, String)] = []) -> TestAnswer {
        TestAnswer(status: status, headers: headers)
    }
}

/// A web server on loopback that answers with a closure and remembers what it was asked.
final class TestServer: Sendable {
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let channel: any Channel
    private let log: TestLog
    let port: Int

    init(_ answer: @escaping @Sendable (TestRequest) -> TestAnswer) throws {
        let log = TestLog()
        channel = try ServerBootstrap(group: TestServer.group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        TestHandler(log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        self.log = log
        guard let port = channel.localAddress?.port else { throw TestServerError.noPort }
        self.port = port
    }

    enum TestServerError: Error { case noPort }

    deinit { channel.close(promise: nil) }

    func close() { try? channel.close().wait() }

    var address: String { "http://127.0.0.1:\(port)" }

    /// All requests so far.
    var requests: [TestRequest] { log.requests.withLock { $0 } }
    func forget() { log.requests.withLock { $0 = [] } }
    /// Their methods and targets.
    var lines: [String] { requests.map { "\($0.method) \($0.target)" } }
    /// Requests for bodies of files.
    var downloads: [TestRequest] {
        requests.filter { $0.method == "GET" && !$0.path.contains("/api/") }
    }
}

private final class TestLog: Sendable {
    let requests = Mutex<[TestRequest]>([])
}

private final class TestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: TestLog
    private let answer: @Sendable (TestRequest) -> TestAnswer
    private var bytes: [UInt8] = []

    init(log: TestLog, answer: @escaping @Sendable (TestRequest) -> TestAnswer) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += Array(unwrapInboundIn(data).readableBytesView)
        let mark = Array("\r\n\r\n".utf8)
        while let end = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) {
            let head = String(decoding: bytes[..<end], as: UTF8.self)
            bytes.removeFirst(end + mark.count)
            let lines = head.split(separator: "\r\n").map(String.init)
            let words = (lines.first ?? "").split(separator: " ").map(String.init)
            guard words.count == 3 else { return context.close(promise: nil) }
            let request = TestRequest(
                method: words[0], target: words[1],
                headers: lines.dropFirst().map { line in
                    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                    return (parts[0], parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
                })
            log.requests.withLock { $0.append(request) }
            let answer = answer(request)
            if let delay = answer.delay {
                let channel = context.channel
                let bytes = TestHandler.wire(answer, isHead: request.method == "HEAD")
                context.eventLoop.scheduleTask(
                    in: .milliseconds(Int64(delay / .milliseconds(1)))
                ) {
                    channel.writeAndFlush(ByteBuffer(bytes: bytes.bytes), promise: nil)
                }
            } else {
                send(answer, to: request, context)
            }
        }
    }

    private func send(
        _ answer: TestAnswer, to request: TestRequest, _ context: ChannelHandlerContext
    ) {
        let (bytes, closes) = TestHandler.wire(answer, isHead: request.method == "HEAD")
        let channel = context.channel
        let written = context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)))
        if closes { written.whenComplete { _ in channel.close(promise: nil) } }
    }

    private static func wire(_ answer: TestAnswer, isHead: Bool) -> (bytes: [UInt8], closes: Bool) {
        if let raw = answer.raw { return (raw, true) }
        var text = "HTTP/1.1 \(answer.status) X\r\n"
        for (name, value) in answer.headers { text += "\(name): \(value)\r\n" }
        if answer.isChunked {
            text += "Transfer-Encoding: chunked\r\n"
        } else {
            text += "Content-Length: \(answer.declaredLength ?? answer.body.count)\r\n"
        }
        var bytes = Array((text + "\r\n").utf8)
        if isHead { return (bytes, false) }
        let body = Array(answer.body.prefix(answer.dropAfter ?? answer.body.count))
        if answer.isChunked {
            if !body.isEmpty {
                bytes += Array((String(body.count, radix: 16) + "\r\n").utf8) + body
                bytes += Array("\r\n".utf8)
            }
            if answer.dropAfter == nil { bytes += Array("0\r\n\r\n".utf8) }
        } else {
            bytes += body
        }
        let isShort = body.count < answer.body.count
        return (bytes, isShort || (answer.declaredLength ?? body.count) != body.count)
    }
}
