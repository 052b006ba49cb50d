internal import Files

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// How much memory this process has, and how much more it may take.
package struct ProcessMemory: Sendable, Equatable {
    /// Bytes that it may still take.
    package var available: Int
    /// Bytes that it has in memory; `nil` where the system does not tell.
    package var resident: Int?
    /// Where that is all that is free: `on this machine`, `in control group /a/b`.
    package var limit: String

    package init(available: Int, resident: Int?, limit: String) {
        (self.available, self.resident, self.limit) = (available, resident, limit)
    }

    /// As the system tells; elsewhere than on Linux three quarters of the machine's memory.
    package static var now: ProcessMemory {
        let all = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        return ProcessMemory(machine: all) { try? FileBytes.readText($0) }
    }

    /// Reads Linux' files through `read`, which gives `nil` for those that are not there.
    ///
    /// The smallest counts of: free memory of the machine with what the kernel can take back; the limits of all
    /// control groups that the process is in, less what they use (but for file cache that has not been used lately,
    /// which goes first); limits of the address space and the data segment, less what is mapped.
    package init(machine: Int, read: (String) -> String?) {
        let status = Fields(read("/proc/self/status") ?? "", separator: ":")
        resident = status["VmRSS"]
        (available, limit) = (machine / 4 * 3, "on this machine")
        let memory = Fields(read("/proc/meminfo") ?? "", separator: ":")
        if let free = memory["MemAvailable"] {
            (available, limit) = (free, "on this machine")
        }
        var limits = ControlGroups.limits(read)
        let process = ProcessMemory.processLimits(read("/proc/self/limits") ?? "")
        if let space = process["Max address space"], let used = status["VmSize"] {
            limits.append((space - used, "below ulimit -v"))
        }
        if let data = process["Max data size"], let used = status["VmData"] {
            limits.append((data - used, "below ulimit -d"))
        }
        for (bytes, name) in limits where bytes < available {
            (available, limit) = (max(0, bytes), name)
        }
    }

    /// Soft limits in bytes by name, but for unlimited ones: `Max data size   unlimited   unlimited   bytes`.
    private static func processLimits(_ text: String) -> [String: Int] {
        var result: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.last == "bytes", words.count >= 4, let soft = Int(words[words.count - 3])
            else { continue }
            result[words.dropLast(3).joined(separator: " ")] = soft
        }
        return result
    }
}

/// Lines of a name and a number, in bytes or followed by `kB`.
private struct Fields {
    private var values: [Substring: Int] = [:]

    init(_ text: String, separator: Character = " ") {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2 else { continue }
            let words = parts[1].split { $0 == " " || $0 == "\t" }
            guard let number = words.first.flatMap({ Int($0) }), number >= 0 else { continue }
            let unit = words.last == "kB" ? 1024 : 1
            values[parts[0]] = number > Int.max / unit ? .max : number * unit
        }
    }

    subscript(name: Substring) -> Int? { values[name] }
}

/// The control groups that the process is in, of both versions.
private enum ControlGroups {
    typealias Limit = (bytes: Int, name: String)

    /// What may still be taken in each group that has a limit.
    static func limits(_ read: (String) -> String?) -> [Limit] {
        let mounts = Mount.all(read("/proc/self/mountinfo") ?? "")
        var limits: [Limit] = []
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            // 0::/path for version 2, 4:memory:/path for version 1.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory"),
                let mount = mounts.first(where: {
                    isSecond ? $0.type == "cgroup2" : $0.type == "cgroup" && $0.isMemory
                })
            else { continue }
            limits += walk(mount, path: parts[2], isSecond: isSecond, read)
        }
        return limits
    }

    /// Looks at the group at `path` and all above it, as far as they can be seen.
    private static func walk(
        _ mount: Mount, path: Substring, isSecond: Bool, _ read: (String) -> String?
    ) -> [Limit] {
        // In a container the mount may show a part of the tree only.
        var names = path.split(separator: "/")
        let hidden = mount.root.split(separator: "/")
        if names.starts(with: hidden), !names.contains("..") {
            names.removeFirst(hidden.count)
        } else {
            names = []
        }
        var limits: [Limit] = []
        while true {
            let name = "/" + names.joined(separator: "/")
            let folder = mount.point + (names.isEmpty ? "" : name)
            if let bytes = isSecond ? second(folder, read) : first(folder, read) {
                limits.append((bytes, "in control group \(name)"))
            }
            if names.isEmpty { return limits }
            names.removeLast()
        }
    }

    private static func number(_ path: String, _ read: (String) -> String?) -> Int? {
        read(path).flatMap { Int($0.filter { !$0.isWhitespace }) }.flatMap { $0 < 0 ? nil : $0 }
    }

    private static func second(_ folder: String, _ read: (String) -> String?) -> Int? {
        let limits = ["memory.max", "memory.high"].compactMap { number(folder + "/" + $0, read) }
        guard let limit = limits.min(), let used = number(folder + "/memory.current", read) else {
            return nil
        }
        let idle = Fields(read(folder + "/memory.stat") ?? "")["inactive_file"] ?? 0
        return limit - max(0, used - idle)
    }

    private static func first(_ folder: String, _ read: (String) -> String?) -> Int? {
        let statistics = Fields(read(folder + "/memory.stat") ?? "")
        // The second tells of groups that cannot be seen.
        let limits = [
            number(folder + "/memory.limit_in_bytes", read),
            statistics["hierarchical_memory_limit"],
        ]
        // No limit is written as the largest number of pages.
        guard let limit = limits.compactMap({ $0 }).min(), limit < 1 << 60,
            let used = number(folder + "/memory.usage_in_bytes", read)
        else { return nil }
        let idle = statistics["total_inactive_file"] ?? statistics["inactive_file"] ?? 0
        return limit - max(0, used - idle)
    }
}

/// A line of `/proc/self/mountinfo` that mounts control groups.
private struct Mount {
    /// What part of the tree is seen.
    var root: Substring
    var point: String
    var type: Substring
    /// Version 1: whether it controls memory.
    var isMemory: Bool

    static func all(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            // 36 35 98:0 /root /point options ... - type source options
            let words = line.split(separator: " ")
            guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count > dash + 3,
                words[dash + 1].hasPrefix("cgroup")
            else { return nil }
            return Mount(
                root: words[3], point: String(words[4]), type: words[dash + 1],
                isMemory: words[dash + 3].split(separator: ",").contains("memory"))
        }
    }
}
