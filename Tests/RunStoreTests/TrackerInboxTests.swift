import Testing
import Tracking

@testable import RunStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct TrackerInboxTests {
    private func step(_ step: Int) -> TrackerInbox.Entry {
        .step(
            StepMetrics(
                step: step, epoch: 1, loss: 1, meanLoss: 1, learningRate: 1, rows: 1, tokens: 1,
                seconds: 1))
    }

    private func evidence(_ step: Int, rows: Int) -> TrackerInbox.Entry {
        .evidence(
            StepEvidence(
                step: step, epoch: 1,
                examples: (0..<rows).map {
                    ExampleEvidence(dataset: 0, row: $0, loss: 1, similarity: 1)
                }))
    }

    private func event(_ event: RunEvent) -> TrackerInbox.Entry {
        .event(event, time: Date(timeIntervalSince1970: 0), lastStep: 0)
    }

    /// Steps as `1`, rows as `1x5`, data and other events by name.
    private func text(_ work: TrackerInbox.Work?) -> String {
        switch work {
        case nil: ""
        case .data: "data"
        case .entries(let entries):
            entries.map { entry in
                switch entry {
                case .step(let metrics): "\(metrics.step)"
                case .evidence(let step): "\(step.step)x\(step.examples.count)"
                case .event: "event"
                }
            }.joined(separator: " ")
        }
    }

    @Test func whatIsCollectedWaitsUntilItIsHandedOver() {
        var inbox = TrackerInbox()
        inbox.add(step(1))
        #expect(inbox.isLastAStep && inbox.steps == 1)
        inbox.add(evidence(1, rows: 5))
        #expect(!inbox.isLastAStep && inbox.next() == nil && inbox.waitingRows == 0)
        inbox.handOverAll()
        inbox.add(step(2))
        #expect(inbox.steps == 1 && inbox.waitingRows == 6)
        #expect(text(inbox.next()) == "1 1x5")
        #expect(inbox.next() == nil && inbox.waitingRows == 0)
    }

    @Test func aTransactionEndsBeforeAStepAndAroundData() {
        var inbox = TrackerInbox()
        for number in 1...3 {
            inbox.add(step(number))
            inbox.add(evidence(number, rows: 30_000))
        }
        inbox.add(event(.data(Samples.rows())))
        inbox.add(event(.message(level: .info, text: "x")))
        inbox.add(step(4))
        inbox.handOverAll()
        var parts: [String] = []
        while let work = inbox.next() { parts.append(text(work)) }
        #expect(parts == ["1 1x30000 2 2x30000", "3 3x30000", "data", "event 4"])
    }

    @Test func whatIsTakenBackComesFirst() {
        var inbox = TrackerInbox()
        inbox.add(event(.data(Samples.rows())))
        inbox.add(step(1))
        inbox.handOverAll()
        for expected in ["data", "1"] {
            guard let work = inbox.next() else {
                Issue.record("nothing waits")
                return
            }
            #expect(text(work) == expected)
            let rows = inbox.waitingRows
            inbox.takeBack(work)
            #expect(inbox.waitingRows == rows + 1)
            #expect(text(inbox.next()) == expected)
        }
        #expect(inbox.next() == nil && inbox.waitingRows == 0)
    }

    @Test func theOldestEvidenceIsGivenUpFirstThenTheOldestSteps() {
        var inbox = TrackerInbox()
        inbox.add(event(.message(level: .info, text: "x")))
        for number in 1...3 {
            inbox.add(step(number))
            inbox.add(evidence(number, rows: 10))
        }
        inbox.handOverAll()
        inbox.trim(to: 100)
        #expect(inbox.givenUp.isEmpty)
        inbox.trim(to: 15)
        #expect(inbox.waitingRows == 14)
        inbox.trim(to: 2)
        #expect((inbox.givenUp.steps, inbox.givenUp.evidence) == (2, 30))
        #expect(text(inbox.next()) == "event 3")
    }
}
