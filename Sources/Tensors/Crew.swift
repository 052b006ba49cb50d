#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

internal import CKernels
import Synchronization

/// The threads that may take part in products of one piece of work, when they have none of their own: they stand ready,
/// awake, so that to hand something out costs less than a microsecond, where waking a thread costs twenty.
///
/// One thread calls ``run(_:_:)`` at a time. What a piece computes may depend on its number only, so results do not
/// depend on who is there to take it.
package final class Crew: @unchecked Sendable {
    private unowned let group: CrewGroup
    /// A round of pieces: its number in the upper 32 bits, then 16 bits each of how many pieces there are and how many
    /// are taken. All of it in one word, so that nobody takes a piece of a round that is over.
    private let round = Atomic<UInt64>(0)
    private let done = Atomic<Int>(0)
    private var body: ((Int) -> Void)?

    fileprivate init(_ group: CrewGroup) { self.group = group }

    /// Into how many pieces to cut what can be shared out: 1 where nobody stands ready.
    ///
    /// A few a thread, as threads may be held up, or share a core with a neighbour.
    var pieces: Int { group.isIdle ? 4 * group.threads : 1 }

    /// Runs `body(0)`, ..., `body(count - 1)`, and returns when all are done. Traps above 65,535.
    func run(_ count: Int, _ body: (Int) -> Void) {
        if count <= 1 {
            for index in 0..<count { body(index) }
            return
        }
        precondition(count <= 0xFFFF, "\(count) pieces for a crew")
        withoutActuallyEscaping(body) { body in
            self.body = body
            done.store(0, ordering: .relaxed)
            let number = (round.load(ordering: .relaxed) >> 32 &+ 1) & 0xFFFF_FFFF
            round.store(number << 32 | UInt64(count) << 16, ordering: .releasing)
            while takePiece() {}
            var waiting = Waiting()
            while done.load(ordering: .acquiring) < count { waiting.pause() }
            self.body = nil
        }
    }

    /// Runs the next piece of this round; false where none is left.
    fileprivate func takePiece() -> Bool {
        var word = round.load(ordering: .acquiring)
        while true {
            let (count, next) = (word >> 16 & 0xFFFF, word & 0xFFFF)
            guard next < count else { return false }
            let (isMine, now) = round.weakCompareExchange(
                expected: word, desired: word + 1, ordering: .acquiringAndReleasing)
            if isMine {
                runPiece(Int(next))
                done.wrappingAdd(1, ordering: .releasing)
                return true
            }
            word = now
        }
    }

    /// A function of its own, so that its hold on the body ends before the piece counts as done.
    @inline(never)
    private func runPiece(_ index: Int) { body?(index) }
}

/// Pieces of work that threads take one by one, and the crews of those that run.
private final class CrewGroup: @unchecked Sendable {
    let threads: Int
    private let count: Int
    private let next = Atomic<Int>(0)
    private let finished = Atomic<Int>(0)
    private let idle = Atomic<Int>(0)
    /// By thread.
    private var crews: [Crew] = []

    init(threads: Int, count: Int) {
        (self.threads, self.count) = (threads, count)
        crews = (0..<threads).map { _ in Crew(self) }
    }

    /// Whether a thread has nothing to do.
    var isIdle: Bool { idle.load(ordering: .relaxed) > 0 }

    /// Runs pieces of work as number `thread` until none is left, then helps the others until they are done.
    func work(as thread: Int, _ body: (Int, Crew?) -> Void) {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { break }
            body(index, crews[thread])
            finished.wrappingAdd(1, ordering: .releasing)
        }
        idle.wrappingAdd(1, ordering: .relaxed)
        var waiting = Waiting()
        while finished.load(ordering: .acquiring) < count {
            var hasHelped = false
            for other in crews where other.takePiece() { hasHelped = true }
            if hasHelped { waiting = Waiting() } else { waiting.pause() }
        }
    }
}

/// A thread that waits for another in a loop.
private struct Waiting {
    private var rounds = 0

    /// Waits a little.
    mutating func pause() {
        rounds += 1
        // Somebody else may have something to do where there are more threads than processors.
        if rounds > 128 { sched_yield() } else { k_pause() }
    }
}

extension WorkerPool {
    /// As ``run(_:_:)``; threads that find no piece any more help those that still have one, by their crews.
    ///
    /// There are no crews where threads are more than processors: one that waits for a processor would be no help.
    package func runTogether(_ count: Int, _ body: (_ index: Int, _ crew: Crew?) -> Void) {
        if threads <= WorkerPool.processors {
            runInCrews(count, body)
        } else {
            run(count) { body($0, nil) }
        }
    }

    private static let processors = availableProcessors()

    /// As ``runTogether(_:_:)``, with crews in any case.
    func runInCrews(_ count: Int, _ body: (_ index: Int, _ crew: Crew?) -> Void) {
        guard threads > 1, count > 0 else { return run(count) { body($0, nil) } }
        let group = CrewGroup(threads: threads, count: count)
        run(threads) { group.work(as: $0, body) }
    }
}
