#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

import Synchronization

/// Keeps the memory of dropped tensors for the next ones.
///
/// Fresh memory costs a page fault per 4 KiB, many times the price of writing it again, so a training step after the
/// first few takes everything large from here. Sizes are rounded up to one of eight classes per power of two, and a
/// request is served by the smallest kept block of up to twice its size, so that ragged batches find the memory of
/// their predecessors and little is held that is not used.
public final class BufferPool: Sendable {
    /// The pool that tensors use.
    public static let shared = BufferPool()

    private struct State: ~Copyable {
        /// Addresses of kept memory by capacity.
        var free: [Int: [UInt]] = [:]
        var statistics = Statistics()
        /// By thread.
        var traces: [UInt: BufferTrace] = [:]
    }

    /// Counts since the process began, and bytes now.
    public struct Statistics: Sendable {
        /// Buffers asked for.
        public var requests = 0
        /// Those that had to be allocated anew.
        public var misses = 0
        /// Bytes in use or kept.
        public var bytesHeld = 0
        /// Bytes in use.
        public var bytesInUse = 0
        /// The most bytes in use at any time.
        public var peakBytesInUse = 0
    }

    private let state = Mutex(State())
    private let hasTraces = Atomic(false)

    /// What the pool has done so far.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Gives the kept memory back to the system.
    public func trim() {
        state.withLock { state in
            for (size, list) in state.free {
                list.forEach { free(UnsafeMutableRawPointer(bitPattern: $0)) }
                state.statistics.bytesHeld -= size * list.count * MemoryLayout<Float>.stride
            }
            state.free = [:]
        }
    }

    /// The size class that holds `count` floats: a multiple of an eighth of the power of two below.
    package static func capacity(for count: Int) -> Int {
        if count <= 64 { return 64 }
        let power = Int.bitWidth - 1 - (count - 1).leadingZeroBitCount
        let step = max(16, (1 << power) >> 3)
        return (count + step - 1) / step * step
    }

    /// How much more memory the pool comes to hold than is in use at a time, as a share of it, where batches are ragged
    /// (measured: 0.6 to 1): blocks of sizes that earlier batches had.
    package static let idleShare = 1.0

    /// Requests above this many floats may get a larger block than they need.
    private static let smallest = 4096

    /// Memory for at least `count` floats, and how many it has room for.
    func take(_ count: Int) -> (pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let capacity = BufferPool.capacity(for: count)
        let result = take(capacity: capacity)
        if hasTraces.load(ordering: .relaxed) {
            let address = UInt(bitPattern: result.pointer)
            state.withLock { $0.traces[BufferTrace.thread]?.take(count, at: address) }
        }
        return result
    }

    /// Memory for at least `capacity` floats, a size class; and how many it has room for.
    private func take(capacity: Int) -> (pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let (kept, granted): (UInt?, Int) = state.withLock { state in
            state.statistics.requests += 1
            let (address, granted) = BufferPool.kept(capacity, &state.free)
            if address == nil {
                state.statistics.misses += 1
                state.statistics.bytesHeld += capacity * MemoryLayout<Float>.stride
            }
            state.statistics.bytesInUse += granted * MemoryLayout<Float>.stride
            state.statistics.peakBytesInUse = max(
                state.statistics.peakBytesInUse, state.statistics.bytesInUse)
            return (address, granted)
        }
        if let kept, let pointer = UnsafeMutablePointer<Float>(bitPattern: kept) {
            return (pointer, granted)
        }
        let raw = BufferPool.allocate(bytes: capacity * MemoryLayout<Float>.stride)
        return (raw.bindMemory(to: Float.self, capacity: capacity), capacity)
    }

    /// The size of a large page on the processors that we know.
    private static let largePage = 2 << 20

    /// Fresh memory; in large pages where whole ones fit, which cost a page fault per 2 MiB instead of per 4 KiB. The
    /// rest of a block stays in small ones, so that no memory is taken that was not asked for.
    private static func allocate(bytes: Int) -> UnsafeMutableRawPointer {
        var raw: UnsafeMutableRawPointer?
        let isLarge = bytes >= largePage
        let status = posix_memalign(&raw, isLarge ? largePage : 64, bytes)
        guard status == 0, let raw else { fatalError("out of memory: \(bytes) bytes") }
        #if os(Linux)
            if isLarge { _ = madvise(raw, bytes / largePage * largePage, MADV_HUGEPAGE) }
        #endif
        return raw
    }

    /// The smallest kept block that serves `capacity` without wasting more than as much again.
    private static func kept(_ capacity: Int, _ free: inout [Int: [UInt]]) -> (UInt?, Int) {
        if let address = free[capacity]?.popLast() { return (address, capacity) }
        guard capacity >= smallest else { return (nil, capacity) }
        var size = BufferPool.capacity(for: capacity + 1)
        while size <= 2 * capacity {
            if let address = free[size]?.popLast() { return (address, size) }
            size = BufferPool.capacity(for: size + 1)
        }
        return (nil, capacity)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let address = UInt(bitPattern: pointer)
        state.withLock { state in
            state.statistics.bytesInUse -= capacity * MemoryLayout<Float>.stride
            state.free[capacity, default: []].append(address)
            if !state.traces.isEmpty { state.traces[BufferTrace.thread]?.give(address) }
        }
    }

    /// Calls `body` and returns what it took on this thread and gave back; it may mark a place. Traps inside itself.
    package func trace(_ body: (_ mark: () -> Void) -> Void) -> [BufferEvent] {
        let thread = BufferTrace.thread
        state.withLock { state in
            precondition(state.traces[thread] == nil, "BufferPool.trace inside itself")
            state.traces[thread] = BufferTrace()
            hasTraces.store(true, ordering: .relaxed)
        }
        body { state.withLock { $0.traces[thread]?.mark() } }
        return state.withLock { state in
            let events = state.traces.removeValue(forKey: thread)?.events ?? []
            hasTraces.store(!state.traces.isEmpty, ordering: .relaxed)
            return events
        }
    }
}

/// Memory for floats that belongs to whoever holds the object, and returns to the pool with the last holder.
final class Buffer: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int
    private let capacity: Int
    /// Where the memory is a weight: its layouts for products.
    var panels: WeightPanels?

    /// Uninitialised memory for `count` floats.
    init(count: Int) {
        self.count = count
        (pointer, capacity) = BufferPool.shared.take(count)
    }

    deinit { BufferPool.shared.give(pointer, capacity: capacity) }
}
