import Checkpoints
import Encoders
import Files
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct EncoderGoldenTests {
    @Test(arguments: EncoderCase.all) func hiddenStates(_ test: EncoderCase) throws {
        let golden = try test.golden()
        let (encoder, report) = try test.encoder()
        #expect(report.unused == [], "unused tensors")
        let ragged = try Ragged(golden)
        let h = encoder.hiddenSize
        var tape = Tape(.inference)
        let states = encoder.states(TokenBatch(ragged.sequences), keepingLayers: true, on: &tape)
        var worst = 0.0
        let layers = [states.embeddings] + states.layers
        #expect(layers.count == (try test.facts()["hidden_states"]?.int))
        for (index, layer) in layers.enumerated()
        where golden.contains("f32.hidden_states.\(index)") {
            let expected = ragged.packed(
                try golden.doubles("f32.hidden_states.\(index)"), hidden: h)
            expectClose(layer, expected, relative: 0, absolute: 2e-5, "layer \(index)")
            worst = max(worst, largestDifference(layer, expected))
        }
        let last = ragged.packed(try golden.doubles("f64.last_hidden_state"), hidden: h)
        expectClose(states.last, last, relative: 0, absolute: 2e-5, "last layer")
        worst = max(worst, largestDifference(states.last, last))
        print("\(test.testDescription): hidden states within \(worst)")
    }

    /// The mean of word rows and last layer, the one result that needs the word table alone.
    @Test(arguments: EncoderCase.all) func wordRows(_ test: EncoderCase) throws {
        let golden = try test.golden()
        let (encoder, _) = try test.encoder()
        let ragged = try Ragged(golden)
        let batch = TokenBatch(ragged.sequences)
        var tape = Tape(.inference)
        let words = encoder.wordEmbeddings(batch, on: &tape)
        #expect(words.shape == [batch.ids.count, encoder.wordEmbeddingSize])
        let name = "f64.pooled.embedding_last_mean.mask_given"
        guard encoder.wordEmbeddingSize == encoder.hiddenSize else {
            #expect(!golden.contains(name))
            return
        }
        let last = encoder(batch, on: &tape).last
        let a = tape.pool(words, offsets: batch.offsets, by: .mean)
        let b = tape.pool(last, offsets: batch.offsets, by: .mean)
        let sum = tape.add(a, b)
        expectClose(
            tape.scale(sum, by: 0.5), try golden.doubles(name), relative: 0, absolute: 2e-5)
    }

    /// The loss of two batches and the gradients of all parameters.
    @Test(arguments: EncoderCase.all) func gradients(_ test: EncoderCase) throws {
        let golden = try test.golden()
        guard golden.names.contains(where: { $0.hasPrefix("f64.grad.") }) else { return }
        let facts = try test.facts()
        let (encoder, _) = try test.encoder(dropout: false)
        var tape = Tape(.training(seed: 1))
        let isWeighted = facts["grad_strategy"]?.string == "last_weighted"
        let padding = Int32(try #require(facts["pad_token_id_embedder"]?.int))
        func pooled(_ suffix: String, on tape: inout Tape) throws -> Tensor {
            let ragged = try Ragged(golden, suffix: suffix)
            if isWeighted {
                return weighted(encoder, ragged.padded, padding: padding, on: &tape)
            }
            let batch = TokenBatch(ragged.sequences)
            let last = encoder(batch, on: &tape).last
            return tape.pool(last, offsets: batch.offsets, by: .mean)
        }
        let a = try pooled("", on: &tape)
        let b = try pooled("_pos", on: &tape)
        let loss = tape.inBatchLoss(a, b, form: .softmax, temperature: 0.05)
        let expectedLoss = try #require(facts["loss_f64"]?.double)
        #expect(abs(Double(loss.scalar) - expectedLoss) < 1e-5 * max(1, expectedLoss))
        let gradients = tape.backward(from: loss)
        var (worst, worstName) = (0.0, "")
        for parameter in encoder.store.parameters {
            let name = "f64.grad.\(parameter.name)"
            guard golden.contains(name) else {
                #expect(gradients[parameter] == nil, "\(parameter.name) has a gradient")
                continue
            }
            let expected = try golden.doubles(name)
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let gradient = try #require(gradients[parameter])
            // Key biases have a true gradient of 0; what remains there is rounding of the other terms.
            expectClose(
                gradient, expected, relative: 1e-4, absolute: max(2e-5 * largest, 2e-6),
                parameter.name)
            let share = largestDifference(gradient, expected) / max(largest, 1e-3)
            if share > worst { (worst, worstName) = (share, parameter.name) }
        }
        print("\(test.testDescription): gradients within \(worst) of the largest (\(worstName))")
    }

    /// uniem's `last_weighted` in training: the encoder sees the padding, and what is not `padding` by its id counts with
    /// its place in the row. Later tokens do not change earlier ones in a causal encoder, so this needs no mask.
    private func weighted(
        _ encoder: any Encoder, _ rows: [[Int32]], padding: Int32, on tape: inout Tape
    ) -> Tensor {
        let batch = TokenBatch(rows)
        let last = encoder(batch, on: &tape).last
        let width = rows[0].count
        var weights = [Float](repeating: 0, count: rows.count * rows.count * width)
        for (index, row) in rows.enumerated() {
            let raw = row.enumerated().map { $1 == padding ? 0 : Float($0 + 1) }
            let total = raw.reduce(0, +)
            for (place, weight) in raw.enumerated() {
                weights[(index * rows.count + index) * width + place] = weight / total
            }
        }
        return tape.product(Tensor(weights, shape: [rows.count, rows.count * width]), last)
    }

    /// What is saved are the tensors that were read, under the same names and in the same shapes.
    @Test(arguments: EncoderCase.all) func names(_ test: EncoderCase) throws {
        let file = try GoldenFile(path: test.folder + "/model.safetensors")
        let family = try EncoderFamily(try test.configuration(), path: "")
        let (encoder, report) = try test.encoder()
        let kept = file.names.filter { KeyRule.apply(family.keyRules, to: $0) != nil }
        let saved = Set(encoder.store.parameters.map(\.name))
        #expect(saved == Set(kept.map { report.renamed[$0] ?? $0 }))
        for name in kept {
            let parameter = try #require(encoder.store[report.renamed[name] ?? name])
            #expect(try parameter.value.bits == file.tensor(name).bits, "\(name)")
        }
    }

    /// Fresh encoders have the same parameters as loaded ones.
    @Test(arguments: EncoderCase.all) func fresh(_ test: EncoderCase) throws {
        let (loaded, _) = try test.encoder()
        let configuration = try test.configuration()
        let family = try EncoderFamily(configuration, path: "")
        let fresh = try family.makeEncoder(
            configuration, path: "", source: RandomSource(seed: 1))
        func shapes(_ encoder: any Encoder) -> [String] {
            // A checkpoint need not have the pooler.
            encoder.store.parameters.filter { !$0.name.hasPrefix("pooler") }.map {
                "\($0.name) \($0.shape)"
            }
        }
        #expect(shapes(fresh) == shapes(loaded))
        var tape = Tape(.inference)
        let last = fresh(TokenBatch([[3, 4, 5], [6]]), on: &tape).last
        #expect(last.isFinite && last.shape == [4, fresh.hiddenSize])
    }

    /// How a batch is cut does not change a row, and dropout draws by rows: the same for chunks and the whole.
    @Test(arguments: EncoderCase.all) func chunks(_ test: EncoderCase) throws {
        let (encoder, _) = try test.encoder()
        let sequences: [[Int32]] = [[3, 4, 5, 6, 7, 8, 9], [4, 3], [9, 8, 7, 6], [5]]
        for mode in [Tape.Mode.inference, .training(seed: 3)] {
            var tape = Tape(mode)
            let whole = encoder(TokenBatch(sequences), on: &tape).last
            var starts = [0]
            for sequence in sequences { starts.append(starts[starts.count - 1] + sequence.count) }
            for (chunk, members) in TokenBatch.chunks(of: sequences, tokens: 7) {
                var tape = Tape(mode)
                let part = encoder(chunk, on: &tape).last
                let rows = members.flatMap { Array(starts[$0]..<starts[$0 + 1]) }
                expectClose(
                    part, whole.rows(at: rows).values.map(Double.init), absolute: 1e-5,
                    "\(members)")
            }
        }
    }
}
