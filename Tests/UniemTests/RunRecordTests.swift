import Checkpoints
import Embedders
import Files
import Layers
import Records
import RunStore
import TestSupport
import Tensors
import Testing
import Tracking
import Uniem

/// What a run leaves on disk and in the database.
@Suite struct RunRecordTests {
    private func settings(_ runs: String, id: String? = nil) -> TrainingConfiguration {
        quietConfiguration(batchSize: 8) {
            $0.runsDirectory = runs
            $0.runID = id
            $0.epochs = 2
        }
    }

    private func details(_ runs: String, _ id: String) throws -> RunDetails {
        let database = try RunDatabase(path: runs + "/runs.sqlite", createIfMissing: false)
        defer { try? database.close() }
        return try database.details(id)
    }

    @Test func finished() throws {
        try withFolder { folder in
            let runs = folder + "/Runs"
            let result = try train(
                scoredPairs(20), settings(runs), validation: scoredPairs(8), test: scoredPairs(12))
            let id = result.outcome.runID
            #expect(result.outcome.status == .finished)
            #expect(try FileBytes.names(in: runs).filter { !$0.hasPrefix("runs.sqlite") } == [id])
            let path = runs + "/" + id
            #expect(
                try FileBytes.names(in: path) == [
                    "checkpoints", "data", "evaluations", "history.jsonl", "lock", "model",
                    "result.json", "run.json",
                ])
            try checkRunJSON(path + "/run.json", id)
            // The checkpoint.
            let checkpoint = path + "/checkpoints/step-000006"
            #expect(result.outcome.checkpointPath == checkpoint)
            try Manifest.verify(checkpoint)
            let state = try JSON(contentsOf: checkpoint + "/state.json")
            #expect(state["step"]?.int == 6 && state["epoch"]?.int == 3)
            #expect(state["batches_done"]?.int == 0)
            let weights = try SafetensorsFile(path: checkpoint + "/model.safetensors")
            let store = result.outcome.embedder.store
            #expect(weights.entries.map(\.name) == store.parameters.map(\.name))
            for parameter in store.parameters {
                let saved = try #require(try weights.tensor(named: parameter.name))
                #expect(saved.bits == parameter.value.bits)
            }
            // The pooler has no gradient and so no moments.
            let optimizer = try SafetensorsFile(path: checkpoint + "/optimizer.safetensors")
            #expect(optimizer.entries.count == 3 * (store.parameters.count - 2))
            // The model.
            #expect(result.outcome.modelPath == path + "/model")
            let model = try Embedder.load(path + "/model")
            let texts = ["a man", "一个", "guitar"]
            #expect(
                model.embeddings(of: texts, threads: 1).bits
                    == result.outcome.embedder.embeddings(of: texts, threads: 1).bits)
            try checkDatabase(details(runs, id), result)
        }
    }

    private func checkRunJSON(_ path: String, _ id: String) throws {
        let json = try JSON(contentsOf: path)
        #expect(json["id"]?.string == id && json["version"]?.int == 2)
        #expect(json["model"]?.string == FileBytes.absolute(tinyModel))
        #expect(json["resolved"]?["batch_size"]?.int == 8)
        #expect(json["configuration"]?["seed"]?.int == 42)
        #expect(json["resolved"]?["total_steps"]?.int == 6)
        let train = try #require(json["data"]?["train"]?.array)
        #expect(train.count == 1 && train[0]["rows"]?.int == 20)
        #expect(train[0]["fingerprint"]?.string == scoredPairs(20).fingerprintText)
        let copy = try Dataset.load(
            try #require(FileBytes.parent(of: path)) + "/data/train-0.jsonl")
        #expect(copy.records == scoredPairs(20).records)
        #expect(json["data"]?["test"]?["rows"]?.int == 12)
        #expect(json["environment"]?["uniem"]?.string == uniemVersion)
    }

    private func checkDatabase(_ details: RunDetails, _ result: RunResult) throws {
        #expect(details.run.state == .finished && details.run.message.isEmpty)
        #expect(details.run.recordKind == "scoredPair" && details.run.loss == "cosent")
        #expect(details.run.totalSteps == 6 && details.run.steps == 6)
        #expect(
            details.run.savedModel == FileBytes.absolute(try #require(result.outcome.modelPath)))
        #expect(details.metrics.map(\.step) == Array(1...6))
        #expect(details.metrics.map(\.loss) == result.log.steps.map(\.loss))
        #expect(details.metrics.map(\.gradientNorm) == result.log.steps.map(\.gradientNorm))
        #expect(details.checkpoints.map(\.step) == [3, 6])
        let names = ["pearson", "rows", "spearman"]
        for (phase, step, values) in [
            ("before", 0, result.outcome.before), ("after", 6, result.outcome.after),
        ] {
            let rows = details.evaluations.filter { $0.phase == phase }
            #expect(rows.map(\.name) == names + names && rows.allSatisfy { $0.step == step })
            #expect(
                rows.map(\.dataset) == names.map { _ in "test" } + names.map { _ in "validation" })
            for (name, value) in values {
                #expect(rows.first { $0.name == name && $0.dataset == "test" }?.value == value)
            }
        }
        let epochs = details.evaluations.filter { $0.phase == "epoch" }
        #expect(
            epochs.filter { $0.name == "loss" }.map(\.dataset)
                == ["train", "validation", "train", "validation"])
        #expect(epochs.filter { $0.name == "spearman" }.map(\.step) == [3, 6])
    }

    @Test func interrupted() throws {
        try withFolder { folder in
            let stop = StopRequest()
            let log = EventRecorder {
                if case .step(let step) = $0, step.step == 4 { stop.raise() }
            }
            let result = try train(
                pairs(24), settings(folder, id: "a"), test: pairs(8), stop: stop, log: log)
            #expect(result.outcome.status == .interrupted && result.outcome.modelPath == nil)
            #expect(result.outcome.before.isEmpty && result.outcome.after.isEmpty)
            #expect(result.log.steps.count == 4)
            #expect(
                try FileBytes.names(in: folder + "/a") == [
                    "checkpoints", "data", "evaluations", "history.jsonl", "lock", "run.json",
                    "start",
                ])
            let checkpoint = folder + "/a/checkpoints/step-000004"
            #expect(result.outcome.checkpointPath == checkpoint)
            try Manifest.verify(checkpoint)
            // The start has its hashes by then, though no step waited for them.
            let start = folder + "/a/start"
            let files = try JSON(contentsOf: start + "/manifest.json")["files"]?.members ?? []
            #expect(files.contains { $0.key == "model.safetensors" })
            for (name, file) in files {
                #expect(try file["sha256"]?.string == Manifest.sha256(start + "/" + name))
            }
            let state = try JSON(contentsOf: checkpoint + "/state.json")
            #expect(state["epoch"]?.int == 2 && state["batches_done"]?.int == 1)
            let details = try details(folder, "a")
            #expect(details.run.state == .interrupted && details.metrics.count == 4)
            #expect(details.run.savedModel == nil)
        }
    }

    /// Raised before the first step: still a checkpoint, of the weights as they came.
    @Test func interruptedAtOnce() throws {
        try withFolder { folder in
            let stop = StopRequest()
            stop.raise()
            #expect(stop.isRaised)
            let result = try train(pairs(8), settings(folder, id: "a"), stop: stop)
            #expect(result.outcome.status == .interrupted && result.log.steps.isEmpty)
            try Manifest.verify(folder + "/a/checkpoints/step-000000")
        }
    }

    @Test func failed() throws {
        try withFolder { folder in
            var configuration = settings(folder, id: "a")
            configuration.learningRate = 1e38
            let log = EventRecorder()
            let error = try #require(
                trainingError { _ = try train(pairs(32), configuration, log: log) })
            guard case .notFinite = error else {
                Issue.record("\(error)")
                return
            }
            let details = try details(folder, "a")
            #expect(details.run.state == .failed && details.run.message == "\(error)")
            #expect(details.metrics.count == log.steps.count && !log.steps.isEmpty)
            guard case .finished(.failed, _, let message) = log.events.last else {
                Issue.record("the last event is \(String(describing: log.events.last))")
                return
            }
            #expect(message == "\(error)")
            #expect(!FileBytes.exists(folder + "/a/model"))
        }
    }

    @Test func aRunIsNotOverwritten() throws {
        try withFolder { folder in
            let first = try train(pairs(16), settings(folder, id: "a"))
            let before = try FileBytes.read(folder + "/a/run.json")
            let error = try #require(
                trainingError { _ = try train(pairs(8), settings(folder, id: "a")) })
            #expect(error.description.contains("run a is recorded"), "\(error)")
            // The same name in another folder would take over the entry of the first; another name its folder.
            for (id, output) in [("a", folder + "/elsewhere"), ("b", folder + "/a")] {
                var configuration = settings(folder, id: id)
                configuration.outputDirectory = output
                #expect(throws: (any Error).self) { _ = try train(pairs(8), configuration) }
            }
            #expect(!FileBytes.exists(folder + "/elsewhere"))
            let database = try RunDatabase(path: folder + "/runs.sqlite")
            #expect(try database.runs().map(\.id) == ["a"])
            #expect(try FileBytes.read(folder + "/a/run.json") == before)
            let details = try details(folder, "a")
            #expect(details.run.state == .finished)
            #expect(details.metrics.count == first.log.steps.count)
            try Manifest.verify(folder + "/a/checkpoints/step-000004")
        }
    }

    @Test func placesThatCannotBeWritten() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("x", to: folder + "/file")
            // The folder of the run: nothing is recorded that never began.
            var configuration = settings(folder + "/Runs", id: "a")
            configuration.outputDirectory = folder + "/file/run"
            let output = try #require(fileError { _ = try train(pairs(8), configuration) })
            #expect(output.path.hasPrefix(folder + "/file"), "\(output)")
            let database = try RunDatabase(path: folder + "/Runs/runs.sqlite")
            #expect(try database.runs().isEmpty)
            // The home of the runs, and its database.
            let home = try #require(
                fileError { _ = try train(pairs(8), settings(folder + "/file/Runs")) })
            #expect(home.path.hasPrefix(folder + "/file"), "\(home)")
            try FileBytes.makeFolder(folder + "/odd/runs.sqlite")
            let index = try #require(
                fileError { _ = try train(pairs(8), settings(folder + "/odd")) })
            #expect(index.path == folder + "/odd/runs.sqlite", "\(index)")
            #expect(try FileBytes.names(in: folder + "/odd") == ["runs.sqlite"])
        }
    }

    /// The model cannot be written because a file stands in its place: the run has failed, its checkpoint is there.
    @Test func savingFails() throws {
        try withFolder { folder in
            try FileBytes.makeFolder(folder + "/a")
            try FileBytes.writeAtomically("mine", to: folder + "/a/model")
            let error = try #require(
                fileError { _ = try train(pairs(8), settings(folder, id: "a")) })
            #expect(error.path == folder + "/a/model")
            #expect(try FileBytes.readText(folder + "/a/model") == "mine")
            let details = try details(folder, "a")
            #expect(details.run.state == .failed && details.checkpoints.count == 2)
            #expect(details.run.message.contains("model"))
        }
    }

    @Test func otherPlaces() throws {
        try withFolder { folder in
            // A folder of its own, with the entry in the index of the home.
            var configuration = settings(folder + "/Runs", id: "a")
            configuration.outputDirectory = folder + "/elsewhere/run"
            let result = try train(pairs(8), configuration)
            #expect(result.outcome.modelPath == folder + "/elsewhere/run/model")
            #expect(!FileBytes.exists(folder + "/Runs/a"))
            #expect(
                try details(folder + "/Runs", "a").run.directory
                    == FileBytes.absolute(folder + "/elsewhere/run"))
            // A folder and no index.
            configuration.runsDirectory = nil
            configuration.outputDirectory = folder + "/alone"
            let alone = try train(pairs(8), configuration)
            #expect(alone.outcome.modelPath == folder + "/alone/model")
            // Nothing at all.
            let names = try FileBytes.names(in: folder)
            let nothing = try train(pairs(8), quietConfiguration())
            #expect(nothing.outcome.modelPath == nil && nothing.outcome.checkpointPath == nil)
            #expect(nothing.outcome.status == .finished)
            #expect(try FileBytes.names(in: folder) == names)
        }
    }

    @Test(arguments: ["", "a/b", ".", "..", "../x"])
    func badIdentities(_ id: String) throws {
        try withFolder { folder in
            let error = try #require(
                trainingError { _ = try train(pairs(8), settings(folder + "/Runs", id: id)) })
            #expect(error.description.contains("run id"))
        }
    }
}
