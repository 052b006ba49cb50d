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
/// first few takes everything large from here. Sizes are rounded up to one of eight classes per power of two, so
/// that ragged batches find the memory of their predecessors.
public final class BufferPool: Sendable {
    /// The pool that tensors use.
    public static let shared = BufferPool()

    private struct State: ~Copyable {
        /// Addresses of kept memory by capacity.
        var free: [Int: [UInt]] = [:]
        var statistics = Statistics()
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
    static func capacity(for count: Int) -> Int {
        if count <= 64 { return 64 }
        let power = Int.bitWidth - 1 - (count - 1).leadingZeroBitCount
        let step = max(16, (1 << power) >> 3)
        return (count + step - 1) / step * step
    }

    func take(capacity: Int) -> UnsafeMutablePointer<Float> {
        let kept: UInt? = state.withLock { state in
            state.statistics.requests += 1
            state.statistics.bytesInUse += capacity * MemoryLayout<Float>.stride
            state.statistics.peakBytesInUse = max(
                state.statistics.peakBytesInUse, state.statistics.bytesInUse)
            if let address = state.free[capacity]?.popLast() { return address }
            state.statistics.misses += 1
            state.statistics.bytesHeld += capacity * MemoryLayout<Float>.stride
            return nil
        }
        if let kept, let pointer = UnsafeMutablePointer<Float>(bitPattern: kept) { return pointer }
        var raw: UnsafeMutableRawPointer?
        let status = posix_memalign(&raw, 64, capacity * MemoryLayout<Float>.stride)
        guard status == 0, let raw else { fatalError("out of memory: \(capacity) floats") }
        return raw.bindMemory(to: Float.self, capacity: capacity)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let address = UInt(bitPattern: pointer)
        state.withLock { state in
            state.statistics.bytesInUse -= capacity * MemoryLayout<Float>.stride
            state.free[capacity, default: []].append(address)
        }
    }
}

/// Memory for floats that belongs to whoever holds the object, and returns to the pool with the last holder.
final class Buffer: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int
    private let capacity: Int

    /// Uninitialised memory for `count` floats.
    init(count: Int) {
        self.count = count
        capacity = BufferPool.capacity(for: count)
        pointer = BufferPool.shared.take(capacity: capacity)
    }

    deinit { BufferPool.shared.give(pointer, capacity: capacity) }
}
