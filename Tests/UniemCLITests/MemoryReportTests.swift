import Files
import TestSupport
import Testing
import Uniem

@testable import UniemCLI

@Suite("inspect --memory")
struct MemoryReportTests {
    private func report(
        datasets: [Dataset] = [], strategy: Strategy = .full, batchSize: Int? = nil,
        chunkTokens: Int? = nil, available: Int = 1 << 40
    ) throws -> MemoryReport {
        try MemoryReport(
            try Embedder.load(GoldenRoot.all[0].folder + "/models/bert-tiny"), name: "tiny",
            datasets: datasets, strategy: strategy, maxLength: 32, batchSize: batchSize,
            chunkTokens: chunkTokens, threads: 2,
            memory: ProcessMemory(available: available, resident: 0, limit: "in a test"))
    }

    private let parts = [
        "weights", "gradients", "moments", "activations", "work", "loss", "other",
    ]

    @Test("a row for each batch size, whose parts add up; larger batches take more")
    func table() throws {
        let report = try report()
        let json = report.json
        #expect(json["kind"]?.string == "memory" && json["name"]?.string == "tiny")
        #expect(json["threads"]?.int == 2 && json["max_length"]?.int == 32)
        let steps = try #require(json["steps"]?.array)
        #expect(steps.map { $0["batch_size"]?.int } == [1, 2, 4, 8, 16, 32, 64, 128, 256])
        var last = 0
        for step in steps {
            let sum = parts.reduce(0) { $0 + (step[$1]?.int ?? -1) }
            let total = try #require(step["total"]?.int)
            #expect(sum == total)
            let tensors = parts.dropLast().reduce(0) { $0 + (step[$1]?.int ?? -1) }
            #expect(tensors > last)
            last = tensors
        }
        #expect(json["automatic_batch_size"]?.int == 256)
        #expect(json["available_bytes"]?.int == 1 << 40)
        let lines = report.text.split(separator: "\n")
        #expect(lines[0].hasPrefix("Memory of training: pairs of 32 tokens a text, strategy full"))
        #expect(lines.count == 1 + 1 + 9 + 2)
        // Columns stand under each other.
        #expect(Set(lines[1...10].map(\.count)).count == 1)
        #expect(lines[12].hasPrefix("Automatic  batch size 256: "))
        #expect(report.text.hasSuffix("\n"))
    }

    @Test("the rows of data, one batch size, frozen weights, chunks run twice")
    func settings() throws {
        let data = Dataset(
            pairs: (0..<40).map { PairRecord(text: "a man", textPos: "row \($0)") })
        let few = try report(datasets: [data]).json
        #expect(few["rows"]?.int == 40)
        #expect(few["steps"]?.array?.last?["batch_size"]?.int == 32)
        #expect(few["automatic_batch_size"]?.int == 40)

        let full = try #require(try report(batchSize: 64).json["steps"]?.array)
        let frozen = try report(strategy: .bitFit(), batchSize: 64).json
        let twice = try report(batchSize: 64, chunkTokens: 64).json
        #expect(full.count == 1 && full[0]["batch_size"]?.int == 64)
        #expect(frozen["strategy"]?.string == "bitfit" && twice["chunk_tokens"]?.int == 64)
        func value(_ json: JSON, _ part: String) -> Int {
            json["steps"]?.array?[0][part]?.int ?? -1
        }
        #expect(value(frozen, "gradients") < full[0]["gradients"]?.int ?? 0)
        #expect(value(twice, "activations") < full[0]["activations"]?.int ?? 0)
        #expect(value(twice, "weights") == full[0]["weights"]?.int)
    }

    @Test("where nothing fits, what is needed and what would help is said")
    func nothingFits() throws {
        let needed = try #require(try report(batchSize: 1).json["steps"]?.array?[0]["total"]?.int)
        let tight = try report(available: Int(Double(needed) / BatchSizeFinder.share) - 1000)
        #expect(tight.json["automatic_batch_size"]?.isNull == true)
        #expect(tight.json["explanation"]?.string?.contains("a step with 1 row takes") == true)
        #expect(tight.text.contains("Automatic  a step with 1 row takes"))
    }

    @Test("the command prints it after the model and the data")
    func command() throws {
        let path = try Sample.model.get()
        let lines = try uniem(
            "inspect", path, Sample.pairs, "--memory", "--batch-size", "4", "--json"
        ).jsonLines
        #expect(lines.map { $0["kind"]?.string } == ["model", "dataset", "memory"])
        #expect(lines.last?["steps"]?.array?.count == 1)
        let text = try uniem("inspect", path, "--memory", "--strategy", "bitfit").output
        #expect(text.contains("Parameters") && text.contains("strategy bitfit"))
    }

    @Test("its options are for it, and it is for one model")
    func usage() throws {
        let path = try Sample.model.get()
        for arguments in [
            ["inspect", path, "--batch-size", "4"], ["inspect", path, "--chunk-tokens", "64"],
            ["inspect", path, "--strategy", "bitfit"], ["inspect", path, path, "--memory"],
            ["inspect", Sample.pairs, "--memory"],
            ["inspect", path, "--memory", "--batch-size", "0"],
        ] {
            let run = try uniem(arguments)
            #expect(run.status == 2 && run.errorLines.count == 1, "\(arguments) \(run.error)")
        }
    }
}
