import Files
import Tensors

/// What Linux tells of machine and process.
enum SystemFacts {
    private static func text(_ path: String) -> String { (try? FileBytes.readText(path)) ?? "" }

    /// The value of the first line `name: value` of the file at `path`.
    private static func field(_ name: String, of path: String) -> String? {
        for line in text(path).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, trimmed(parts[0]) == name { return trimmed(parts[1]) }
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        String(
            text.drop { $0 == " " || $0 == "\t" }.reversed().drop { " \t\n".contains($0) }
                .reversed())
    }

    /// Bytes of the line `name: 123 kB`.
    private static func bytes(_ name: String, of path: String) -> Int? {
        field(name, of: path)?.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// The processor's name.
    static var processor: String { field("model name", of: "/proc/cpuinfo") ?? "unknown" }

    /// The instruction sets that matter to floats.
    static var features: [String] {
        let flags = Set((field("flags", of: "/proc/cpuinfo") ?? "").split(separator: " "))
        return [
            "avx2", "fma", "avx512f", "avx512vl", "avx512_bf16", "avx512_fp16", "avx_vnni",
            "amx_tile", "amx_bf16",
        ].filter { flags.contains(Substring($0)) }
    }

    /// The caches of the first processor: `L1 48K, L2 2048K`.
    static var caches: String {
        let folder = "/sys/devices/system/cpu/cpu0/cache/index"
        return (0..<5).compactMap { index -> String? in
            let place = folder + String(index)
            let level = trimmed(text(place + "/level")[...])
            let kind = trimmed(text(place + "/type")[...])
            guard !level.isEmpty, kind != "Instruction" else { return nil }
            return "L\(level) " + trimmed(text(place + "/size")[...])
        }.joined(separator: ", ")
    }

    /// How the kernel gives large pages: `madvise`, `always`, `never`.
    static var largePages: String {
        let text = text("/sys/kernel/mm/transparent_hugepage/enabled")
        return text.split(separator: " ").first { $0.hasPrefix("[") }.map {
            String($0.dropFirst().prefix { $0 != "]" })
        } ?? "unknown"
    }

    /// Bytes of memory.
    static var memory: Int? { bytes("MemTotal", of: "/proc/meminfo") }

    /// The most memory this process has had at a time, in MiB.
    static var peakMiB: Double? {
        bytes("VmHWM", of: "/proc/self/status").map { Double($0) / 1_048_576 }
    }

    /// Ticks (a hundredth of a second) that all processors have worked, and that this process has.
    fileprivate static var ticks: (machine: Int, own: Int)? {
        let all = text("/proc/stat").split(separator: "\n").first?.split(separator: " ").dropFirst()
            .compactMap { Int($0) }
        // The name of the program, in brackets, may hold spaces.
        let own = text("/proc/self/stat").split(separator: ")").last?.split(separator: " ")
        guard let all, all.count > 6, let own, own.count > 12, let user = Int(own[11]),
            let system = Int(own[12])
        else { return nil }
        return (all[0..<3].reduce(0, +) + all[5..<7].reduce(0, +), user + system)
    }
}

/// The share of the machine that other processes take, from when this is made.
struct Neighbours {
    private let start = SystemFacts.ticks
    private let clock = ContinuousClock()
    private let begin = ContinuousClock().now

    /// The share; `nil` where it cannot be told.
    var share: Double? {
        let time = (clock.now - begin) / .seconds(1)
        guard let start, let now = SystemFacts.ticks, time > 0.05 else { return nil }
        let others = Double(now.machine - start.machine - (now.own - start.own)) / 100
        return max(0, others) / time / Double(availableProcessors())
    }
}
