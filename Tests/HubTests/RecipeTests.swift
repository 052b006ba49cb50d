import Files
import Hub
import TestSupport
import Testing
import Tokenizers
import Uniem

private func sts(_ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: a
    let dataset = try Pretrained.dataset("shibing624/nli_zh:STS-B", hub: hub)
    let finetuner = try FineTuner.fromPretrained("moka-ai/m3e-small", dataset: dataset, hub: hub)
    let embedder = try finetuner.run(
        epochs: 3, batchSize: 64, learningRate: 3e-5, runsDirectory: runs)
    // end
    return embedder
}

private func medicalQuestions(_ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: b
    let questions = try Pretrained.dataset(
        "vegaviazhang/Med_QQpairs",
        rename: [("question1", "sentence1"), ("question2", "sentence2")], hub: hub)
    let dataset = try questions.split("train").trainTestSplit(testSize: 0.1, seed: 42)
    let finetuner = try FineTuner.fromPretrained("moka-ai/m3e-small", dataset: dataset, hub: hub)
    let embedder = try finetuner.run(
        epochs: 3, batchSize: 32, runsDirectory: runs)
    // end
    return embedder
}

private func riddles(_ riddleFile: String, _ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: c
    let riddles = try Dataset.load(
        riddleFile, rename: [("instruction", "text"), ("output", "text_pos")])
    let finetuner = try FineTuner.fromPretrained(
        "shibing624/text2vec-base-chinese-sentence", dataset: riddles, hub: hub)
    let embedder = try finetuner.run(
        epochs: 3, batchSize: 32, runsDirectory: runs)
    // end
    return embedder
}

private func miniLM(_ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: d
    let dataset = try Pretrained.dataset("shibing624/nli_zh:STS-B", hub: hub)
    let finetuner = try FineTuner.fromPretrained(
        "sentence-transformers/all-MiniLM-L6-v2", dataset: dataset, hub: hub)
    let embedder = try finetuner.run(
        epochs: 3, batchSize: 32, runsDirectory: runs)
    // end
    return embedder
}

private func fromScratch(_ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: e
    let stream = try Pretrained.stream(
        "shibing624/nli-zh-all", rename: [("text1", "sentence1"), ("text2", "sentence2")], hub: hub)
    let tokenizer = try Tokenizer(folder: Pretrained.folder(of: "bert-base-chinese", hub: hub))
    let configuration = BERTConfig.fresh(
        vocabularySize: tokenizer.vocabularySize, hiddenSize: 128, layers: 2, heads: 2)
    let fresh = try Embedder.fresh(
        configuration: configuration, tokenizer: tokenizer, pooling: .cls)
    let finetuner = try FineTuner(embedder: fresh, data: .stream(stream))
    let embedder = try finetuner.run(
        epochs: 1, batchSize: 64, learningRate: 1e-3, runsDirectory: runs)
    // end
    return embedder
}

private func sgpt(_ hub: Hub, _ runs: String) throws -> Embedder {
    // recipe: f
    let dataset = try Pretrained.dataset("shibing624/nli_zh:STS-B", hub: hub)
    let finetuner = try FineTuner.fromPretrained(
        "gpt2", dataset: dataset, pooling: .lastWeighted, hub: hub)
    let embedder = try finetuner.run(
        epochs: 3, batchSize: 32, strategy: .bitFit(), runsDirectory: runs)
    // end
    return embedder
}

