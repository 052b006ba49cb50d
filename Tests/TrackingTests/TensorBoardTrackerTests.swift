import Files
import TestSupport
import Testing
import Tracking

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite struct TensorBoardTrackerTests {
    private func tracker(
        _ folder: String, _ clock: HandClock = HandClock(),
        batching: TensorBoardTracker.Batching = .init()
    ) -> TensorBoardTracker {
        TensorBoardTracker(
            folder: folder, batching: batching,
            origin: TensorBoardTracker.Origin(host: "a/b c", pid: 7), now: { clock.now })
    }

    private func evaluation(
        _ phase: EvaluationMetrics.Phase, step: Int, _ values: [(name: String, value: Double)],
        gains: [MetricGain] = []
    ) -> RunEvent {
        .evaluation(
            EvaluationMetrics(
                phase: phase, epoch: 1, step: step, dataset: "test", rows: 5, values: values,
                gains: gains))
    }

    @Test func everyNumberIsThereAsFloat32() throws {
        try withFolder { folder in
            let tracker = tracker(folder + "/run")
            try tracker.track(.started(Samples.info()))
            try tracker.track(evaluation(.before, step: 0, [("spearman", 0.1), ("ndcg@10", .nan)]))
            try tracker.track(
                .step(
                    StepMetrics(
                        step: 1, epoch: 1, loss: 0.1, meanLoss: 1e300, learningRate: 3e-5,
                        gradientNorm: -.infinity, rows: 16, tokens: 123_456_789, truncatedTexts: 2,
                        seconds: 0.3)))
            try tracker.track(
                .step(
                    StepMetrics(
                        step: 2, epoch: 2, loss: .nan, meanLoss: 0, learningRate: 0, rows: 16,
                        tokens: 7, seconds: 0)))
            try tracker.track(.epochFinished(epoch: 1, meanLoss: 0.7))
            try tracker.track(.validation(epoch: 1, step: 2, loss: 1.0 / 3))
            let gain = MetricGain(name: "spearman", difference: 0.1, low: -0.2, high: 0.4)
            try tracker.track(evaluation(.epoch, step: 2, [("spearman", 0.2)], gains: [gain]))
            try tracker.track(evaluation(.after, step: 2, [("spearman", 0.2)], gains: [gain]))
            try tracker.finish()

            let file = try #require(try TensorBoardFile.all(in: folder + "/run").first)
            typealias Point = TensorBoardFile.Point
            func one(_ step: Int, _ value: Double) -> [Point] {
                [Point(step: step, value: Float(value))]
            }
            #expect(try file.scalars("train/loss").first == one(1, 0.1).first)
            #expect(try file.scalars("train/loss").last?.value.isNaN == true)
            #expect(try file.scalars("train/mean_loss") == one(1, .infinity) + one(2, 0))
            #expect(try file.scalars("train/learning_rate") == one(1, 3e-5) + one(2, 0))
            #expect(try file.scalars("train/grad_norm") == one(1, -.infinity))
            #expect(try file.scalars("train/tokens") == one(1, 123_456_789) + one(2, 7))
            #expect(try file.scalars("train/tokens_per_second") == one(1, 123_456_789 / 0.3))
            #expect(try file.scalars("train/truncated_texts") == one(1, 2) + one(2, 0))
            #expect(try file.scalars("train/epoch") == one(1, 1) + one(2, 2))
            #expect(try file.scalars("train/epoch_loss") == one(2, 0.7))
            #expect(try file.scalars("validation/loss") == one(2, 1.0 / 3))
            // The evaluation after the last epoch is not told twice.
            #expect(try file.scalars("test/spearman") == one(0, 0.1) + one(2, 0.2))
            #expect(try file.scalars("test/ndcg@10").map(\.value.isNaN) == [true])
            #expect(try file.scalars("test/spearman_gain") == one(2, 0.1))
            #expect(try file.scalars("test/spearman_gain_low") == one(2, -0.2))
            #expect(try file.scalars("test/spearman_gain_high") == one(2, 0.4))
            // The first value of a series says what it is, for the part of TensorBoard named scalars.
            let metadata = try file.values().filter { $0.tag == "train/loss" }.map {
                try $0.value.message(9)
            }
            #expect(try metadata.map { try $0?.message(1)?.text(1) } == ["scalars", nil])
            #expect(metadata.first??.int(4) == 1)
        }
    }

    @Test func settingsAreHyperParametersAndATable() throws {
        try withFolder { folder in
            let tracker = tracker(folder)
            var info = Samples.info()
            info.configuration = [
                "batch_size": "auto", "weight_decay": 0.001, "shuffle": false, "prompt": .null,
                "big": .number("18446744073709551615"), "huge": .number("1e999"),
                "strategy": ["name": "bitfit", "keywords": ["a|b", "c`"], "none": [:]],
            ]
            try tracker.track(.started(info))
            try tracker.finish()
            let file = try #require(try TensorBoardFile.all(in: folder).first)
            let content = try #require(
                try file.pluginContent("_hparams_/session_start_info")?.message(3))
            #expect(content.double(5) == 1000)
            var settings: [String: String] = [:]
            for entry in try content.messages(1) {
                let value = try #require(try entry.message(2))
                let text =
                    try value.double(2).map { "\($0)" } ?? value.text(3)
                    ?? value.int(4).map { $0 == 1 ? "true" : "false" }
                settings[try entry.text(1) ?? ""] = text ?? "?"
            }
            #expect(settings["batch_size"] == "16.0")
            #expect(settings["learning_rate"] == "0.0001")
            #expect(settings["model"] == "moka-ai/m3e-small")
            #expect(settings["strategy"] == "full")
            #expect(settings["validation_rows"] == "100.0")
            #expect(settings["test_rows"] == "0.0")
            #expect(settings["weight_decay"] == "0.001")
            #expect(settings["shuffle"] == "false")
            #expect(settings["prompt"] == nil)
            #expect(settings["big"] == "18446744073709551615")
            #expect(settings["huge"] == "1e999")
            #expect(settings["strategy.name"] == "bitfit")
            #expect(settings["strategy.keywords"] == "[\"a|b\", \"c`\"]")
            #expect(settings["strategy.none"] == "{}")
            #expect(settings.count == 17 + 7)

            let table = try #require(try file.texts("configuration").first)
            #expect(table.step == 0)
            for row in [
                "| `batch_size` | `auto` |", "| `run.batch_size` | `16` |",
                "| `prompt` | `null` |", "| `run.name` | `first try` |",
                "| `strategy.keywords` | ``[\"a|b\", \"c`\"]`` |",
            ] { #expect(table.text.split(separator: "\n").contains(Substring(row)), "\(row)") }
            #expect(
                try file.texts("environment").first?.text
                    == "| environment | value |\n|---|---|\n| `swift` | `6.3` |\n")
        }
    }

    @Test func anUnknownEndIsLeftOut() throws {
        try withFolder { folder in
            let tracker = tracker(folder)
            try tracker.track(.started(Samples.info(totalSteps: .max)))
            try tracker.finish()
            let file = try #require(try TensorBoardFile.all(in: folder).first)
            #expect(try file.texts("messages").map(\.text) == ["```\nStarted\n```"])
            let content = try file.pluginContent("_hparams_/session_start_info")?.message(3)
            let names = try content?.messages(1).map { try $0.text(1) }
            #expect(names?.contains("total_steps") == false)
            #expect(names?.contains("epochs") == true)
        }
    }

    @Test func messagesOfAStepAreOneText() throws {
        try withFolder { folder in
            let clock = HandClock()
            let tracker = tracker(folder, clock)
            try tracker.track(.message(level: .info, text: "reading"))
            try tracker.track(.message(level: .warning, text: "odd\nrows ```"))
            try tracker.track(.started(Samples.info()))
            try tracker.track(.message(level: .error, text: "late"))
            try tracker.track(Samples.step(1))
            try tracker.track(.checkpoint(step: 1, path: "c/1", bytes: 1_500_000))
            try tracker.track(.modelSaved(path: "model"))
            try tracker.track(Samples.step(2))
            try tracker.track(.finished(status: .interrupted, seconds: 61, message: "on request"))
            try tracker.finish()
            let file = try #require(try TensorBoardFile.all(in: folder).first)
            let texts = try file.texts("messages")
            #expect(texts.map(\.step) == [0, 0, 1, 2])
            let start = "reading\nwarning: odd\nrows ```\nStarted: 246 steps in all"
            #expect(
                texts.map(\.text) == [
                    "````\n\(start)\n````", "````\n\(start)\nerror: late\n````",
                    "```\nCheckpoint at step 1: c/1 (1.5 MB)\nSaved model to model\n```",
                    "```\nTraining interrupted after 01:01: on request\n```",
                ])
            // It may be resumed, and TensorBoard would keep the first end.
            #expect(try file.pluginContent("_hparams_/session_end_info") == nil)
        }
    }

    @Test func endlessMessagesOfAStepStayBounded() throws {
        try withFolder { folder in
            let tracker = tracker(folder)
            try tracker.track(.started(Samples.info()))
            let line = String(repeating: "x", count: 1000)
            for number in 0..<5_000 {
                try tracker.track(.message(level: .info, text: "\(number) \(line)"))
            }
            try tracker.finish()
            let texts = try #require(try TensorBoardFile.all(in: folder).first).texts("messages")
            #expect(texts.allSatisfy { $0.text.utf8.count < 70_000 })
            #expect(texts.last?.text.hasPrefix("```\n...\n") == true)
            #expect(texts.last?.text.hasSuffix("\(line)\n```") == true)
            #expect(texts.last?.text.contains("4999 x") == true)
        }
    }

    @Test func eventsOfRowsAreLeftOut() throws {
        try withFolder { folder in
            let tracker = tracker(folder)
            try tracker.track(.started(Samples.info()))
            let path = try #require(tracker.path)
            let before = try FileBytes.read(path)
            try tracker.track(
                .data(
                    TrainingRows(
                        dataset: 0, name: "d", fingerprint: "f", recordKind: "pair",
                        columns: [["a"], ["b"]])))
            try tracker.track(
                .examples(
                    step: 1, epoch: 1,
                    [ExampleEvidence(dataset: 0, row: 0, loss: 1, similarity: 1)]))
            try tracker.finish()
            #expect(try FileBytes.read(path) == before)
        }
    }

    // MARK: When it is written

    @Test func stepsAreHeldBackUntilThereAreEnoughOrTimeHasPassed() throws {
        try withFolder { folder in
            let clock = HandClock()
            let tracker = tracker(folder, clock, batching: .init(events: 3, seconds: 2))
            try tracker.track(.started(Samples.info()))
            let path = try #require(tracker.path)
            func steps() throws -> Int {
                try TensorBoardFile(path).scalars("train/loss").count
            }
            try tracker.track(Samples.step(1))
            try tracker.track(Samples.step(2))
            #expect(try steps() == 0)
            try tracker.track(Samples.step(3))
            #expect(try steps() == 3)
            try tracker.track(Samples.step(4))
            clock.advance(1.9)
            try tracker.track(Samples.step(5))
            #expect(try steps() == 3)
            clock.advance(0.1)
            try tracker.track(Samples.step(6))
            #expect(try steps() == 6)
            try tracker.track(Samples.step(7))
            try tracker.flush()
            #expect(try steps() == 7)
            try tracker.track(Samples.step(8))
            try tracker.track(.validation(epoch: 1, step: 8, loss: 1))
            #expect(try steps() == 8)
            clock.advance(-100)
            try tracker.track(Samples.step(9))
            #expect(try steps() == 9)
            try tracker.track(Samples.step(10))
            try tracker.finish()
            try tracker.finish()
            #expect(try steps() == 10)
            #expect(tracker.path == nil)
        }
    }

    // MARK: Going on

    @Test func aResumedRunMakesEarlierStepsVoidFromANewFile() throws {
        try withFolder { folder in
            let clock = HandClock()
            let first = tracker(folder, clock)
            try first.track(.started(Samples.info()))
            for step in 1...15 { try first.track(Samples.step(step)) }
            try first.flush()
            // The clock stands still: the name of the next file must come later all the same.
            let second = tracker(folder, clock)
            try second.track(.started(Samples.info(resumedFromStep: 10)))
            for step in 11...12 { try second.track(Samples.step(step, loss: 0.5)) }
            try second.track(.finished(status: .finished, seconds: 1, message: ""))
            try second.finish()
            clock.advance(-500)
            let third = tracker(folder, clock)
            try third.track(.started(Samples.info()))
            try third.finish()

            #expect(
                try FileBytes.names(in: folder) == [
                    "events.out.tfevents.0000001000.a-b-c.7.0",
                    "events.out.tfevents.0000001001.a-b-c.7.1",
                    "events.out.tfevents.0000001002.a-b-c.7.2",
                ])
            let files = try TensorBoardFile.all(in: folder)
            // TensorBoard heeds the second and later starts only, so the first file needs one too.
            let starts = try files.map { file in
                #expect(try file.events.first?.text(3) == "brain.Event:2")
                let logs = try file.events.filter { try $0.message(7)?.int(1) == 1 }
                #expect(logs.count == 1)
                #expect(try file.events[1].message(7) != nil)
                return logs.first?.int(2) ?? 0
            }
            #expect(starts == [0, 11, 0])
            #expect(try files[1].scalars("train/loss").map(\.step) == [11, 12])
            #expect(try files[1].texts("configuration").map(\.step) == [11])
            #expect(try files[1].texts("messages").map(\.step) == [11, 12])
            #expect(
                try files[1].texts("messages").first?.text
                    == "```\nResumed after step 10: 246 steps in all\n```")
            let end = try files[1].pluginContent("_hparams_/session_end_info")?.message(4)
            #expect(end?.int(1) == 1)
        }
    }

    @Test func aTrackerMayTakeASecondRun() throws {
        try withFolder { folder in
            let tracker = tracker(folder)
            try tracker.track(.started(Samples.info()))
            try tracker.track(Samples.step(1))
            try tracker.track(.started(Samples.info()))
            try tracker.track(Samples.step(2))
            try tracker.finish()
            let files = try TensorBoardFile.all(in: folder)
            #expect(try files.map { try $0.scalars("train/loss").map(\.step) } == [[1], [2]])
        }
    }

    @Test func aFileOfTheLastSecondIsRefused() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("", to: folder + "/events.out.tfevents.9999999999.x")
            try FileBytes.writeAtomically("", to: folder + "/events.out.tfevents.x")
            let error = fileError { try tracker(folder).track(.started(Samples.info())) }
            #expect(error?.path == folder)
        }
    }

    @Test(arguments: [Double.nan, -.infinity, .infinity, -5, 1e300])
    func anyClockNamesAFile(time: Double) throws {
        try withFolder { folder in
            let tracker = TensorBoardTracker(folder: folder + "/", now: { time })
            try tracker.track(.started(Samples.info()))
            let path = try #require(tracker.path)
            #expect(path.hasPrefix(folder + "/events.out.tfevents.0000000000."))
            try tracker.finish()
        }
    }

    // MARK: Failures

    @Test func aFolderThatCannotBeMadeFailsTheStart() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("x", to: folder + "/file")
            let tracker = tracker(folder + "/file/run")
            try tracker.track(.message(level: .info, text: "early"))
            let error = fileError { try tracker.track(.started(Samples.info())) }
            #expect(error?.path == folder + "/file")
            #expect(tracker.path == nil)
            try tracker.finish()
        }
    }

    @Test func aDiskThatFillsUpIsReportedAndTheFileGivenUp() async throws {
        await #expect(processExitsWith: .success) {
            try withFolder { folder in
                let tracker = TensorBoardTracker(folder: folder)
                try tracker.track(.started(Samples.info()))
                let path = try #require(tracker.path)
                let size = try FileBytes.size(path)
                // No file may grow beyond that.
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit()
                limit.rlim_cur = rlim_t(size + 100)
                limit.rlim_max = limit.rlim_cur
                #if canImport(Glibc)
                    let set = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                #else
                    let set = unsafe setrlimit(RLIMIT_FSIZE, &limit)
                #endif
                #expect(set == 0)
                try tracker.track(Samples.step(1))
                let error = fileError { try tracker.flush() }
                #expect(error?.path == path)
                #expect(fileError { try tracker.track(Samples.step(2)) } == error)
                try tracker.finish()
                // The torn record is the last: nothing was written behind it.
                let bytes = try FileBytes.read(path)
                #expect(bytes.count == size + 100)
                _ = try TensorBoardFile(bytes: Array(bytes.prefix(size)))
                // Another run may begin where there is room: its file is a new one.
                try tracker.track(.started(Samples.info(epochs: 1)))
                #expect(tracker.path != path)
                try tracker.finish()
            }
        }
    }
}
