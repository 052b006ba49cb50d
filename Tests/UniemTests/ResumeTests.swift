import Checkpoints
import Embedders
import Files
import Layers
import Records
import RunStore
import TestSupport
import Testing
import Tracking
import Uniem

/// A run that is stopped anywhere and taken up again ends with the bits of one that was not.
@Suite struct ResumeTests {
    private func settings(
        _ runs: String, id: String, _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) -> TrainingConfiguration {
        quietConfiguration(batchSize: 8) {
            $0.runsDirectory = runs
            $0.runID = id
            $0.epochs = 2
            change(&$0)
        }
    }

    /// Ways to train that keep different things between steps.
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var change: @Sendable (inout TrainingConfiguration) -> Void
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "full") { _ in },
        Case(name: "file order") { $0.shuffle = false },
        Case(name: "torch's order, no duplicates, clipping") {
            $0.shuffleOrder = .torch
            $0.avoidsDuplicates = true
            $0.maxGradientNorm = 0.5
        },
        Case(name: "accumulation, cosine") {
            $0.gradientAccumulationSteps = 2
            $0.warmup = 0.3
        },
        Case(name: "GradCache, linear") {
            $0.chunkTokens = 40
            $0.schedule = .linear
            $0.warmup = 1
        },
        Case(name: "bfloat16") { $0.mixedPrecision = .bf16 },
        Case(name: "BitFit") { $0.strategy = .bitFit() },
        Case(name: "last layer, groups") {
            $0.strategy = .lastLayers(1)
            $0.parameterGroups = [ParameterGroup(pattern: "output", learningRate: 1e-4)]
        },
        Case(name: "prefix") {
            $0.strategy = .prefix(PrefixTraining(tokens: ["[Q1]", "[Q2]"]))
        },
        Case(name: "prefix with everything") {
            $0.strategy = .prefix(
                PrefixTraining(tokens: ["[Q1]"], prefix: "[Q1] q: ", trainsOnlyTokens: false))
        },
        Case(name: "LoRA") {
            $0.strategy = .lora(LoRA())
            $0.mergesAdapter = true
        },
        Case(name: "checkpoints often, one kept") {
            $0.checkpointSteps = 1
            $0.keptCheckpoints = 1
        },
    ]

    @Test("the same bits, wherever it is stopped", arguments: cases)
    func stopped(_ example: Case) throws {
        try withFolder { folder in
            let data = pairs(44)
            let whole = try train(
                data, settings(folder, id: "whole", example.change), validation: pairs(10))
            let total = whole.log.steps.count
            #expect(total >= 6)
            for stopAt in [1, total / 2, total - 1] {
                let id = "stopped-\(stopAt)"
                let stop = StopRequest()
                let log = EventRecorder {
                    if case .step(let step) = $0, step.step == stopAt { stop.raise() }
                }
                let part = try train(
                    data, settings(folder, id: id, example.change), validation: pairs(10),
                    stop: stop, log: log)
                #expect(part.outcome.status == .interrupted)
                #expect(part.log.steps.map(\.loss) == whole.log.steps.prefix(stopAt).map(\.loss))
                let rest = EventRecorder()
                let outcome = try FineTuner.resume(folder + "/" + id, trackers: [rest])
                #expect(outcome.status == .finished && !outcome.isOld)
                #expect(
                    rest.steps.map(\.loss) == whole.log.steps.dropFirst(stopAt).map(\.loss))
                #expect(
                    rest.steps.map(\.meanLoss)
                        == whole.log.steps.dropFirst(stopAt).map(\.meanLoss))
                #expect(
                    outcome.embedder.store.parameters.map { $0.value.bits } == whole.weights)
                try compareFolders(folder, "whole", id)
                try checkDatabase(folder, id, steps: total)
            }
        }
    }

    /// The saved models and the numbers before and after.
    private func compareFolders(_ runs: String, _ a: String, _ b: String) throws {
        let models = [a, b].map { runs + "/" + $0 + "/model" }
        for name in try FileBytes.names(in: models[0])
        where !FileBytes.isFolder(models[0] + "/" + name) {
            #expect(
                try FileBytes.read(models[0] + "/" + name)
                    == FileBytes.read(models[1] + "/" + name), "\(name)")
        }
        let results = try [a, b].map { try JSON(contentsOf: runs + "/\($0)/result.json").text() }
        #expect(results[0] == results[1])
        #expect(!FileBytes.exists(runs + "/" + b + "/start"))
    }

    private func checkDatabase(_ runs: String, _ id: String, steps: Int) throws {
        let database = try RunDatabase(path: runs + "/runs.sqlite", createIfMissing: false)
        defer { try? database.close() }
        let details = try database.details(id)
        #expect(details.run.state == .finished)
        #expect(details.metrics.map(\.step) == Array(1...steps))
        #expect(details.events.contains { $0.text.hasPrefix("resumed after step") })
        let first = try database.details("whole").evaluations
        #expect(details.evaluations == first)
        let history = try FileBytes.readText(runs + "/" + id + "/history.jsonl")
            .split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        #expect(
            history.filter { $0["event"]?.string == "step" }.compactMap { $0["step"]?.int }
                == Array(1...steps))
    }

    @Test("several data sets and a stream")
    func otherData() throws {
        try withFolder { folder in
            let embedder = { try Embedder.load(tinyModel) }
            try pairs(30).writeJSONLines(to: folder + "/stream.jsonl")
            let stream = try RecordStream(folder + "/stream.jsonl")
            for (name, sources) in [
                (
                    "several",
                    [
                        TrainingSource(.memory(pairs(20)), name: "a"),
                        TrainingSource(.memory(scoredPairs(28)), name: "b"),
                        TrainingSource(.memory(pairs(12)), name: "c", loss: .sigmoid),
                    ]
                ),
                ("stream", [TrainingSource(.stream(stream))]),
            ] {
                func run(_ id: String, stopAt: Int?) throws -> FineTuner.Outcome {
                    let stop = StopRequest()
                    let log = EventRecorder {
                        if case .step(let step) = $0, step.step == stopAt { stop.raise() }
                    }
                    return try FineTuner(embedder: embedder(), sources: sources).run(
                        settings(folder, id: name + id) { $0.dropLast = true }, trackers: [log],
                        stop: stop)
                }
                let whole = try run("-whole", stopAt: nil)
                #expect(try run("-part", stopAt: 3).status == .interrupted)
                let rest = try FineTuner.resume(folder + "/\(name)-part", trackers: [])
                #expect(
                    rest.embedder.store.parameters.map { $0.value.bits }
                        == whole.embedder.store.parameters.map { $0.value.bits }, "\(name)")
            }
        }
    }

    @Test("a run that was killed goes on from its last checkpoint; a torn one is passed over")
    func killed() throws {
        try withFolder { folder in
            let often: (inout TrainingConfiguration) -> Void = {
                $0.checkpointSteps = 2
                $0.keptCheckpoints = 9
            }
            let whole = try train(pairs(44), settings(folder, id: "whole", often))
            func interrupted(_ id: String) throws {
                let stop = StopRequest()
                let log = EventRecorder {
                    if case .step(let step) = $0, step.step == 5 { stop.raise() }
                }
                _ = try train(pairs(44), settings(folder, id: id, often), stop: stop, log: log)
                // As if the signal had been one that cannot be caught.
                try FileBytes.remove(folder + "/\(id)/checkpoints/step-000005")
            }
            for (id, damage) in [
                ("plain", nil), ("cut", { try cut($0 + "/model.safetensors") }),
                ("changed", { try flipBit($0 + "/optimizer.safetensors") }),
                ("missing", { try FileBytes.remove($0 + "/state.json") }),
                ("no manifest", { try FileBytes.remove($0 + "/manifest.json") }),
            ] as [(String, ((String) throws -> Void)?)] {
                try interrupted(id)
                let run = folder + "/" + id
                // What a killed process leaves.
                try FileBytes.makeFolder(run + "/checkpoints/step-000006.partial-77/x")
                try damage?(run + "/checkpoints/step-000004")
                let log = EventRecorder()
                let outcome = try FineTuner.resume(run, trackers: [log])
                #expect(log.steps.first?.step == (damage == nil ? 5 : 3), "\(id)")
                #expect(
                    log.warnings.contains { $0.contains("step 4 is not used") } == (damage != nil))
                #expect(
                    outcome.embedder.store.parameters.map { $0.value.bits } == whole.weights,
                    "\(id)")
                try checkDatabase(folder, id, steps: 12)
                #expect(
                    try FileBytes.names(in: run + "/checkpoints").allSatisfy {
                        !$0.contains("partial")
                    })
            }
        }
    }

    private func cut(_ path: String) throws {
        try FileBytes.writeAtomically(Array(FileBytes.read(path).dropLast(5)), to: path)
    }

    private func flipBit(_ path: String) throws {
        var bytes = try FileBytes.read(path)
        bytes[bytes.count - 9] ^= 1
        try FileBytes.writeAtomically(bytes, to: path)
    }

    @Test("before its first checkpoint a run begins anew, from its own folder")
    func noCheckpoint() throws {
        try withFolder { folder in
            let whole = try train(pairs(24), settings(folder, id: "whole"))
            let stop = StopRequest()
            stop.raise()
            _ = try train(pairs(24), settings(folder, id: "early"), stop: stop)
            try FileBytes.remove(folder + "/early/checkpoints")
            let outcome = try FineTuner.resume(folder + "/early", trackers: [])
            #expect(outcome.embedder.store.parameters.map { $0.value.bits } == whole.weights)
        }
    }

    @Test("a run that was moved brings its past along")
    func moved() throws {
        try withFolder { folder in
            let whole = try train(pairs(44), settings(folder + "/Runs", id: "whole"))
            let stop = StopRequest()
            let log = EventRecorder {
                if case .step(let step) = $0, step.step == 4 { stop.raise() }
            }
            _ = try train(
                pairs(44), settings(folder + "/Runs", id: "a"), stop: stop, log: log)
            try FileBytes.makeFolder(folder + "/elsewhere")
            try FileBytes.move(folder + "/Runs/a", to: folder + "/elsewhere/a")
            try FileBytes.move(folder + "/Runs", to: folder + "/gone")
            let outcome = try FineTuner.resume(folder + "/elsewhere/a", trackers: [])
            #expect(outcome.embedder.store.parameters.map { $0.value.bits } == whole.weights)
            #expect(outcome.modelPath == folder + "/elsewhere/a/model")
            // The old home is gone: there is a database beside the run, with all of its steps.
            let database = try RunDatabase(
                path: folder + "/elsewhere/runs.sqlite", createIfMissing: false)
            defer { try? database.close() }
            let details = try database.details("a")
            #expect(details.metrics.map(\.step) == Array(1...12))
            #expect(details.metrics.map(\.loss) == whole.log.steps.map(\.loss))
        }
    }

    @Test("a finished run is left as it is")
    func finished() throws {
        try withFolder { folder in
            let whole = try train(pairs(24), settings(folder, id: "a"), test: pairs(8))
            let log = EventRecorder()
            let again = try FineTuner.resume(folder + "/a", trackers: [log])
            #expect(again.isOld && again.status == .finished && log.events.isEmpty)
            #expect(again.after.map(\.value) == whole.outcome.after.map(\.value))
            #expect(again.before.map(\.name) == whole.outcome.before.map(\.name))
            #expect(again.embedder.store.parameters.map { $0.value.bits } == whole.weights)
        }
    }

    @Test("a process that was killed after its last file, before its last word")
    func lastWord() throws {
        try withFolder { folder in
            _ = try train(pairs(24), settings(folder, id: "a"))
            let database = try RunDatabase(path: folder + "/runs.sqlite")
            try FileBytes.makeFolder(folder + "/a/start")
            // The state in which such a process leaves the row: the end was not noted.
            try database.settleFinished("a")
            let before = try database.details("a").events.count
            #expect(try FineTuner.resume(folder + "/a", trackers: []).isOld)
            #expect(!FileBytes.exists(folder + "/a/start"))
            // Noted once.
            #expect(try database.details("a").events.count == before)
            #expect(try database.run("a").state == .finished)
            try database.settleFinished("unknown")
        }
    }

    @Test("two processes do not work in one folder")
    func locked() throws {
        try withFolder { folder in
            let run = folder + "/a"
            // Asked for from within the run.
            let log = EventRecorder { event in
                guard case .step(let step) = event, step.step == 2 else { return }
                do {
                    _ = try FineTuner.resume(run, trackers: [])
                    Issue.record("two at once")
                } catch {
                    #expect("\(error)".contains("another process is working on this run"))
                }
            }
            _ = try train(pairs(24), settings(folder, id: "a"), log: log)
            #expect(log.steps.count == 6)
        }
    }

    @Test("what would silently change the result is refused")
    func refused() throws {
        try withFolder { folder in
            func interrupted(_ id: String) throws -> String {
                let stop = StopRequest()
                let log = EventRecorder {
                    if case .step(let step) = $0, step.step == 2 { stop.raise() }
                }
                _ = try train(pairs(24), settings(folder, id: id), stop: stop, log: log)
                return folder + "/" + id
            }
            func problem(_ run: String) -> String {
                do {
                    _ = try FineTuner.resume(run, trackers: [])
                    Issue.record("\(run) went on")
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            let rows = try interrupted("rows") + "/data/train-0.jsonl"
            let text = try FileBytes.readText(rows)
            let lines = text.split(separator: "\n")
            try FileBytes.writeAtomically(
                (lines.dropFirst() + lines.prefix(1)).joined(separator: "\n"), to: rows)
            #expect(problem(folder + "/rows").contains("the data have changed"))
            try FileBytes.remove(rows)
            #expect(problem(folder + "/rows").contains("are missing"))
            try FileBytes.writeAtomically(text, to: rows)
            let start = try interrupted("start") + "/start/model.safetensors"
            try flipBit(start)
            #expect(problem(folder + "/start").contains("SHA-256"))
            try FileBytes.remove(folder + "/start/start")
            #expect(problem(folder + "/start").contains("started from is not there"))
            let file = try interrupted("settings") + "/run.json"
            let json = try FileBytes.readText(file)
            for (old, new, message) in [
                ("\"version\": 2", "\"version\": 3", "version 3"),
                ("\"seed\": 42", "\"seed\": \"x\"", "seed"), ("{", "[", "run.json"),
            ] {
                try FileBytes.writeAtomically(
                    json.replacing(old, with: new, maxReplacements: 1), to: file)
                #expect(problem(folder + "/settings").contains(message))
            }
            #expect(problem(folder + "/nowhere").contains("no such run"))
            try FileBytes.makeFolder(folder + "/empty")
            #expect(problem(folder + "/empty").contains("no run lives here"))
            // Put right, it goes on.
            try FileBytes.writeAtomically(json, to: file)
            #expect(try FineTuner.resume(folder + "/settings", trackers: []).status == .finished)
        }
    }
}
