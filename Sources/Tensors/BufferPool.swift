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
/// Fresh memory costs a page fault and is cleared by the system, many times the price of writing it again, so a training
/// step after the first few takes everything from here. Small requests are served from lists of blocks of a few sizes,
/// large ones by heaps that cut their memory as it is asked for: one for what stays and one for what comes and goes, so
/// that nothing that stays lies in the way. Ragged batches find the memory of their predecessors, and little is held
/// that is not used.
public final class BufferPool: Sendable {
    /// The pool that tensors use.
    public static let shared = {
        // Whoever needs memory for numbers soon needs all processors.
        BLAS.prepare()
        return BufferPool()
    }()

    private struct State: ~Copyable {
        var moving = BlockHeap()
        var staying = BlockHeap()
        /// Addresses of kept small blocks, by capacity in units of 16.
        var small: [[UInt]] = Array(repeating: [], count: BufferPool.largestSmall / 16 + 1)
        /// Bytes of all small blocks.
        var smallBytes = 0
        /// Bytes of all sparse ones.
        var sparseBytes = 0
        var statistics = Statistics()
        /// By thread.
        var traces: [UInt: BufferTrace] = [:]
    }

    /// Counts since the process began, and bytes now.
    public struct Statistics: Sendable {
        /// Buffers asked for.
        public var requests = 0
        /// Those for which the system had to give memory.
        public var misses = 0
        /// Bytes in use or kept.
        public var bytesHeld = 0
        /// Bytes in use.
        public var bytesInUse = 0
        /// The most bytes in use at any time.
        public var peakBytesInUse = 0
    }

    /// What a piece of memory is wanted for.
    enum Use {
        /// It comes and goes.
        case passing
        /// It is for many training steps.
        case staying
        /// It stays, is zero at first, and is written in few places: memory is taken where it is.
        case sparse
    }

    /// A piece of memory that was granted.
    struct Grant {
        let pointer: UnsafeMutablePointer<Float>
        /// How many floats it has room for.
        let capacity: Int
        /// Whether all of it is known to be zero.
        let isZero: Bool
        fileprivate let source: Source
    }

    /// Where memory comes from and goes back to.
    fileprivate enum Source {
        case small
        case moving(block: Int)
        case staying(block: Int)
        case sparse
    }

    /// Where a request finds its memory.
    fileprivate struct Place {
        /// 0 where the system has no more.
        let address: UInt
        let source: Source
        /// Whether the system was asked.
        let isNew: Bool
        /// Whether all of it is known to be zero.
        let isZero: Bool
    }

    private let state = Mutex(State())
    private let hasTraces = Atomic(false)

