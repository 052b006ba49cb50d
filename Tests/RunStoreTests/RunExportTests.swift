import Files
import RunStore
import Testing
import Tracking

@Suite struct RunExportTests {
    private let folder: TemporaryFolder
    private let database: RunDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        let weight = WeightInfo(
            name: "w", shape: [2, 3], training: 6, learningRate: 0.5, weightDecay: 0)
        try tracker.track(
            .started(Samples.info("a", configuration: ["x": ["y": 1]], weights: [weight])))
        try tracker.track(
            .data(
                TrainingRows(
                    dataset: 0, name: "d", fingerprint: "f", recordKind: "scored_pair",
                    columns: [
                        ["plain", "with, comma", "a \"quote\""], ["", "two\r\nlines", "é 文"],
                    ],
                    labels: [1, 0.1, .nan])))
        try tracker.track(Samples.step(1, loss: .infinity))
        try tracker.track(
            .examples(
                step: 1, epoch: 1,
                [ExampleEvidence(dataset: 0, row: 2, loss: 0.1, similarity: -0.25)]))
        try tracker.finish()
        try Samples.record(Samples.info("b"), in: database)
    }

    private func export(_ run: String, _ body: (RunExport) throws -> Void) throws -> String {
        var text = ""
        try body(RunExport(database, run: run) { text += $0 })
        return text
    }

    @Test func tablesAsCSV() throws {
        #expect(
            try export("a") { try $0.csv(.examples) }
                == "run,dataset,row,text1,text2,text3,label\r\n" + "a,0,0,plain,\"\",,1.0\r\n"
                + "a,0,1,\"with, comma\",\"two\r\nlines\",,0.1\r\n"
                + "a,0,2,\"a \"\"quote\"\"\",é 文,,\r\n")
        #expect(
            try export("a") { try $0.csv(.metrics) }
                == "run,step,epoch,loss,mean_loss,learning_rate,gradient_norm,rows,tokens,truncated,"
                + "seconds\r\na,1,1,inf,inf,0.0001,,16,400,1,0.5\r\n")
        #expect(
            try export("a") { try $0.csv(.evidence) }
                == "run,epoch,dataset,row,step,loss,similarity,rank,closer_negatives,"
                + "closest_negative,truncated_tokens\r\na,1,0,2,1,0.1,-0.25,,0,,0\r\n")
        #expect(
            try export("a") { try $0.csv(.weights) }
                == "run,name,shape,count,training,learning_rate,weight_decay\r\n"
                + "a,w,\"[2, 3]\",6,6,0.5,0.0\r\n")
        // An empty table has its heading.
        #expect(
            try export("a") { try $0.csv(.checkpoints) } == "run,step,path,bytes,written_at\r\n")
        for table in RunExport.Table.allCases {
            let text = try export("b") { try $0.csv(table) }
            #expect(text.hasSuffix("\r\n"))
        }
    }

    @Test func everythingAsJSON() throws {
        let json = try JSON(parsing: Array(try export("a") { try $0.json() }.utf8))
        let tables = RunExport.Table.allCases.map(\.rawValue).filter { $0 != "runs" }
        #expect(json.members?.map(\.key) == ["run"] + tables)
        #expect(json["run"]?["id"]?.string == "a")
        #expect(json["run"]?["configuration"]?["x"]?["y"]?.int == 1)
        #expect(json["weights"]?.array?.first?["shape"]?.array?.map(\.int) == [2, 3])
        #expect(json["metrics"]?.array?.first?["loss"]?.isNull == true)
        #expect(json["examples"]?.array?[1]["text2"]?.string == "two\r\nlines")
        #expect(json["examples"]?.array?[0]["text3"]?.isNull == true)
        #expect(
            json["evidence"]?.array?.first?.members?.map(\.key).contains("run") == false)
        #expect(json["checkpoints"]?.array?.isEmpty == true)
        let other = try JSON(parsing: Array(try export("b") { try $0.json() }.utf8))
        #expect(other["metrics"]?.array?.count == 20 && other["evidence"]?.array?.isEmpty == true)
    }

    @Test func manyRowsComeInPieces() throws {
        let tracker = SQLiteTracker(database: database, runID: "c")
        try tracker.track(.started(Samples.info("c")))
        for step in 1...5000 { try tracker.track(Samples.step(step)) }
        try tracker.finish()
        var (pieces, lines) = (0, 0)
        try RunExport(database, run: "c") {
            pieces += 1
            lines += $0.utf8.count { $0 == 0x0A }
        }.csv(.metrics)
        #expect(lines == 5001 && pieces > 2)
        struct Full: Error {}
        #expect(throws: Full.self) {
            try RunExport(database, run: "c") { _ in throw Full() }.json()
        }
        #expect(throws: RunStoreError.self) { _ = try RunExport(database, run: "d") { _ in } }
    }
}
