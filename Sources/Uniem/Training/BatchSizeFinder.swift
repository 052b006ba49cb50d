internal import Embedders
internal import Encoders
internal import Files
internal import Records

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Chooses a batch size before the first step.
enum BatchSizeFinder {
    /// uniem's start.
    static let largest = 256

    /// The largest of 256, 128, ... 1 whose training step should fit into three quarters of the memory that is free.
    ///
    /// - Parameter tokensPerRow: how many tokens a row has, over all its texts, at the long end of the data.
    static func batchSize(for embedder: Embedder, rows: Int, tokensPerRow: Int) -> Int {
        let limit = availableMemory() / 4 * 3
        var size = largest
        while size > 1, stepBytes(embedder, tokens: size * tokensPerRow) > limit { size /= 2 }
        // More than all rows would only mean one batch an epoch.
        return max(1, min(size, rows))
    }

    /// About how many bytes a step over `tokens` tokens takes: weights, gradients and moments, and what each layer
    /// keeps of each token for the way back (16 vectors of width H where the inner width is 4 H).
    static func stepBytes(_ embedder: Embedder, tokens: Int) -> Int {
        let configuration = embedder.encoder.configuration
        let layers = configuration["num_hidden_layers"]?.int ?? 12
        let inner = configuration["intermediate_size"]?.int ?? 4 * embedder.dimension
        let heads = configuration["num_attention_heads"]?.int ?? 12
        let perToken = layers * (8 * embedder.dimension + 2 * inner + heads * 64)
        return MemoryLayout<Float>.stride * (4 * embedder.parameterCount + tokens * perToken)
    }

    /// The bytes that this process may still use: of the machine, or of its control group.
    static func availableMemory() -> Int {
        var result = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        if let text = try? FileBytes.readText("/proc/meminfo"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            result = min(result, kibibytes << 10)
        }
        if let limit = try? FileBytes.readText("/sys/fs/cgroup/memory.max"),
            let used = try? FileBytes.readText("/sys/fs/cgroup/memory.current"),
            let limit = Int(limit.filter(\.isNumber)), let used = Int(used.filter(\.isNumber))
        {
            result = min(result, max(0, limit - used))
        }
        return result
    }
}