    /// What the pool has done so far.
    public var statistics: Statistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.bytesHeld =
                state.smallBytes + state.moving.bytesHeld + state.staying.bytesHeld
                + state.sparseBytes
            return statistics
        }
    }

    /// Gives the kept memory back to the system, but for parts of pages.
    public func trim() {
        state.withLock { state in
            state.moving.trim()
            state.staying.trim()
            for index in state.small.indices {
                state.small[index].forEach { free(UnsafeMutableRawPointer(bitPattern: $0)) }
                state.smallBytes -= 16 * index * state.small[index].count * BufferPool.stride
                state.small[index] = []
            }
        }
    }

    /// How many floats a request for `count` gets: a multiple of 16; for small ones the next size class, a multiple of
    /// an eighth of the power of two below.
    package static func capacity(for count: Int) -> Int {
        if count <= 64 { return 64 }
        let power = Int.bitWidth - 1 - (count - 1).leadingZeroBitCount
        let step = count > largestSmall ? 16 : max(16, (1 << power) >> 3)
        return (count + step - 1) / step * step
    }

    /// How much more memory the pool comes to hold than is in use at a time, as a share of what comes and goes, where
    /// batches are ragged (measured: 0.003 to 0.014 for MiniLM with batches of 32 to 256): gaps between buffers that no
    /// request fits into.
    package static let idleShare = 0.02

    /// The bytes at the ends of its memory that the pool may hold besides.
    package static let idleBytes = 2 * PageMemory.size

    /// Requests of up to so many floats are small: a page, as the system counts them.
    package static let largestSmall = 2048

    private static let stride = MemoryLayout<Float>.stride

    /// Memory for at least `count` floats. What stays is kept apart from what comes and goes.
    func take(_ count: Int, for use: Use = .passing) -> Grant {
        let capacity = BufferPool.capacity(for: count)
        let isTraced = hasTraces.load(ordering: .relaxed)
        return state.withLock { state in
            let place = BufferPool.place(capacity, use, &state)
            guard let pointer = UnsafeMutablePointer<Float>(bitPattern: place.address) else {
                fatalError("out of memory: \(capacity * BufferPool.stride) bytes")
            }
            state.statistics.requests += 1
            state.statistics.misses += place.isNew ? 1 : 0
            state.statistics.bytesInUse += capacity * BufferPool.stride
            state.statistics.peakBytesInUse = max(
                state.statistics.peakBytesInUse, state.statistics.bytesInUse)
            if isTraced { state.traces[BufferTrace.thread]?.take(count, at: place.address) }
            return Grant(
                pointer: pointer, capacity: capacity, isZero: place.isZero, source: place.source)
        }
    }

    /// Finds room for `capacity` floats.
    private static func place(_ capacity: Int, _ use: Use, _ state: inout State) -> Place {
        let bytes = capacity * stride
        if capacity > largestSmall {
            switch use {
            case .passing:
                let piece = state.moving.take(bytes)
                return Place(piece, of: .moving(block: piece.block))
            case .staying:
                let piece = state.staying.take(bytes)
                return Place(piece, of: .staying(block: piece.block))
            case .sparse:
                state.sparseBytes += bytes
                return Place(
                    address: PageMemory.takeSparse(bytes: bytes), source: .sparse, isNew: true,
                    isZero: true)
            }
        }
        if let address = state.small[capacity / 16].popLast() {
            return Place(address: address, source: .small, isNew: false, isZero: false)
        }
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 64, bytes) == 0 else {
            return Place(address: 0, source: .small, isNew: true, isZero: false)
        }
        state.smallBytes += bytes
        return Place(
            address: UInt(bitPattern: raw), source: .small, isNew: true, isZero: false)
    }

    /// Takes back what was granted.
    func give(_ grant: Grant) {
        let address = UInt(bitPattern: grant.pointer)
        state.withLock { state in
            state.statistics.bytesInUse -= grant.capacity * BufferPool.stride
            switch grant.source {
            case .small: state.small[grant.capacity / 16].append(address)
            case .moving(let block): state.moving.give(block)
            case .staying(let block): state.staying.give(block)
            case .sparse:
                let bytes = grant.capacity * BufferPool.stride
                state.sparseBytes -= bytes
                PageMemory.free(address, bytes: bytes)
            }
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

extension BufferPool.Place {
    fileprivate init(_ piece: BlockHeap.Piece, of source: BufferPool.Source) {
        self.init(
            address: piece.address, source: source, isNew: piece.isNew, isZero: piece.isZero)
    }
}

/// Memory for floats that belongs to whoever holds the object, and returns to the pool with the last holder.
final class Buffer: @unchecked Sendable {
    let count: Int
    /// Where the memory is a weight: its layouts for products.
    var panels: WeightPanels?
    private let grant: BufferPool.Grant
    /// What is still to be done to the numbers; `nil` for nothing. Changes only when no other thread looks.
    var debt: DecayDebt?

    /// The numbers, up to date.
    var pointer: UnsafeMutablePointer<Float> {
        debt?.settle(grant.pointer)
        return grant.pointer
    }

    /// The numbers, of which only rows `ids` need be up to date.
    func pointer(toRows ids: [Int32]) -> UnsafeMutablePointer<Float> {
        debt?.settle(grant.pointer, rows: ids)
        return grant.pointer
    }

    /// Uninitialised memory for `count` floats.
    init(count: Int, for use: BufferPool.Use = .passing) {
        self.count = count
        grant = BufferPool.shared.take(count, for: use)
    }

    /// Memory for `count` zeros. The system's is not written once more.
    init(zeros count: Int, for use: BufferPool.Use = .passing) {
        self.count = count
        grant = BufferPool.shared.take(count, for: use)
        if !grant.isZero { memset(grant.pointer, 0, count * MemoryLayout<Float>.stride) }
    }

    deinit { BufferPool.shared.give(grant) }
}
