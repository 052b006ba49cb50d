import Files
import TestSupport
import Testing
import Tracking

@Suite struct ConsoleTrackerTests {
    @Test func aTerminalShowsOneBarAnEpoch() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, columns: 81, terminal: true)
        console.track(.started(Samples.info(epochs: 2, stepsPerEpoch: 4)))
        for epoch in 1...2 {
            for step in 1...4 {
                clock.advance(0.5)
                console.track(
                    Samples.step((epoch - 1) * 4 + step, epoch: epoch, loss: 1 / Double(step)))
            }
            console.track(.epochFinished(epoch: epoch, meanLoss: 0.25))
            console.track(.validation(epoch: epoch, step: epoch * 4, loss: 4.14015))
        }
        console.track(.finished(status: .finished, seconds: 4, message: ""))
        console.track(.modelSaved(path: "OUT/model"))
        console.finish()
        #expect(
            screen(recorder.text) == [
                "Batch size: 16", "Start with seed: 42",
                "Output dir: Runs/2026-11-23_184501_m3e-small_stsb_7f3a",
                "Learning rate: 0.0001", "Start training for 2 epochs",
                "Epoch 1/2 - loss: 0.2500: 100%|###################| 4/4 [00:02<00:00,  2.00it/s]",
                "Epoch 1 Validation loss: 4.1402",
                "Epoch 2/2 - loss: 0.2500: 100%|###################| 4/4 [00:02<00:00,  2.00it/s]",
                "Epoch 2 Validation loss: 4.1402", "Training finished",
                "Saving model to OUT/model", "",
            ])
        let third =
            "\rEpoch 1/2 - loss: 0.3333:  75%|##############2    | 3/4 [00:01<00:00,  2.00it/s]"
        #expect(recorder.pieces.contains(third))
    }

    @Test func theBarIsDrawnTenTimesASecondAtMost() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: true)
        console.track(.started(Samples.info(epochs: 1, stepsPerEpoch: 1000)))
        let before = recorder.pieces.count
        for step in 1...1000 {
            clock.advance(0.001)
            console.track(Samples.step(step))
        }
        let drawn = recorder.pieces.count - before
        #expect((9...11).contains(drawn))
        // The last state is drawn however soon it follows.
        console.finish()
        #expect(recorder.text.contains("1000/1000"))
        #expect(recorder.text.hasSuffix("\n"))
    }

    @Test func linesMoveTheBarDown() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: true)
        console.track(.started(Samples.info(epochs: 1, stepsPerEpoch: 10)))
        clock.advance(1)
        console.track(Samples.step(1))
        console.track(.checkpoint(step: 1, path: "R/step-000001", bytes: 12_345_678))
        console.track(.message(level: .warning, text: "3 texts were cut"))
        clock.advance(1)
        console.track(Samples.step(2))
        console.track(.finished(status: .interrupted, seconds: 2, message: "by the user"))
        let lines = screen(recorder.text)
        #expect(lines[5] == "Checkpoint at step 1: R/step-000001 (12.3 MB)")
        #expect(lines[6] == "warning: 3 texts were cut")
        #expect(lines[7].hasPrefix("Epoch 1/1 - loss: 0.2500:  20%|"))
        #expect(lines[8] == "Training interrupted after 00:02: by the user")
        #expect(lines.count == 10)
    }

    @Test func aNarrowTerminalGetsLinesThatFit() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, columns: 30, terminal: true)
        console.track(.started(Samples.info(epochs: 1, stepsPerEpoch: 10)))
        let before = recorder.pieces.count
        for step in 1...10 {
            clock.advance(1)
            console.track(Samples.step(step))
        }
        for piece in recorder.pieces[before...] { #expect(piece.unicodeScalars.count <= 30) }
    }

    @Test func aLogGetsALineEveryTenth() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: false)
        console.track(.started(Samples.info(epochs: 1, stepsPerEpoch: 200)))
        let before = recorder.pieces.count
        for step in 1...200 {
            clock.advance(0.03125)
            console.track(Samples.step(step))
        }
        console.track(.epochFinished(epoch: 1, meanLoss: 0.25))
        let lines = recorder.pieces[before...]
        #expect(lines.count == 10)
        #expect(lines.first == "Epoch 1/1 - loss: 0.2500:  10% 20/200 [00:00<00:05, 32.00it/s]\n")
        #expect(lines.last == "Epoch 1/1 - loss: 0.2500: 100% 200/200 [00:06<00:00, 32.00it/s]\n")
        #expect(!recorder.text.contains("\r"))
    }

    @Test func aSlowLogGetsALineEveryTenSeconds() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: false)
        console.track(.started(Samples.info(epochs: 1, stepsPerEpoch: 1000)))
        let before = recorder.pieces.count
        for step in 1...50 {
            clock.advance(1)
            console.track(Samples.step(step))
        }
        #expect(recorder.pieces.count - before == 5)
        // A run that stops in the middle says where.
        clock.advance(1)
        console.track(Samples.step(51))
        console.track(.finished(status: .failed, seconds: 3661, message: "no memory"))
        #expect(
            recorder.pieces.suffix(2) == [
                "Epoch 1/1 - loss: 0.2500:   5% 51/1000 [00:51<15:49,  1.00it/s]\n",
                "Training failed after 1:01:01: no memory\n",
            ])
    }

    @Test func aResumedRunStartsInTheMiddle() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: false)
        console.track(
            .started(
                Samples.info(epochs: 2, stepsPerEpoch: 10, totalSteps: 14, resumedFromStep: 12)))
        for step in 13...14 {
            clock.advance(2)
            console.track(Samples.step(step, epoch: 2))
        }
        // The second epoch ends at step 14, its fourth.
        #expect(
            recorder.pieces.suffix(3) == [
                "Resuming after step 12 of 14\n",
                "Epoch 2/2 - loss: 0.2500:  75% 3/4 [00:02<00:02,  2.00s/it]\n",
                "Epoch 2/2 - loss: 0.2500: 100% 4/4 [00:04<00:00,  2.00s/it]\n",
            ])
    }

    @Test func evaluationsAreNamed() {
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: false)
        console.track(
            .evaluation(
                EvaluationMetrics(
                    phase: .before, epoch: 0, step: 0, dataset: "test", rows: 1379,
                    values: [("spearman", 0.81234), ("pearson", .nan)])))
        #expect(
            recorder.text == "Before training test (1379 rows): spearman 0.8123, pearson nan\n")
    }

    @Test(
        .enabled(if: SharedReference.isAvailable),
        arguments: ["pair_default", "scored_validation", "shuffle", "save_checkpoints", "triplet"])
    func theLinesAreUniems(name: String) throws {
        let run = try JSON(
            contentsOf: try SharedReference.path("reference/training/\(name)/run.json"))
        let expected = try #require(run["stdout"]?.array).compactMap(\.string)
        let steps = try #require(run["steps"]?.array)
        let options = try #require(run["case"]?["run"])
        let optimizer = try #require(run["optimizer_steps"]?.array)
        let epochs = options["epochs"]?.int ?? 3
        let training = steps.filter { $0["train"]?.bool == true }
        let stepsPerEpoch = training.count / epochs
        var info = Samples.info(epochs: epochs, stepsPerEpoch: stepsPerEpoch)
        info.batchSize = try #require(options["batch_size"]?.int)
        info.seed = options["seed"]?.int ?? 42
        info.learningRate = try #require(
            options["lr"]?.double ?? optimizer.first?["lr"]?.double)
        info.directory = "OUTPUT_DIR"
        let (recorder, clock) = (Recorder(), HandClock())
        let console = Samples.console(recorder, clock, terminal: false)
        console.track(.started(info))
        var validation: [Double] = []
        var (step, epoch) = (0, 1)
        func endEpoch() {
            console.track(.epochFinished(epoch: epoch, meanLoss: 1))
            if !validation.isEmpty {
                let mean = validation.reduce(0, +) / Double(validation.count)
                console.track(.validation(epoch: epoch, step: step, loss: mean))
            }
            validation = []
            epoch += 1
        }
        for entry in steps {
            let loss = try #require(entry["loss_f32"]?.double)
            if entry["train"]?.bool == true {
                if step == epoch * stepsPerEpoch { endEpoch() }
                step += 1
                console.track(Samples.step(step, epoch: epoch, loss: loss))
            } else {
                validation.append(loss)
            }
        }
        endEpoch()
        console.track(.modelSaved(path: "OUTPUT_DIR/model"))
        console.track(.finished(status: .finished, seconds: 1, message: ""))
        let lines = recorder.pieces.map { String($0.dropLast()) }.filter {
            !$0.contains(" - loss: ")
        }
        #expect(lines == expected)
    }
}
