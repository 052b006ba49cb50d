import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing
import Tokenizers

@Suite struct LoRATests {
    private func tiny() throws -> Embedder { try Embedder.load(fixture("bert-tiny")) }

    // MARK: What PEFT computes

    @Test(arguments: LoRACase.all) func statesOfPEFT(_ test: LoRACase) throws {
        let embedder = try test.base()
        let before = embedder.lastStates(try test.sequences())
        try embedder.attachAdapter(from: test.folder)
        let expected = try test.lastStates(hidden: embedder.encoder.hiddenSize)
        let unmerged = embedder.lastStates(try test.sequences())
        expectClose(unmerged, expected, relative: 0, absolute: 2e-5, "unmerged")
        #expect(zip(unmerged.values, before.values).contains { abs($0 - $1) > 0.1 })
        let names = embedder.store.parameters.map(\.name)
        embedder.mergeAdapter()
        let merged = embedder.lastStates(try test.sequences())
        // The sum of a weight and its adapter is rounded once more than their products.
        expectClose(merged, expected, relative: 0, absolute: 3e-5, "merged")
        #expect(embedder.adapter == nil)
        #expect(
            embedder.store.parameters.map(\.name) == names.filter { !$0.contains("lora_") })
        #expect(embedder.encoder.store.linearLayers.allSatisfy { $0.adapter == nil })
        #expect(embedder.store.parameters.allSatisfy { !$0.isFrozen })
    }

    @Test(arguments: LoRACase.all) func gradientsOfPEFT(_ test: LoRACase) throws {
        let golden = try test.golden()
        let embedder = try test.base()
        try embedder.attachAdapter(from: test.folder)
        var tape = Tape(.training(seed: 1))
        let a = embedder.embed(TokenBatch(try test.sequences()), on: &tape)
        let b = embedder.embed(TokenBatch(try test.sequences("_pos")), on: &tape)
        let loss = tape.inBatchLoss(a, b, form: .softmax, temperature: 0.05)
        let expectedLoss = try golden.doubles("f64.loss")[0]
        #expect(abs(Double(loss.scalar) - expectedLoss) < 1e-5 * max(1, expectedLoss))
        let gradients = tape.backward(from: loss)
        let adapter = try #require(embedder.adapter)
        let own = Set(adapter.parameters.map(\.name))
        var worst = 0.0
        for parameter in embedder.store.parameters {
            guard own.contains(parameter.name) else {
                #expect(parameter.isFrozen && !gradients.has(parameter), "\(parameter.name)")
                continue
            }
            let expected = try golden.doubles("f64.grad." + parameter.name)
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let gradient = try #require(gradients[parameter])
            // Gradients that are differences of large numbers carry the rounding of these.
            expectClose(
                gradient, expected, relative: 1e-5, absolute: max(2e-5 * largest, 2e-6),
                parameter.name)
            let difference = zip(gradient.values, expected).map { abs(Double($0) - $1) }.max() ?? 0
            worst = max(worst, difference / max(largest, 1e-3))
        }
        print("\(test.name): gradients of A and B within \(worst) of the largest")
        let compared = golden.names.count { $0.hasPrefix("f64.grad.") }
        #expect(adapter.parameters.count == compared)
        #expect(embedder.store.trainableCount == adapter.parameterCount)
    }

    // MARK: Attaching

    /// B is zero at first: nothing changes until something is learnt.
    @Test(arguments: LoRACase.all) func freshAdapters(_ test: LoRACase) throws {
        let embedder = try test.base()
        let layers = embedder.encoder.store.linearLayers
        #expect(Set(layers.map(\.name)).count == layers.count && !layers.isEmpty)
        let before = embedder.lastStates(try test.sequences()).values
        try embedder.attach(LoRA(rank: 2, targets: [LoRA.everyLinearLayer]))
        #expect(embedder.lastStates(try test.sequences()).values == before)
        let adapter = try #require(embedder.adapter)
        #expect(adapter.layerNames == layers.map(\.name))
        // Every linear layer takes part: a change of its B alone changes something.
        for layer in adapter.layers {
            let b = try #require(layer.adapter?.b)
            b.assign(Tensor([Float](repeating: 0.5, count: b.shape.count), shape: b.shape))
            #expect(embedder.lastStates(try test.sequences()).values != before, "\(layer.name)")
            b.assign(Tensor(zeros: b.shape))
        }
        embedder.detachAdapter()
        // Usual layers.
        try embedder.attach(LoRA())
        let usual = try #require(embedder.adapter)
        let family = try EncoderFamily(embedder.encoder.configuration, path: "")
        #expect(
            Set(usual.layerNames.map { $0.split(separator: ".").last.map(String.init) })
                == Set(family.usualAdapterTargets))
        #expect(usual.layers.allSatisfy { $0.adapter?.rank == 8 && $0.adapter?.scale == 2 })
    }

    @Test func targets() throws {
        let embedder = try tiny()
        func layers(_ settings: LoRA) throws -> [String] {
            try embedder.attach(settings)
            defer { embedder.detachAdapter() }
            return try #require(embedder.adapter).layerNames
        }
        let attention = "encoder.layer.0.attention."
        #expect(try layers(LoRA()).count == 4)
        #expect(
            try layers(LoRA(targets: ["value", "layer.0.output.dense"])) == [
                attention + "self.value", "encoder.layer.0.output.dense",
                "encoder.layer.1.attention.self.value",
            ])
        #expect(
            try layers(LoRA(targets: [attention + "self.key"])) == [attention + "self.key"])
        #expect(try layers(LoRA(targets: ["all-linear"])).count == 12)
        #expect(
            try layers(LoRA(targetPattern: #".*\.0\.attention\.self\.(query|key)"#)) == [
                attention + "self.query", attention + "self.key",
            ])
    }

    @Test(
        arguments: [
            (LoRA(targets: ["queries"]), "no linear layer is called queries; there are: query, "),
            (LoRA(targets: ["query", "LayerNorm"]), "called LayerNorm"),
            (LoRA(targets: ["uery"]), "called uery"),
            (LoRA(targets: []), "no layers"),
            (LoRA(targets: [""]), "no linear layer is called ;"),
            (LoRA(targetPattern: "query"), "matches the whole name of no linear layer"),
            (LoRA(targetPattern: "(query"), "is no regular expression"),
            (LoRA(targets: ["query"], targetPattern: ".*"), "both names and a pattern"),
            (LoRA(rank: 0), "a rank of 0"), (LoRA(rank: 1 << 20), "a rank of 1048576"),
            (LoRA(alpha: .nan), "an alpha of nan"), (LoRA(dropout: 1), "a dropout of 1.0"),
            (LoRA(dropout: -0.1), "a dropout of -0.1"),
        ] as [(LoRA, String)])
    func badSettings(_ settings: LoRA, _ expected: String) throws {
        let embedder = try tiny()
        do {
            try embedder.attach(settings)
            Issue.record("no error")
        } catch let error as AdapterError {
            #expect("\(error)".contains(expected), "\(error)")
            #expect(!"\(error)".contains("\n"))
        }
        #expect(embedder.adapter == nil && embedder.store.parameters.allSatisfy { !$0.isFrozen })
    }

    @Test func attachedTwice() throws {
        let embedder = try tiny()
        try embedder.attach(LoRA())
        #expect(throws: AdapterError.alreadyAttached) { try embedder.attach(LoRA()) }
        // The encoder of another embedder is the same.
        let other = Embedder(
            tokenizer: embedder.tokenizer, encoder: embedder.encoder, poolings: [.cls])
        #expect(throws: AdapterError.alreadyAttached) { try other.attach(LoRA()) }
        #expect(throws: AdapterError.alreadyAttached) {
            _ = try embedder.addingSpecialTokens(["[Q1]"], seed: 1)
        }
    }

    /// A model with other prompts is the same model.
    @Test func prompts() throws {
        let embedder = try tiny()
        try embedder.attach(LoRA())
        embedder.randomizeAdapter()
        let other = embedder.with(prompts: Prompts())
        #expect(other.adapter?.layerNames == embedder.adapter?.layerNames)
        #expect(other.store.trainableCount == embedder.store.trainableCount)
        #expect(other.sampleBits == embedder.sampleBits)
    }

    @Test func storeAndFreezing() throws {
        let embedder = try tiny()
        let (count, names) = (embedder.parameterCount, embedder.store.parameters.map(\.name))
        let frozen = embedder.store.parameters[3]
        frozen.isFrozen = true
        let bits = embedder.baseBits
        try embedder.attach(LoRA(rank: 4))
        let adapter = try #require(embedder.adapter)
        let width = embedder.encoder.hiddenSize
        #expect(adapter.parameterCount == 4 * 2 * 4 * width)
        #expect(embedder.parameterCount == count + adapter.parameterCount)
        #expect(embedder.store.trainableCount == adapter.parameterCount)
        #expect(embedder.store.parameters.map(\.name) == names + adapter.parameters.map(\.name))
        #expect(
            adapter.parameters.prefix(2).map(\.name) == [
                "encoder.layer.0.attention.self.query.lora_A.weight",
                "encoder.layer.0.attention.self.query.lora_B.weight",
            ])
        #expect(embedder.store[adapter.parameters[0].name] === adapter.parameters[0])
        embedder.randomizeAdapter()
        embedder.detachAdapter()
        #expect(embedder.store.parameters.map(\.name) == names && embedder.baseBits == bits)
        #expect(embedder.store.parameters.filter(\.isFrozen).map(\.name) == [frozen.name])
        // Nothing is left to merge or detach.
        embedder.mergeAdapter()
        embedder.detachAdapter()
        #expect(embedder.baseBits == bits)
    }

    /// Layers that share their weights share their adapter.
    @Test func sharedLayers() throws {
        let embedder = try LoRACase(name: "albert").base()
        try embedder.attach(LoRA(targets: ["query"]))
        let names = try #require(embedder.adapter).layerNames
        // Two groups of two layers, for five layers.
        #expect(names.count == 4 && Set(names).count == 4)
    }

    @Test func beginning() throws {
        func parameters(_ seed: UInt64) throws -> [Tensor] {
            let embedder = try tiny()
            try embedder.attach(LoRA(rank: 8), seed: seed)
            return try #require(embedder.adapter).parameters.map(\.value)
        }
        let (one, same, other) = (try parameters(1), try parameters(1), try parameters(2))
        #expect(one.map(\.bits) == same.map(\.bits))
        #expect(one[0].bits != other[0].bits && one[0].bits != one[2].bits)
        #expect(one[1].values.allSatisfy { $0 == 0 })
        // torch.nn.init.kaiming_uniform_(a=sqrt(5)): even from -1 / sqrt(inputs) to 1 / sqrt(inputs).
        for index in stride(from: 0, to: one.count, by: 2) {
            let bound = 1 / Float(one[index].shape.width).squareRoot()
            let values = one[index].values
            #expect(values.allSatisfy { abs($0) < bound })
            let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
            #expect(abs(deviation / bound - 1 / Float(3).squareRoot()) < 0.12)
            #expect(abs(values.reduce(0, +) / Float(values.count)) < 0.25 * bound)
        }
    }

    // MARK: Training

    /// Vectors and gradients of a batch in chunks, on `threads` threads.
    private func step(_ embedder: Embedder, threads: Int) throws -> [[UInt32]] {
        let sequences = sampleTexts.map { embedder.tokenIDs(of: $0).ids }
        let chunks = TokenBatch.chunks(of: sequences, tokens: 40)
        #expect(chunks.count > 4)
        let pool = WorkerPool(threads: threads)
        defer { pool.close() }
        let gradients = Gradients(turns: chunks.count)
        let all = Tensor(zeros: [sequences.count, embedder.dimension])
        pool.run(chunks.count) { index in
            var tape = Tape(.training(seed: 7))
            let vectors = embedder.embed(chunks[index].batch, on: &tape)
            all.write(vectors, toRows: chunks[index].sequences)
            tape.backward(from: vectors, seed: vectors.constant, into: gradients, turn: index)
        }
        let adapter = try #require(embedder.adapter)
        return [all.bits] + (try adapter.parameters.map { try #require(gradients[$0]).bits })
    }

    @Test func threads() throws {
        let embedder = try tiny()
        try embedder.attach(LoRA(rank: 3, dropout: 0.3, targets: [LoRA.everyLinearLayer]))
        embedder.randomizeAdapter()
        let one = try step(embedder, threads: 1)
        for threads in [2, 4] { #expect(try step(embedder, threads: threads) == one) }
    }

    /// What is dropped does not depend on how a batch is cut.
    @Test(arguments: LoRACase.all) func chunks(_ test: LoRACase) throws {
        let embedder = try test.base()
        try embedder.attach(LoRA(rank: 2, dropout: 0.4, targets: [LoRA.everyLinearLayer]))
        // Larger adapters of some of these random models make rounding errors ten thousand times larger.
        embedder.randomizeAdapter(size: 0.1)
        let sequences = try test.sequences()
        var tape = Tape(.training(seed: 3))
        let whole = embedder.encoder(TokenBatch(sequences), on: &tape).last
        #expect(whole.values != embedder.lastStates(sequences).values)
        var starts = [0]
        for sequence in sequences { starts.append(starts[starts.count - 1] + sequence.count) }
        for (chunk, members) in TokenBatch.chunks(of: sequences, tokens: 12) {
            var tape = Tape(.training(seed: 3))
            let part = embedder.encoder(chunk, on: &tape).last
            let rows = members.flatMap { Array(starts[$0]..<starts[$0 + 1]) }
            expectClose(
                part, whole.rows(at: rows).values.map(Double.init), relative: 1e-4, absolute: 1e-5)
        }
    }

    /// The adapter learns, and the model around it stays as it is, to the bit.
    @Test func learning() throws {
        let embedder = try tiny()
        try embedder.attach(LoRA(rank: 4))
        let bits = embedder.baseBits
        let parameters = try #require(embedder.adapter).parameters
        let moments = parameters.map { AdamWMoments(shape: $0.shape) }
        let batches = [
            sampleTexts.filter { $0.count > 3 }, sampleTexts.reversed().filter { $0.count > 3 },
        ]
        .map { TokenBatch($0.map { embedder.tokenIDs(of: $0).ids }) }
        var losses: [Float] = []
        for step in 1...20 {
            var tape = Tape(.training(seed: UInt64(step)))
            let a = embedder.embed(batches[0], on: &tape)
            let b = embedder.embed(batches[1], on: &tape)
            let loss = tape.inBatchLoss(a, b, form: .softmax, temperature: 0.05)
            losses.append(loss.scalar)
            let gradients = tape.backward(from: loss)
            let settings = AdamWStep(
                rate: 2e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0, step: step)
            for (parameter, own) in zip(parameters, moments) {
                own.pieces(of: parameter, gradients, settings).forEach { $0.run() }
            }
        }
        #expect(losses[19] < 0.8 * losses[0], "\(losses)")
        #expect(embedder.baseBits == bits)
        let unmerged = embedder.embeddings(of: sampleTexts, threads: 1)
        embedder.mergeAdapter()
        expectClose(
            embedder.embeddings(of: sampleTexts, threads: 1), unmerged.values.map(Double.init),
            relative: 0, absolute: 1e-5)
        #expect(embedder.baseBits != bits)
    }
}
