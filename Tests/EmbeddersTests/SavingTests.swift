import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing
import Tokenizers

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A model and how it is loaded before it is saved.
private struct SaveCase: CustomTestStringConvertible, Sendable {
    var model: String
    var pooling: Pooling?
    var testDescription: String { model + (pooling.map { " " + $0.rawValue } ?? "") }

    static let all: [SaveCase] =
        ["bert-tiny", "bert-old-names", "st-bert-tiny"].flatMap { model in
            ([nil] + Pooling.allCases.map(Optional.some)).map {
                SaveCase(model: model, pooling: $0)
            }
        } + ["bert-tiny-fp16", "bert-tiny-bf16", "bert-sharded"].map { SaveCase(model: $0) }
}

@Suite struct SavingTests {
    @Test(arguments: SaveCase.all) private func roundTrip(_ test: SaveCase) throws {
        try withFolder { folder in
            let embedder = try Embedder.load(fixture(test.model), pooling: test.pooling)
            let path = folder + "/saved"
            try embedder.save(to: path)
            let copy = try Embedder.load(path)
            #expect(copy.poolings[0] == test.pooling ?? .lastMean)
            #expect(copy.normalizes == embedder.normalizes)
            #expect(copy.maxLength == embedder.maxLength)
            #expect(copy.parameterCount == embedder.parameterCount)
            #expect(copy.loadReport.unused.isEmpty && copy.loadReport.renamed.isEmpty)
            let (a, b) = (embedder.store.parameters, copy.store.parameters)
            #expect(a.map(\.name) == b.map(\.name))
            #expect(zip(a, b).allSatisfy { $0.value.bits == $1.value.bits })
            #expect(
                copy.embeddings(of: sampleTexts, threads: 1).bits
                    == embedder.embeddings(of: sampleTexts, threads: 1).bits)
            // Saved once more, nothing changes any more.
            try copy.save(to: folder + "/again")
            let (once, twice) = (try content(path), try content(folder + "/again"))
            #expect(once == twice)
            try checkFiles(path, embedder)
        }
    }

    /// Names and content of all files, as text that can be compared.
    private func content(_ folder: String) throws -> [String] {
        try FileBytes.names(in: folder).flatMap { name in
            let path = folder + "/" + name
            if FileBytes.isFolder(path) { return try content(path).map { name + "/" + $0 } }
            return ["\(name) \(try FileBytes.read(path))"]
        }
    }

    private func checkFiles(_ path: String, _ embedder: Embedder) throws {
        let names = try FileBytes.names(in: path)
        for name in ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"] {
            #expect(names.contains(name))
        }
        let config = try JSON(contentsOf: path + "/config.json")
        // uniem would refuse a name that it does not know.
        let isOfUniem = Pooling.uniemStrategies.contains(embedder.poolings[0])
        #expect(
            config["uniem_pooling_strategy"]?.string
                == (isOfUniem ? embedder.poolings[0].rawValue : nil))
        #expect(config["torch_dtype"]?.string == "float32")
        let flags: [Pooling: String] = [
            .cls: "cls_token", .lastMean: "mean_tokens", .lastWeighted: "weightedmean_tokens",
            .max: "max_tokens", .meanSqrtLength: "mean_sqrt_len_tokens", .lastToken: "lasttoken",
        ]
        guard let flag = flags[embedder.poolings[0]] else {
            // sentence-transformers would embed otherwise: nothing may look like a model of its own.
            for name in ["modules.json", "1_Pooling", "2_Normalize", "sentence_bert_config.json"] {
                #expect(!names.contains(name))
            }
            return
        }
        let pooling = try JSON(contentsOf: path + "/1_Pooling/config.json")
        #expect(pooling["word_embedding_dimension"]?.int == embedder.dimension)
        let set = (pooling.members ?? []).filter {
            $0.key.hasPrefix("pooling_mode") && $0.value.bool == true
        }
        #expect(set.map(\.key) == ["pooling_mode_" + flag])
        let modules = try #require(JSON(contentsOf: path + "/modules.json").array)
        let types = modules.compactMap { $0["type"]?.string?.split(separator: ".").last }
        #expect(
            types
                == (embedder.normalizes
                    ? ["Transformer", "Pooling", "Normalize"]
                    : ["Transformer", "Pooling"]))
        #expect(modules.compactMap { $0["idx"]?.int } == Array(modules.indices))
        let settings = try JSON(contentsOf: path + "/sentence_bert_config.json")
        #expect(settings["max_seq_length"]?.int == embedder.maxLength)
        #expect(config["uniem_normalize"] == nil && config["uniem_max_length"] == nil)
    }

    /// Vectors that are not normalised and a length of its own survive every pooling, and going from one to another.
    @Test func normalizeAndLengthAreKept() throws {
        try withFolder { folder in
            let source = folder + "/source"
            try copyFolder(fixture("st-bert-tiny"), to: source)
            let modules = try #require(JSON(contentsOf: source + "/modules.json").array)
            try FileBytes.writeAtomically(
                JSON.array(Array(modules.dropLast())).text(), to: source + "/modules.json")
            var path = source
            for pooling in [nil, .firstLastMean, .embeddingLastMean, .cls, .lastWeighted]
                as [Pooling?]
            {
                let embedder = try Embedder.load(path, pooling: pooling)
                #expect(!embedder.normalizes && embedder.maxLength == 48)
                path = folder + "/" + (pooling?.rawValue ?? "none")
                try embedder.save(to: path)
            }
            let last = try Embedder.load(path)
            #expect(!last.normalizes && last.maxLength == 48 && last.poolings == [.lastWeighted])
        }
    }

    /// uniem forgets the pooling of a model that it has tuned.
    @Test func poolingIsKeptOverGenerations() throws {
        try withFolder { folder in
            let first = try Embedder.load(fixture("bert-tiny"), pooling: .cls)
            try first.save(to: folder + "/one")
            let second = try Embedder.load(folder + "/one")
            #expect(second.poolings == [.cls])
            try second.save(to: folder + "/two")
            #expect(try Embedder.load(folder + "/two").poolings == [.cls])
            // The older key of uniem's own folders.
            try edit(
                folder + "/two/config.json",
                [("uniem_pooling_strategy", nil), ("uniem_embedding_strategy", "last_mean")])
            try FileBytes.remove(folder + "/two/modules.json")
            #expect(try Embedder.load(folder + "/two").poolings == [.lastMean])
        }
    }

    @Test func savingOverItself() throws {
        try withFolder { folder in
            let path = folder + "/model"
            try copyFolder(fixture("bert-sharded"), to: path)
            let embedder = try Embedder.load(path)
            let before = embedder.embeddings(of: sampleTexts, threads: 1).bits
            try embedder.save(to: path + "/")
            #expect(try FileBytes.names(in: folder) == ["model"])
            #expect(!FileBytes.exists(path + "/model.safetensors.index.json"))
            let after = try Embedder.load(path).embeddings(of: sampleTexts, threads: 1).bits
            #expect(after == before)
        }
    }

    /// A folder that is no model is somebody's; saving would remove all that is in it.
    @Test func otherFoldersAreLeftAlone() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("dear diary", to: folder + "/notes.txt")
            let embedder = try Embedder.load(fixture("bert-tiny"))
            let error = try #require(fileError { try embedder.save(to: folder) })
            #expect(error.path == folder)
            #expect(try FileBytes.readText(folder + "/notes.txt") == "dear diary")
            let file = try #require(fileError { try embedder.save(to: folder + "/notes.txt") })
            #expect(file.path == folder + "/notes.txt")
            #expect(try FileBytes.readText(folder + "/notes.txt") == "dear diary")
            let below = try #require(
                fileError { try embedder.save(to: folder + "/notes.txt/model") })
            #expect(below.path.hasPrefix(folder + "/notes.txt"))
            // An empty one is as good as none.
            try FileBytes.makeFolder(folder + "/empty")
            try embedder.save(to: folder + "/empty")
        }
    }

    /// In a process of its own, in which no file can grow beyond 5,000 bytes: the weights do not fit.
    @Test func oldModelStaysWhereTheDiskIsFull() async throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/uniem-save-\(UUID().uuidString)"
        defer { try? FileBytes.remove(folder) }
        let path = folder + "/model"
        try copyFolder(fixture("bert-tiny"), to: path)
        let before = try content(path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            _ = signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 5_000, rlim_max: 5_000)
            #if canImport(Glibc)
                _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            #else
                _ = unsafe setrlimit(RLIMIT_FSIZE, &limit)
            #endif
            let embedder = try Embedder.load(path, pooling: .cls)
            let error = fileError { try embedder.save(to: path) }
            precondition(error?.problem.contains("write") == true)
            precondition(error?.path.hasSuffix("model.safetensors") == true)
        }
        #expect(try content(path) == before)
        #expect(try FileBytes.names(in: folder) == ["model"])
        #expect(try Embedder.load(path).poolings == [.lastMean])
    }

    @Test func freshModels() throws {
        let tokenizer = try Tokenizer(folder: fixture("bert-tiny"))
        let configuration = BERTConfig.fresh(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: 12, layers: 1, heads: 2,
            maximumPositions: 40)
        let one = try Embedder.fresh(configuration: configuration, tokenizer: tokenizer, seed: 1)
        let same = try Embedder.fresh(configuration: configuration, tokenizer: tokenizer, seed: 1)
        let other = try Embedder.fresh(configuration: configuration, tokenizer: tokenizer, seed: 2)
        let vectors = one.embeddings(of: sampleTexts, threads: 1).bits
        #expect(vectors == same.embeddings(of: sampleTexts, threads: 1).bits)
        #expect(vectors != other.embeddings(of: sampleTexts, threads: 1).bits)
        #expect(one.maxLength == 40 && one.dimension == 12)
        try withFolder { folder in
            try one.save(to: folder + "/model")
            let copy = try Embedder.load(folder + "/model")
            #expect(copy.embeddings(of: sampleTexts, threads: 1).bits == vectors)
        }
    }

    /// Python cannot put texts of several lengths together without a padding token; GPT-2 has none.
    @Test func paddingTokenOfGPT2() throws {
        guard
            let root = GoldenRoot.all.first(where: {
                FileBytes.exists($0.folder + "/models/gpt2-tiny/model.safetensors")
            })
        else {
            print("skipped: no gpt2-tiny in the shared reference")
            return
        }
        try withFolder { folder in
            let model = root.folder + "/models/gpt2-tiny"
            #expect(
                try JSON(contentsOf: model + "/tokenizer_config.json")["pad_token"]?.isNull != false
            )
            let embedder = try Embedder.load(model, pooling: .lastWeighted)
            #expect(embedder.tokenizer.padID == nil)
            try embedder.save(to: folder + "/m")
            for file in ["tokenizer_config.json", "special_tokens_map.json"] {
                let json = try JSON(contentsOf: folder + "/m/" + file)
                #expect(json["pad_token"]?.string == "<|endoftext|>")
            }
            let copy = try Embedder.load(folder + "/m")
            let end = copy.encoder.configuration["eos_token_id"]?.int
            #expect(end != nil && copy.encoder.configuration["pad_token_id"]?.int == end)
            #expect(copy.tokenizer.padID.map(Int.init) == end)
            // It changes no vector.
            #expect(
                copy.embeddings(of: sampleTexts, threads: 1).bits
                    == embedder.embeddings(of: sampleTexts, threads: 1).bits)
        }
    }
}
