import Embedders
import Files
import TestSupport
import Tensors
import Testing

@Suite struct EncodingTests {
    private func bert() throws -> Embedder { try Embedder.load(fixture("bert-tiny")) }

    private func rows(_ tensor: Tensor) -> [[UInt32]] {
        (0..<tensor.shape.rows).map { tensor.row($0).map(\.bitPattern) }
    }

    @Test(arguments: GoldenRoot.all) func asUniemEncodes(_ root: GoldenRoot) throws {
        let index = try #require(root.json("forward/index.json")["uniem_encode"]?["bert-tiny"])
        let texts = try #require(index["texts"]?.array).compactMap(\.string)
        let golden = try root.tensors("forward/uniem-encode.bert-tiny.safetensors")
        let embedder = try Embedder.load(root.folder + "/models/bert-tiny")
        for variant in ["default", "max_length_64", "not_normalized"] {
            let settings = try #require(index[variant])
            let vectors = embedder.embeddings(
                of: texts, normalize: try #require(settings["normalize"]?.bool),
                maxLength: try #require(settings["max_length"]?.int))
            expectClose(
                vectors, try golden.doubles(variant), relative: 0, absolute: 1e-5, variant)
        }
        // The lengths do matter for these texts.
        let (short, long) = (try golden.doubles("default"), try golden.doubles("max_length_64"))
        #expect(zip(short, long).contains { abs($0 - $1) > 1e-3 })
    }

    @Test(arguments: GoldenRoot.all) func asSentenceTransformersEncodes(_ root: GoldenRoot) throws {
        let index = try #require(root.json("forward/index.json")["st-bert-tiny"])
        let texts = try #require(index["texts"]?.array).compactMap(\.string)
        let embedder = try Embedder.load(root.folder + "/models/st-bert-tiny")
        #expect(embedder.maxLength == 48 && index["max_seq_length"]?.int == 48)
        #expect(embedder.normalizes && embedder.poolings == [.lastMean])
        #expect(texts.contains { embedder.tokenIDs(of: $0).truncated > 0 })
        expectClose(
            embedder.embeddings(of: texts),
            try root.tensors("forward/st-bert-tiny.safetensors").doubles("embeddings"),
            relative: 0, absolute: 1e-5)
    }

    @Test func orderAndDuplicates() throws {
        let embedder = try bert()
        let alone = sampleTexts.map { rows(embedder.embeddings(of: [$0], threads: 1))[0] }
        // One chunk a text: nothing of the others can be seen.
        let together = rows(embedder.embeddings(of: sampleTexts, chunkTokens: 1, threads: 2))
        #expect(together == alone)
        let backwards = rows(
            embedder.embeddings(of: sampleTexts.reversed(), chunkTokens: 1, threads: 2))
        #expect(backwards == alone.reversed())
        #expect(together[0] == together[3])
        // White space and nothing are the same tokens.
        #expect(together[2] == together[6])
        #expect(Set(together).count == sampleTexts.count - 2)
        let many = embedder.embeddings(of: Array(repeating: "word", count: 1000), threads: 2)
        #expect(rows(many).allSatisfy { $0 == alone[4] })
    }

    @Test func sameBitsForAnyNumberOfThreads() throws {
        let embedder = try bert()
        let texts = (0..<60).map { "text \($0) " + String(repeating: "word ", count: $0 % 23) }
        let one = embedder.embeddings(of: texts, chunkTokens: 64, threads: 1).bits
        for threads in [2, 3, 4] {
            #expect(
                embedder.embeddings(of: texts, chunkTokens: 64, threads: threads).bits == one)
        }
    }

    @Test func chunksChangeOnlyRounding() throws {
        let embedder = try bert()
        let texts = (0..<60).map { "text \($0) " + String(repeating: "word ", count: $0 % 23) }
        let reference = embedder.embeddings(of: texts, chunkTokens: 1).values.map(Double.init)
        for tokens in [16, 100, 512, 1 << 20] {
            expectClose(
                embedder.embeddings(of: texts, chunkTokens: tokens), reference, relative: 0,
                absolute: 2e-6, "chunks of \(tokens)")
        }
    }

    @Test func normalization() throws {
        let embedder = try bert()
        func length(_ row: [Float]) -> Double {
            row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        let (unit, raw) = (
            embedder.encode(sampleTexts), embedder.encode(sampleTexts, normalize: false)
        )
        for (a, b) in zip(unit, raw) {
            #expect(abs(length(a) - 1) < 1e-6)
            #expect(abs(length(b) - 1) > 1e-3)
            let size = length(b)
            expectClose(a.map(Double.init), b.map { Double($0) / size }, relative: 1e-5)
        }
        #expect(unit == embedder.encode(sampleTexts, normalize: true))
    }

    @Test func nothing() throws {
        let embedder = try bert()
        #expect(embedder.encode([]).isEmpty)
        #expect(embedder.embeddings(of: []).shape == [0, embedder.dimension])
        // An empty text is [CLS] [SEP].
        #expect(embedder.tokenIDs(of: "").ids == [6, 7])
        #expect(embedder.encode([""])[0].allSatisfy { $0.isFinite })
    }

    @Test func longTextsAreCut() throws {
        let embedder = try bert()
        #expect(embedder.maxLength == 64)
        let long = sampleTexts[8]
        let (ids, truncated) = embedder.tokenIDs(of: long)
        #expect(ids.count == 64 && ids.first == 6 && ids.last == 7 && truncated > 0)
        let more = embedder.tokenIDs(of: long + " and more")
        #expect(more.ids == ids && more.truncated > truncated)
        let vectors = embedder.encode([long, long + " and more"])
        #expect(vectors[0] == vectors[1])
        // No more than there are positions, whatever is asked for.
        #expect(embedder.tokenIDs(of: long, maxLength: 10_000).ids.count == 64)
        #expect(embedder.tokenIDs(of: long, maxLength: 10).ids.count == 10)
        #expect(embedder.tokenIDs(of: long, maxLength: 2).ids == [6, 7])
    }

    /// GPT-2 and T5 tokenizers put nothing around texts; here BERT's does not either.
    @Test func textsWithoutTokens() throws {
        try withFolder { folder in
            try copyFolder(fixture("bert-tiny"), to: folder + "/model")
            try edit(folder + "/model/tokenizer.json", [("post_processor", .null)])
            let embedder = try Embedder.load(folder + "/model")
            #expect(embedder.tokenIDs(of: "").ids == [5])
            let vectors = embedder.encode(["", "\u{0}", "word"])
            #expect(vectors[0] == vectors[1] && vectors[0] != vectors[2])
            #expect(vectors[0].allSatisfy { $0.isFinite })
        }
    }
}
