import Files
import Synchronization
import Testing
import Tracking

/// Fails from the given event on.
private final class FailingTracker: RunTracker {
    let failsAt: Int
    private let counts = Mutex((tracked: 0, finished: 0))
    var tracked: Int { counts.withLock { $0.tracked } }
    var finished: Int { counts.withLock { $0.finished } }
    init(failsAt: Int) { self.failsAt = failsAt }

    func track(_ event: RunEvent) throws {
        let count = counts.withLock { counts in
            counts.tracked += 1
            return counts.tracked
        }
        if count >= failsAt { throw FileError(path: "x", problem: "full") }
    }
    func finish() throws {
        counts.withLock { $0.finished += 1 }
        if failsAt == 0 { throw FileError(path: "x", problem: "full") }
    }
}

@Suite struct TrackerGroupTests {
    @Test func aTrackerThatFailsAfterTheStartIsReportedOnceAndLeftOut() throws {
        let reports = Recorder()
        let (bad, good) = (FailingTracker(failsAt: 3), FailingTracker(failsAt: .max))
        let group = TrackerGroup([bad, good], report: { reports.take($0) })
        try group.track(.started(Samples.info()))
        for step in 1...5 { try group.track(Samples.step(step)) }
        group.finish()
        #expect(bad.tracked == 3)
        #expect(bad.finished == 0)
        #expect(good.tracked == 6)
        #expect(good.finished == 1)
        #expect(
            reports.pieces == [
                "warning: FailingTracker failed and is left out from now on: x: full"
            ])
        #expect(group.activeTrackers.count == 1)
    }

    @Test func failingToStartThrowsAndEndsTheOthers() throws {
        let lines = Recorder()
        let json = JSONLinesTracker(sink: { lines.take($0) })
        let never = FailingTracker(failsAt: .max)
        let group = TrackerGroup([json, FailingTracker(failsAt: 1), never], report: { _ in })
        #expect(throws: FileError.self) { try group.track(.started(Samples.info())) }
        #expect(never.tracked == 0)
        #expect(lines.pieces.count == 2)
        #expect(
            lines.pieces.last
                == "{\"event\":\"finished\",\"status\":\"failed\",\"seconds\":0.0,\"message\":\"x: full\"}\n"
        )
    }

    @Test func messagesBeforeTheStartThrowToo() {
        let group = TrackerGroup([FailingTracker(failsAt: 1)], report: { _ in })
        #expect(throws: FileError.self) {
            try group.track(.message(level: .info, text: "reading"))
        }
    }

    @Test func aFailureToFinishIsReported() throws {
        let reports = Recorder()
        let group = TrackerGroup([], report: { reports.take($0) })
        group.finish()
        let failing = TrackerGroup([FailingTracker(failsAt: 0)], report: { reports.take($0) })
        failing.finish()
        failing.finish()
        #expect(reports.pieces.count == 1)
    }
}

@Suite struct RunEventJSONTests {
    private func lines(_ events: [RunEvent]) throws -> [String] {
        let recorder = Recorder()
        let tracker = JSONLinesTracker(sink: { recorder.take($0) })
        for event in events { try tracker.track(event) }
        return recorder.pieces
    }

    @Test func everyEventIsOneObjectALine() throws {
        let lines = try lines([
            Samples.step(1),
            .epochFinished(epoch: 1, meanLoss: 0.5), .validation(epoch: 1, step: 82, loss: .nan),
            .evaluation(
                EvaluationMetrics(
                    phase: .after, epoch: 3, step: 246, dataset: "test", rows: 1379,
                    values: [("spearman", 0.75), ("pearson", -0.5)])),
            .checkpoint(step: 82, path: "a/b", bytes: 7), .modelSaved(path: "a/model"),
            .message(level: .warning, text: "two\nlines \"quoted\" \u{2028}"),
            .finished(status: .interrupted, seconds: 1.5, message: ""),
        ])
        #expect(
            lines == [
                "{\"event\":\"step\",\"step\":1,\"epoch\":1,\"loss\":0.25,\"mean_loss\":0.25,"
                    + "\"lr\":3e-05,\"grad_norm\":1.5,\"rows\":16,\"tokens\":512,\"truncated\":1,"
                    + "\"seconds\":0.5}\n",
                "{\"event\":\"epoch\",\"epoch\":1,\"mean_loss\":0.5}\n",
                "{\"event\":\"validation\",\"epoch\":1,\"step\":82,\"loss\":null}\n",
                "{\"event\":\"evaluation\",\"phase\":\"after\",\"epoch\":3,\"step\":246,"
                    + "\"dataset\":\"test\",\"rows\":1379,\"spearman\":0.75,\"pearson\":-0.5}\n",
                "{\"event\":\"checkpoint\",\"step\":82,\"path\":\"a/b\",\"bytes\":7}\n",
                "{\"event\":\"model_saved\",\"path\":\"a/model\"}\n",
                "{\"event\":\"message\",\"level\":\"warning\","
                    + "\"text\":\"two\\nlines \\\"quoted\\\" \\u2028\"}\n",
                "{\"event\":\"finished\",\"status\":\"interrupted\",\"seconds\":1.5,\"message\":\"\"}\n",
            ])
        for line in lines { _ = try JSON(parsing: Array(line.utf8)) }
    }

    @Test func theStartTellsEverything() throws {
        let line = try #require(try lines([.started(Samples.info(resumedFromStep: 5))]).first)
        let json = try JSON(parsing: Array(line.utf8))
        #expect(
            json.members?.map(\.key) == [
                "event", "id", "name", "directory", "model", "dataset", "record_kind", "strategy",
                "loss", "train_rows", "validation_rows", "test_rows", "batch_size", "lr", "seed",
                "epochs", "steps_per_epoch", "total_steps", "resumed_from_step", "parameters",
                "trainable", "threads", "device", "configuration", "environment",
            ])
        #expect(json["lr"]?.double == 0.0001)
        #expect(json["resumed_from_step"]?.int == 5)
        #expect(json["configuration"]?["optimizer"]?["weight_decay"]?.double == 0.001)
    }

    @Test func compactTextReadsBack() throws {
        let value: JSON = ["a": [1, [], [:], "x y, z: w"], "b": ["c": nil_]]
        #expect(value.compactText == "{\"a\":[1,[],{},\"x y, z: w\"],\"b\":{\"c\":null}}")
    }
    private let nil_ = JSON.null

    @Test func aMetricCannotTakeAFieldsName() async {
        await #expect(processExitsWith: .failure) {
            _ = EvaluationMetrics(
                phase: .before, epoch: 0, step: 0, dataset: "d", rows: 1, values: [("step", 1)])
        }
    }
}

@Suite struct StandardStreamTests {
    @Test func writesToTheProcessStreams() async throws {
        let result = try await #require(
            processExitsWith: .success,
            observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            try StandardStream.output.write("result é\n")
            StandardStream.error.writeLine("progress")
        }
        let (output, error) = (result.standardOutputContent, result.standardErrorContent)
        #expect(String(decoding: output, as: UTF8.self).contains("result é\n"))
        #expect(String(decoding: error, as: UTF8.self).contains("progress\n"))
    }
}