/// The recipes of the documentation, on small models that a hub in this process serves.
@Suite(.serialized) struct RecipeTests {
    private let root = String(#filePath.dropLast("/Tests/HubTests/RecipeTests.swift".count))

    /// The folder of a small model of the family, or `nil` where only the shared reference has one.
    private func model(_ name: String) -> String? {
        GoldenRoot.all.map { $0.folder + "/models/" + name }.first(where: FileBytes.isFolder)
    }

    private func rows(_ count: Int, _ names: (String, String)) -> String {
        let words = ["渡船", "今晚", "停航", "old", "clock", "struck", "nine", "soup"]
        return (0..<count).map { row in
            let first = (0..<4).map { words[(row * 3 + $0) % 8] }.joined(separator: " ")
            let second = (0..<4).map { words[(row * 5 + $0) % 8] }.joined(separator: " ")
            let json: JSON = [
                names.0: .string(first), names.1: .string(second), "label": .int(row * 7 % 6),
            ]
            return json.text() + "\n"
        }.joined()
    }

    private func withHub(_ body: (_ hub: Hub, _ folder: String) throws -> Void) throws {
        let server = try TestHub()
        for (name, folder) in [
            ("moka-ai/m3e-small", "st-bert-tiny"),
            ("sentence-transformers/all-MiniLM-L6-v2", "st-bert-tiny"),
            ("bert-base-chinese", "bert-tiny"),
            ("shibing624/text2vec-base-chinese-sentence", "ernie-tiny"), ("gpt2", "gpt2-tiny"),
        ] {
            guard let folder = model(folder) else { continue }
            var files: [String: TestHub.File] = [:]
            for path in try listed(folder) where !path.hasSuffix(".bin") {
                let bytes = try FileBytes.read(folder + "/" + path)
                files[path] = TestHub.File(bytes, isLarge: path.hasSuffix(".safetensors"))
            }
            server.add(name, files)
        }
        let names = ("sentence1", "sentence2")
        server.add(
            "shibing624/nli_zh", kind: "datasets",
            [
                "README.md": .init(
                    """
                    ---
                    configs:
                    - config_name: STS-B
                      data_files:
                      - split: train
                        path: STS-B/train.jsonl
                      - split: validation
                        path: STS-B/valid.jsonl
                      - split: test
                        path: STS-B/test.jsonl
                    ---
                    """), "STS-B/train.jsonl": .init(rows(70, names)),
                "STS-B/valid.jsonl": .init(rows(10, names)),
                "STS-B/test.jsonl": .init(rows(12, names)),
            ])
        server.add(
            "vegaviazhang/Med_QQpairs", kind: "datasets",
            ["train.jsonl": .init(rows(50, ("question1", "question2")))])
        server.add(
            "shibing624/nli-zh-all", kind: "datasets",
            ["data/train.jsonl": .init(rows(130, ("text1", "text2")))])
        try withFolder { folder in
            let hub = Hub(environment: server.environment(folder + "/cache"))
            try body(hub, folder)
        }
    }

    private func check(_ embedder: Embedder, _ folder: String, pooling: Pooling) throws {
        #expect(embedder.poolings == [pooling])
        #expect(embedder.encode(["渡船今晚停航。"], threads: 1)[0].allSatisfy { $0.isFinite })
        // The run and its model are there.
        let run = try #require(
            FileBytes.names(in: folder + "/Runs").first { !$0.hasPrefix("runs.sqlite") })
        let saved = try Embedder.load(folder + "/Runs/\(run)/model")
        #expect(saved.poolings == [pooling])
    }

    @Test func recipesOnBERT() throws {
        for (recipe, pooling) in [
            (sts, .lastMean), (medicalQuestions, .lastMean), (miniLM, .lastMean),
            (fromScratch, .cls),
        ] as [((Hub, String) throws -> Embedder, Pooling)] {
            try withHub { hub, folder in
                try check(try recipe(hub, folder + "/Runs"), folder, pooling: pooling)
            }
        }
    }

    @Test func recipeOnERNIE() throws {
        guard model("ernie-tiny") != nil else {
            print("skipped: no ernie-tiny in the shared reference")
            return
        }
        try withHub { hub, folder in
            let pairs = (0..<20).map { row -> String in
                let json: JSON = [
                    "instruction": .string("riddle \(row)"), "output": .string("answer \(row)"),
                ]
                return json.text() + "\n"
            }
            try FileBytes.writeAtomically(pairs.joined(), to: folder + "/riddle.jsonl")
            try check(
                try riddles(folder + "/riddle.jsonl", hub, folder + "/Runs"), folder,
                pooling: .lastMean)
        }
    }

    @Test func recipeOnGPT2() throws {
        guard model("gpt2-tiny") != nil else {
            print("skipped: no gpt2-tiny in the shared reference")
            return
        }
        try withHub { hub, folder in
            try check(try sgpt(hub, folder + "/Runs"), folder, pooling: .lastWeighted)
        }
    }

    /// The Swift of the documentation is the Swift above, which compiles.
    @Test func documentation() throws {
        func recipes(_ path: String, _ start: String, _ end: String) throws -> [String: String] {
            var found: [String: String] = [:]
            var name: String?
            for line in try FileBytes.readText(root + path).split(separator: "\n") {
                let text = String(line.drop { $0 == " " })
                if let mark = text.firstRange(of: "recipe: "), text.hasPrefix(start) {
                    name = String(text[mark.upperBound...].prefix(1))
                } else if text == end {
                    name = nil
                } else if let name, text != "```swift" {
                    // How lines are broken does not matter; where the tests keep runs is theirs.
                    let line = text.replacing(", runsDirectory: runs)", with: ")")
                    found[name, default: ""] += line + (line.hasSuffix("(") ? "" : " ")
                }
            }
            return found
        }
        let shown = try recipes("/Sources/Uniem/Uniem.docc/Recipes.md", "<!-- recipe", "```")
        let compiled = try recipes("/Tests/HubTests/RecipeTests.swift", "// recipe", "// end")
        #expect(shown == compiled && shown.keys.sorted() == ["a", "b", "c", "d", "e", "f"])
    }
}
