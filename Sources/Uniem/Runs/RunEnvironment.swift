internal import Files
internal import Tensors

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a run ran on, for its record.
enum RunEnvironment {
    /// Versions, system, processor and memory, as an object.
    static func json(threads: Int) -> JSON {
        [
            "uniem": .string(uniemVersion), "swift": .string(swiftVersion),
            "os": .string(systemName),
            "host": .string(ProcessInfo.processInfo.hostName), "cpu": .string(processor),
            "processors": .int(availableProcessors()), "threads": .int(threads),
            "blas": .string(blasDescription()),
            "memory_bytes": .number(String(ProcessInfo.processInfo.physicalMemory)),
        ]
    }

    /// What is different now from where a run began, as notes: numbers may differ in their last bits then.
    static func differences(_ old: JSON) -> [String] {
        let now = json(threads: 0)
        return ["uniem", "swift", "cpu", "blas"].compactMap { key in
            guard let before = old[key]?.string, let after = now[key]?.string, before != after
            else { return nil }
            return "the run began with \(key) \(before), it goes on with \(after): "
                + "results may differ in their last bits"
        }
    }

    private static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6"
        #endif
    }

    private static var systemName: String {
        guard let release = try? FileBytes.readText("/etc/os-release") else {
            return ProcessInfo.processInfo.operatingSystemVersionString
        }
        for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }
        }
        return "Linux"
    }

    private static var processor: String {
        guard let text = try? FileBytes.readText("/proc/cpuinfo") else { return "unknown" }
        for line in text.split(separator: "\n") where line.hasPrefix("model name") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return "unknown"
    }
}
