#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Something that a thread did with the buffer pool.
package enum BufferEvent: Hashable, Sendable {
    /// Took memory for that many floats.
    case take(Int)
    /// Gave back what its take of that number, from 0, had got.
    case give(Int)
    /// Came to the place that the body of ``BufferPool/trace(_:)`` marks.
    case mark
}

/// What one thread takes from the pool and gives back, in order.
struct BufferTrace {
    private(set) var events: [BufferEvent] = []
    private var takes = 0
    private var alive: [UInt: Int] = [:]

    mutating func take(_ count: Int, at address: UInt) {
        events.append(.take(count))
        alive[address] = takes
        takes += 1
    }

    /// Memory that was taken before the trace began is not told of.
    mutating func give(_ address: UInt) {
        if let take = alive.removeValue(forKey: address) { events.append(.give(take)) }
    }

    mutating func mark() { events.append(.mark) }

    /// The thread that runs.
    static var thread: UInt {
        #if canImport(Glibc)
            pthread_self()
        #else
            UInt(bitPattern: pthread_self())
        #endif
    }
}
