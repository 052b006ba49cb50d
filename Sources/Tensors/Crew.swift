#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

internal import CKernels
import Synchronization

/// Threads that stand ready, awake, while one of them works through a single piece of work, and take part in what it
/// hands out: to hand out costs less than a microsecond, where waking a thread costs twenty.
///
/// One thread calls ``run(_:_:)`` at a time. What a piece computes may depend on its number only, so results do not
/// depend on who is there to take it.
package final class Crew: @unchecked Sendable {
    /// The number of threads, the one that hands out included.
    let threads: Int
    /// A round of pieces: its number in the upper 32 bits, then 16 bits each of how many pieces there are and how many
    /// are taken. All of it in one word, so that nobody takes a piece of a round that is over.
    private let round = Atomic<UInt64>(0)
    private let done = Atomic<Int>(0)
    private let isDismissed = Atomic<Bool>(false)
    private var body: ((Int) -> Void)?

    init(threads: Int) {
        self.threads = threads
    }

    /// Runs `body(0)`, ..., `body(count - 1)`, and returns when all are done. Traps above 65,535.
    func run(_ count: Int, _ body: (Int) -> Void) {
        if threads == 1 || count <= 1 {
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
            while done.load(ordering: .acquiring) < count { k_pause() }
            self.body = nil
        }
    }

    /// Takes part until ``dismiss()``.
    func stand() {
        var idle = 0
        while !isDismissed.load(ordering: .acquiring) {
            if takePiece() {
                idle = 0
            } else {
                idle += 1
                // Somebody else may have something to do where there are more threads than processors.
                if idle > 128 { sched_yield() } else { k_pause() }
            }
        }
    }

    /// Sends the threads away that stand by.
    func dismiss() { isDismissed.store(true, ordering: .releasing) }

    /// Runs the next piece of this round; false where none is left.
    private func takePiece() -> Bool {
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

extension WorkerPool {
    /// Runs `body` on one thread while the others stand by for what it hands out to them.
    package func withCrew(_ body: (Crew) -> Void) {
        // A thread that waits for a processor would be no help.
        let crew = Crew(threads: min(threads, availableProcessors()))
        run(crew.threads) { index in
            if index == 0 {
                body(crew)
                crew.dismiss()
            } else {
                crew.stand()
            }
        }
    }
}
