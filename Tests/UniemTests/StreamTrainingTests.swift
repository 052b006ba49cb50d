import Embedders
import Files
import Records
import TestSupport
import Testing
import Tracking
import Uniem

/// Training on records that are read as they are needed.
@Suite struct StreamTrainingTests {
    /// The data set and the same rows in a file.
    private func withFile(
        _ rows: Int, _ body: (_ dataset: Dataset, _ path: String) throws -> Void
    ) throws {
        let dataset = scoredPairs(rows)
        try withFolder { folder in
            let path = folder + "/rows.jsonl"
            let lines = (0..<rows).map { row -> String in
                let record = dataset.records[row]
                let json: JSON = [
                    "sentence1": .string(record.texts[0]), "sentence2": .string(record.texts[1]),
                    "label": .double(record.label ?? 0),
                ]
                return json.text() + "\n"
            }
            try FileBytes.writeAtomically(lines.joined(), to: path)
            try body(dataset, path)
        }
    }

    private func train(
        _ stream: RecordStream, _ configuration: TrainingConfiguration,
        log: EventRecorder = EventRecorder()
    ) throws -> RunResult {
        let tuner = try FineTuner.fromPretrained(tinyModel, stream: stream)
        return RunResult(outcome: try tuner.run(configuration, trackers: [log]), log: log)
    }

    /// In the order of the file a stream trains to the bits that the rows in memory train to.
    @Test(arguments: [(false, nil), (true, nil), (false, 7)] as [(Bool, Int?)])
    func sameBitsAsInMemory(_ dropLast: Bool, _ maxSteps: Int?) throws {
        try withFile(45) { dataset, path in
            let configuration = quietConfiguration {
                $0.epochs = 2
                $0.shuffle = false
                $0.dropLast = dropLast
                $0.maxSteps = maxSteps
                $0.warmup = 0.3
            }
            let memory = try UniemTests.train(dataset, configuration)
            let stream = try train(try RecordStream(path), configuration)
            #expect(stream.log.steps.map(\.loss) == memory.log.steps.map(\.loss))
            #expect(
                stream.log.steps.map(\.learningRate) == memory.log.steps.map(\.learningRate))
            #expect(stream.weights == memory.weights)
        }
    }

    /// A buffer shuffles anew in each epoch, the same way for the same seed.
    @Test func shuffledInABuffer() throws {
        try withFile(40) { _, path in
            func losses(_ seed: UInt64) throws -> [Double] {
                let configuration = quietConfiguration {
                    $0.epochs = 2
                    $0.learningRate = 0
                    $0.shuffleBuffer = 16
                    $0.seed = seed
                }
                return try train(try RecordStream(path), configuration).log.steps.map(\.loss)
            }
            let first = try losses(1)
            #expect(first.count == 10)
            #expect(try losses(1) == first)
            #expect(try losses(2) != first)
            #expect(first[..<5] != first[5...])
        }
    }

    /// Without a number of steps the rows are counted, so that a warm-up by share has its length.
    @Test func steps() throws {
        try withFile(45) { _, path in
            let stream = try RecordStream(path)
            for (maxSteps, perEpoch, total, rows) in [(nil, 6, 12, 45), (4, 0, 4, 0)] {
                let log = EventRecorder()
                _ = try train(
                    stream,
                    quietConfiguration {
                        $0.epochs = 2
                        $0.maxSteps = maxSteps
                    }, log: log)
                let info = log.events.compactMap {
                    if case .started(let info) = $0 { info } else { nil }
                }.first
                #expect(info?.stepsPerEpoch == perEpoch && info?.totalSteps == total)
                #expect(info?.trainRows == rows && log.steps.count == total)
            }
        }
    }

    /// A bad row ends the run with its line; the steps before it were made.
    @Test func badRow() throws {
        try withFile(30) { _, path in
            try FileBytes.writeAtomically(
                try FileBytes.readText(path) + #"{"sentence1": "a", "sentence2": "b"}"# + "\n",
                to: path)
            let log = EventRecorder()
            #expect {
                _ = try train(
                    try RecordStream(path), quietConfiguration { $0.shuffle = false }, log: log)
            } throws: { error in
                (error as? FileError)?.line == 31 && "\(error)".contains("label")
            }
            #expect(log.steps.count == 3)
        }
    }

    @Test func recordOfTheRun() throws {
        try withFile(20) { _, path in
            try withFolder { folder in
                let tuner = try FineTuner.fromPretrained(
                    tinyModel, stream: try RecordStream(path))
                var configuration = quietConfiguration()
                configuration.runsDirectory = folder + "/Runs"
                let outcome = try tuner.run(configuration, trackers: [])
                let json = try JSON(
                    contentsOf: folder + "/Runs/\(outcome.runID)/run.json")["data"]?["train"]?
                    .array?.first
                #expect(json?["stream"]?["files"]?.array?.count == 1 && json?["rows"]?.int == 20)
                #expect(
                    json?["fingerprint"]?.string
                        == (try RecordStream(FileBytes.absolute(path)).quickFingerprintText()))
            }
        }
    }
}

@Suite struct PretrainedTests {
    @Test func splitsOfADictionary() throws {
        let data: DatasetDictionary = [
            "train": pairs(24), "dev": pairs(8), "test": pairs(9), "other": pairs(3),
        ]
        let tuner = try FineTuner.fromPretrained(tinyModel, dataset: data)
        #expect(tuner.validation?.count == 8 && tuner.test?.count == 9)
        let log = EventRecorder()
        _ = try tuner.run(quietConfiguration(), trackers: [log])
        #expect(log.steps.count == 3)
        #expect(
            log.evaluations.map { "\($0.phase.rawValue) \($0.dataset)" } == [
                "before validation", "before test", "epoch validation", "after validation",
                "after test",
            ])
        #expect(throws: TrainingError.self) {
            _ = try FineTuner.fromPretrained(tinyModel, dataset: ["test": pairs(3)])
        }
    }

    @Test(arguments: [
        ("sentence-transformers/all-MiniLM-L6-v2", ModelType.sentenceTransformers),
        ("shibing624/text2vec-base-chinese", .text2vec), ("moka-ai/m3e-small", .m3e),
        ("my-m3e-text2vec", .text2vec), ("sentence-transformers-m3e", .sentenceTransformers),
        ("bert-base-chinese", .huggingface),
    ]) func modelTypes(_ name: String, _ type: ModelType) {
        #expect(ModelType.inferred(from: name) == type)
    }

    @Test func modelTypeDecidesWhatIsRead() throws {
        let folder = GoldenRoot.all[0].folder + "/../modules/dense"
        let whole = try Embedder.load(folder, modelType: .sentenceTransformers)
        #expect(whole.head.count == 1)
        let plain = try Embedder.load(folder, modelType: .huggingface)
        #expect(plain.head.isEmpty && plain.poolings == [.lastMean] && plain.normalizes)
        #expect(throws: FileError.self) {
            _ = try Embedder.load(tinyModel, modelType: .sentenceTransformers)
        }
        #expect(throws: FileError.self) { _ = try Embedder.load(tinyModel, modelType: .m3e) }
        #expect(try Embedder.load(folder, modelType: .m3e).head.count == 1)
    }
}
