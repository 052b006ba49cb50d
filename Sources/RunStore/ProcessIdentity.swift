internal import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A process, told apart from a later one that got the same number.
struct ProcessIdentity: Equatable {
    var host: String
    var pid: Int
    /// When it started, in a form that only equality can be asked of; empty where the system does not tell.
    var start: String

    static let current: ProcessIdentity = {
        let pid = Int(getpid())
        return ProcessIdentity(host: hostName, pid: pid, start: startMark(of: pid) ?? "")
    }()

    /// Whether the process ran on this host and is gone. Of other hosts nothing is known.
    var isKnownDead: Bool {
        guard host == ProcessIdentity.hostName else { return false }
        guard pid > 0, let number = pid_t(exactly: pid) else { return true }
        if kill(number, 0) != 0 && errno == ESRCH { return true }
        guard !start.isEmpty, let mark = ProcessIdentity.startMark(of: pid) else { return false }
        return mark != start
    }

    private static let hostName: String = {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = bytes.count - 1
        guard unsafe gethostname(&bytes, count) == 0 else { return "" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// Linux: the identity of this boot and the clock tick in which the process started.
    private static func startMark(of pid: Int) -> String? {
        guard let boot = try? FileBytes.readText("/proc/sys/kernel/random/boot_id"),
            let stat = try? FileBytes.read("/proc/\(pid)/stat"),
            // The name in parentheses may hold anything; fields are counted behind it.
            let end = stat.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        let ticks = String(decoding: fields[19], as: UTF8.self)
        return String(decoding: boot.utf8.prefix { $0 > 0x20 }, as: UTF8.self) + ":" + ticks
    }
}
