import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing
import Tokenizers

@Suite struct AdapterFolderTests {
    /// A model with an adapter that changes its vectors.
    private func adapted(
        _ model: String = "bert-tiny", _ settings: LoRA = LoRA(rank: 3, alpha: 7, dropout: 0.25),
        pooling: Pooling? = nil
    ) throws -> Embedder {
        let embedder = try Embedder.load(fixture(model), pooling: pooling)
        try embedder.attach(settings)
        embedder.randomizeAdapter()
        return embedder
    }

    // MARK: Saving and loading

    @Test(
        arguments: [
            LoRA(rank: 3, alpha: 7, dropout: 0.25), LoRA(targets: ["key", "layer.1.output.dense"]),
            LoRA(rank: 2, alpha: 0.5, targets: ["all-linear"], isRankStabilized: true),
            LoRA(targetPattern: #".*\.dense"#), LoRA(targets: ["dense"]),
        ])
    func roundTrip(_ settings: LoRA) throws {
        let embedder = try adapted("bert-tiny", settings)
        try withFolder { folder in
            let base = fixture("bert-tiny")
            try embedder.saveAdapter(to: folder + "/a", baseModel: base)
            let copy = try Embedder.load(folder + "/a")
            #expect(copy.sampleBits == embedder.sampleBits)
            #expect(copy.baseBits == embedder.baseBits)
            let (one, two) = (try #require(embedder.adapter), try #require(copy.adapter))
            #expect(one.layerNames == two.layerNames)
            #expect(one.parameters.map(\.name) == two.parameters.map(\.name))
            #expect(one.parameters.map(\.value.bits) == two.parameters.map(\.value.bits))
            #expect(
                zip(one.layers, two.layers).allSatisfy { $0.adapter?.scale == $1.adapter?.scale })
            #expect(
                one.settings.rank == two.settings.rank && one.settings.alpha == two.settings.alpha)
            #expect(one.settings.dropout == two.settings.dropout)
            #expect(one.settings.isRankStabilized == two.settings.isRankStabilized)
            // Saved once more, nothing changes any more.
            try copy.saveAdapter(to: folder + "/b", baseModel: base)
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                #expect(
                    try FileBytes.read(folder + "/a/" + name)
                        == FileBytes.read(folder + "/b/" + name), "\(name)")
            }
        }
    }

    @Test func files() throws {
        try withFolder { folder in
            let embedder = try adapted()
            try embedder.saveAdapter(to: folder + "/a", baseModel: fixture("bert-tiny"))
            let json = try JSON(contentsOf: folder + "/a/adapter_config.json")
            #expect(json["peft_type"]?.string == "LORA" && json["bias"]?.string == "none")
            #expect(json["r"]?.int == 3 && json["lora_alpha"]?.text() == "7")
            #expect(json["lora_dropout"]?.double == 0.25)
            #expect(json["target_modules"]?.array?.compactMap(\.string) == ["query", "value"])
            #expect(json["base_model_name_or_path"]?.string == fixture("bert-tiny"))
            #expect(json["fan_in_fan_out"]?.bool == false)
            let file = try SafetensorsFile(path: folder + "/a/adapter_model.safetensors")
            #expect(file.entries.count == 8)
            #expect(
                file.entries[0].name
                    == "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight")
            let names = try FileBytes.names(in: folder + "/a")
            #expect(names.contains("modules.json") && names.contains("tokenizer.json"))
            // Of a folder with config.json Python would take the base model's weights.
            #expect(!names.contains("config.json") && !names.contains("model.safetensors"))
            embedder.detachAdapter()
            // By the name of a pooler's layer PEFT would find it too.
            try embedder.attach(LoRA(targets: ["dense"]))
            try embedder.saveAdapter(to: folder + "/b", baseModel: fixture("bert-tiny"))
            let targets = try JSON(contentsOf: folder + "/b/adapter_config.json")["target_modules"]
            #expect(targets?.array?.compactMap(\.string) == embedder.adapter?.layerNames)
        }
    }

    /// Pooling, length and prompts are those of the model with the adapter, not of the base model.
    @Test(arguments: Pooling.allCases) func surroundings(_ pooling: Pooling) throws {
        let embedder = try adapted(pooling: pooling)
        try withFolder { folder in
            try embedder.saveAdapter(to: folder + "/a", baseModel: fixture("bert-tiny"))
            let copy = try Embedder.load(folder + "/a")
            #expect(copy.poolings == [pooling] && copy.normalizes == embedder.normalizes)
            #expect(copy.maxLength == embedder.maxLength && copy.sampleBits == embedder.sampleBits)
            #expect(
                FileBytes.exists(folder + "/a/uniem.json")
                    == [.firstLastMean, .embeddingLastMean].contains(pooling))
            #expect(try Embedder.load(folder + "/a", pooling: .cls).poolings == [.cls])
        }
    }

    @Test func placeOfTheBaseModel() throws {
        let embedder = try adapted()
        try withFolder { folder in
            try copyFolder(fixture("bert-tiny"), to: folder + "/models/base")
            // As seen from the adapter.
            try embedder.saveAdapter(to: folder + "/adapters/a", baseModel: "../../models/base")
            #expect(try Embedder.load(folder + "/adapters/a").sampleBits == embedder.sampleBits)
            #expect(try Embedder.adapterBase(of: folder + "/adapters/a") == "../../models/base")
            // A name of the hub.
            try embedder.saveAdapter(to: folder + "/b", baseModel: "someone/bert-tiny")
            #expect(try Embedder.adapterBase(of: folder + "/b") == "someone/bert-tiny")
            let error = try #require(fileError { _ = try Embedder.load(folder + "/b") })
            #expect(error.problem.contains("someone/bert-tiny is no folder here"))
            let given = try Embedder.load(folder + "/b", baseModel: folder + "/models/base")
            #expect(given.sampleBits == embedder.sampleBits)
            #expect(try Embedder.adapterBase(of: folder + "/models/base") == nil)
            let missing = fileError {
                _ = try Embedder.load(folder + "/b", baseModel: folder + "/none")
            }
            #expect(missing?.path == folder + "/none")
            let surplus = fileError {
                _ = try Embedder.load(folder + "/models/base", baseModel: folder + "/models/base")
            }
            #expect(surplus?.problem.contains("no adapter") == true)
            // Both in one folder.
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                try FileBytes.writeAtomically(
                    try FileBytes.read(folder + "/b/" + name), to: folder + "/models/base/" + name)
            }
            #expect(try Embedder.adapterBase(of: folder + "/models/base") == nil)
            #expect(try Embedder.load(folder + "/models/base").sampleBits == embedder.sampleBits)
            let chained = fileError { _ = try Embedder.load(folder + "/adapters/a") }
            #expect(chained?.problem.contains("adapter of its own") == true)
        }
    }

    /// Nothing but PEFT's two files: all the rest is the base model's.
    @Test func bareAdapters() throws {
        for model in ["bert-tiny", "st-bert-tiny"] {
            let embedder = try adapted(model)
            try withFolder { folder in
                try embedder.saveAdapter(to: folder + "/a", baseModel: fixture(model))
                try FileBytes.makeFolder(folder + "/bare")
                for name in ["adapter_config.json", "adapter_model.safetensors"] {
                    try FileBytes.writeAtomically(
                        try FileBytes.read(folder + "/a/" + name), to: folder + "/bare/" + name)
                }
                let copy = try Embedder.load(folder + "/bare")
                #expect(
                    copy.poolings == embedder.poolings && copy.sampleBits == embedder.sampleBits)
                let base = try Embedder.load(fixture(model))
                try base.attachAdapter(from: folder + "/bare")
                #expect(base.sampleBits == embedder.sampleBits)
            }
        }
    }

    /// A folder that SentenceTransformer saved.
    @Test func sentenceTransformersFolder() throws {
        let embedder = try Embedder.load(LoRACase.sentenceTransformers)
        let texts = try #require(try JSON(contentsOf: LoRACase.root + "/texts.json").array)
            .compactMap(\.string)
        let golden = try GoldenFile(path: LoRACase.root + "/sentence-transformers.safetensors")
        #expect(embedder.maxLength == 20 && embedder.adapter?.settings.dropout == 0.25)
        #expect(embedder.loadReport.unused.isEmpty)
        expectClose(
            embedder.embeddings(of: texts, threads: 1), try golden.doubles("vectors"),
            relative: 0, absolute: 1e-5)
        embedder.mergeAdapter()
        try withFolder { folder in
            try embedder.save(to: folder + "/whole")
            let whole = try Embedder.load(folder + "/whole")
            #expect(whole.adapter == nil && whole.maxLength == 20)
            expectClose(
                whole.embeddings(of: texts, threads: 1), try golden.doubles("vectors"),
                relative: 0, absolute: 1e-5)
        }
    }

    @Test(arguments: LoRACase.all) func savedAgain(_ test: LoRACase) throws {
        let embedder = try test.base()
        try embedder.attachAdapter(from: test.folder)
        let expected = embedder.lastStates(try test.sequences()).bits
        try withFolder { folder in
            // The base model has no tokenizer, so the whole cannot be loaded.
            try embedder.saveAdapter(to: folder + "/a", baseModel: "someone/" + test.name)
            let copy = try test.base()
            try copy.attachAdapter(from: folder + "/a")
            #expect(copy.lastStates(try test.sequences()).bits == expected)
            let json = try JSON(contentsOf: folder + "/a/adapter_config.json")
            #expect(json["fan_in_fan_out"]?.bool == (test.name == "gpt2"))
        }
    }

    @Test func patterns() throws {
        let test = LoRACase(name: "mpnet")
        let embedder = try test.base()
        try embedder.attachAdapter(from: test.folder)
        let layers = try #require(embedder.adapter).layers
        #expect(layers.map { $0.adapter?.rank } == [2, 2, 5, 2])
        #expect(layers.map { $0.adapter?.scale } == [2, 4.5, 0.8, 2])
    }

    /// Adapters of a pooler take no part in embeddings.
    @Test func poolers() throws {
        let test = LoRACase(name: "ernie")
        let embedder = try test.base()
        try embedder.attachAdapter(from: test.folder)
        #expect(embedder.adapter?.layerNames.contains { $0.hasPrefix("pooler") } == false)
    }

    @Test func savingTheWrongThing() throws {
        try withFolder { folder in
            let embedder = try adapted()
            let whole = fileError { try embedder.save(to: folder + "/m") }
            #expect(whole?.problem.contains("has an adapter") == true)
            #expect(!FileBytes.exists(folder + "/m"))
            let plain = try Embedder.load(fixture("bert-tiny"))
            let none = fileError { try plain.saveAdapter(to: folder + "/a", baseModel: "x") }
            #expect(none?.problem.contains("no adapter") == true)
            // A model is not replaced by an adapter, an older adapter is.
            try plain.save(to: folder + "/m")
            let over = fileError {
                try embedder.saveAdapter(to: folder + "/m", baseModel: fixture("bert-tiny"))
            }
            #expect(over?.problem.contains("other things than an adapter") == true)
            #expect(try Embedder.load(folder + "/m").sampleBits == plain.sampleBits)
            try embedder.saveAdapter(to: folder + "/a", baseModel: fixture("bert-tiny"))
            try FileBytes.writeAtomically("old", to: folder + "/a/old.txt")
            embedder.randomizeAdapter(seed: 9)
            try embedder.saveAdapter(to: folder + "/a", baseModel: fixture("bert-tiny"))
            #expect(!FileBytes.exists(folder + "/a/old.txt"))
            #expect(try Embedder.load(folder + "/a").sampleBits == embedder.sampleBits)
            // Not the model that the adapter was made for.
            let wrong = try #require(
                fileError {
                    try embedder.saveAdapter(
                        to: folder + "/a", baseModel: fixture("bert-old-names"))
                })
            #expect(!wrong.problem.isEmpty)
            #expect(try Embedder.load(folder + "/a").sampleBits == embedder.sampleBits)
            #expect(try FileBytes.names(in: folder) == ["a", "m"])
        }
    }
}
