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
