internal import Tracking

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a tracker was told and has not written, in order: first what is being collected, then, once handed over, what
/// waits for the writer.
struct TrackerInbox {
    enum Entry {
        case step(StepMetrics)
        case evidence(StepEvidence)
        /// Anything else; `lastStep` is the step before it.
        indirect case event(RunEvent, time: Date, lastStep: Int)

        /// How much it counts.
        var rows: Int { if case .evidence(let step) = self { step.examples.count } else { 1 } }
    }

    /// What is written in one go.
    enum Work {
        /// One transaction.
        case entries([Entry])
        /// Many: the texts of a data set.
        case data(TrainingRows, time: Date)
    }

    /// What was given up for want of memory.
    struct GivenUp: CustomStringConvertible {
        var steps = 0
        var evidence = 0

        var isEmpty: Bool { steps == 0 && evidence == 0 }
        var description: String { "\(steps) steps and what steps showed of \(evidence) rows" }

        mutating func forget(_ other: GivenUp) {
            steps -= other.steps
            evidence -= other.evidence
        }
    }

    /// A transaction is not larger than about this many rows, so that other processes get their turn.
    private static let transactionRows = 50_000

    private var collected: [Entry] = []
    private var waiting: [Entry] = []
    /// Steps that are being collected.
    private(set) var steps = 0
    /// Rows that wait for the writer.
    private(set) var waitingRows = 0
    var givenUp = GivenUp()

    /// Whether the newest entry is a step.
    var isLastAStep: Bool { if case .step = collected.last { true } else { false } }

    mutating func add(_ entry: Entry) {
        if case .step = entry { steps += 1 }
        collected.append(entry)
    }

    mutating func handOverAll() {
        waitingRows += collected.reduce(0) { $0 + $1.rows }
        waiting += collected
        collected.removeAll(keepingCapacity: true)
        steps = 0
    }

    /// Takes out what is to be written next; `nil` where nothing waits.
    mutating func next() -> Work? {
        guard let first = waiting.first else { return nil }
        if case .event(.data(let rows), let time, _) = first {
            waiting.removeFirst()
            waitingRows -= 1
            return .data(rows, time: time)
        }
        var (count, rows) = (0, 0)
        scan: for entry in waiting {
            switch entry {
            case .event(.data, _, _): break scan
            // Between a step and its rows no transaction ends.
            case .step where rows >= TrackerInbox.transactionRows: break scan
            default:
                count += 1
                rows += entry.rows
            }
        }
        let entries = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        waitingRows -= rows
        return .entries(entries)
    }

    /// Puts work that could not be done back in front.
    mutating func takeBack(_ work: Work) {
        switch work {
        case .entries(let entries):
            waiting.insert(contentsOf: entries, at: 0)
            waitingRows += entries.reduce(0) { $0 + $1.rows }
        case .data(let rows, let time):
            waiting.insert(.event(.data(rows), time: time, lastStep: 0), at: 0)
            waitingRows += 1
        }
    }

    /// Gives up the oldest evidence, then the oldest steps, until no more than `limit` rows wait. Other events stay.
    mutating func trim(to limit: Int) {
        guard waitingRows > limit else { return }
        for isEvidenceTurn in [true, false] {
            var kept: [Entry] = []
            for entry in waiting {
                switch entry {
                case .evidence(let step) where isEvidenceTurn && waitingRows > limit:
                    givenUp.evidence += step.examples.count
                    waitingRows -= step.examples.count
                case .step where !isEvidenceTurn && waitingRows > limit:
                    givenUp.steps += 1
                    waitingRows -= 1
                default: kept.append(entry)
                }
            }
            waiting = kept
        }
    }
}
