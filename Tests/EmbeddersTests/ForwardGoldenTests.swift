import Checkpoints
import Embedders
@testable import Encoders
import Files
import Layers
import Tensors
import TestSupport
import Testing

/// A model and reference results of Transformers for it, in one of the roots.
private struct ForwardCase: CustomTestStringConvertible, Sendable {
    let root: GoldenRoot
    let model: String
    var testDescription: String { "\(root) \(model)" }

    static let all: [ForwardCase] = GoldenRoot.all.flatMap { root in
        ["bert-tiny", "bert-old-names", "bert-tiny-fp16", "bert-tiny-bf16", "bert-sharded"].map {
            ForwardCase(root: root, model: $0)
        }
    }

    var folder: String { root.folder + "/models/" + model }
    func golden() throws -> GoldenFile { try root.tensors("forward/\(model).safetensors") }
}

/// A padded batch of the reference without its padding.
private struct Ragged {
    let sequences: [[Int32]]
    let width: Int

    init(_ file: GoldenFile, ids: String = "input_ids", mask: String = "attention_mask") throws {
        let (ids, mask) = (try file.integers(ids), try file.integers(mask))
        width = ids[0].count
        sequences = zip(ids, mask).map { row, mask in
            zip(row, mask).filter { $0.1 == 1 }.map { Int32($0.0) }
        }
    }

    /// The rows of the padded [n, width, H] numbers that are not padding.
    func packed(_ padded: [Double], hidden: Int) -> [Double] {
        sequences.enumerated().flatMap { index, sequence in
            padded[(index * width * hidden)..<(index * width + sequence.count) * hidden]
        }
    }
}

@Suite struct ForwardGoldenTests {
    @Test(arguments: ForwardCase.all) private func hiddenStates(_ test: ForwardCase) throws {
        let golden = try test.golden()
        let embedder = try Embedder.load(test.folder)
        let bert = try #require(embedder.encoder as? BERT)
        let ragged = try Ragged(golden)
        var tape = Tape(.inference)
        let states = bert.states(TokenBatch(ragged.sequences), keepingLayers: true, on: &tape)
        let layers = [states.embeddings] + states.layers
        for (index, layer) in layers.enumerated()
        where golden.contains("f32.hidden_states.\(index)") {
            let expected = ragged.packed(
                try golden.doubles("f32.hidden_states.\(index)"), hidden: bert.hiddenSize)
            expectClose(layer, expected, relative: 0, absolute: 1e-5, "layer \(index)")
        }
        let last = ragged.packed(
            try golden.doubles("f64.last_hidden_state"), hidden: bert.hiddenSize)
        expectClose(states.last, last, relative: 0, absolute: 1e-5, "last layer")
    }

    @Test(arguments: ForwardCase.all) private func poolings(_ test: ForwardCase) throws {
        let golden = try test.golden()
        let ragged = try Ragged(golden)
        for pooling in Pooling.uniemStrategies {
            let embedder = try Embedder.load(test.folder, pooling: pooling)
            var tape = Tape(.inference)
            let vectors = embedder.embed(TokenBatch(ragged.sequences), on: &tape)
            let h = embedder.dimension
            let expected = try golden.doubles("f64.pooled.\(pooling.rawValue).mask_given")
            for (index, sequence) in ragged.sequences.enumerated() {
                var row = Array(expected[index * h..<(index + 1) * h])
                if pooling == .lastWeighted && sequence.count < ragged.width {
                    // uniem calls the encoder without a mask here, so shorter rows of its batch attend to padding.
                    // What is right follows from the hidden states with the mask.
                    let hidden = try golden.doubles("f64.last_hidden_state")
                    let base = index * ragged.width * h
                    let total = Double(sequence.count * (sequence.count + 1)) / 2
                    row = (0..<h).map { j in
                        (0..<sequence.count).reduce(0.0) {
                            $0 + Double($1 + 1) * hidden[base + $1 * h + j]
                        } / total
                    }
                }
                expectClose(
                    vectors.row(index).map(Double.init), row, relative: 0, absolute: 1e-5,
                    "\(pooling.rawValue), row \(index)")
            }
        }
    }

    /// The loss of two batches and the gradients of all parameters, at once through chunks and by hand.
    @Test(arguments: ForwardCase.all) private func gradients(_ test: ForwardCase) throws {
        let golden = try test.golden()
        guard golden.names.contains(where: { $0.hasPrefix("f64.grad.") }) else { return }
        let embedder = try Embedder.load(test.folder, pooling: .lastMean)
        let texts = try Ragged(golden).sequences
        let positives = try Ragged(golden, ids: "input_ids_pos", mask: "attention_mask_pos")
            .sequences
        // Dropout is part of training tapes; the reference has none.
        let quiet = try Embedder.withoutDropout(test.folder)
        var tape = Tape(.training(seed: 1))
        let a = quiet.embed(TokenBatch(texts), on: &tape)
        let b = quiet.embed(TokenBatch(positives), on: &tape)
        let loss = tape.inBatchLoss(a, b, form: .softmax, temperature: 0.05)
        let index = try test.root.json("forward/index.json")
        let expectedLoss = try #require(index["models"]?[test.model]?["loss_f64"]?.double)
        #expect(abs(Double(loss.scalar) - expectedLoss) < 1e-5 * max(1, expectedLoss))
        let gradients = tape.backward(from: loss)
        for parameter in quiet.encoder.store.parameters {
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
        }
        #expect(embedder.parameterCount == quiet.parameterCount)
    }

    @Test(.enabled(if: SharedReference.isAvailable && SharedReference.miniLM != nil))
    func miniLM() throws {
        let golden = try GoldenFile(
            path: SharedReference.path("reference/forward/all-MiniLM-L6-v2.safetensors"))
        let json = try JSON(
            contentsOf: SharedReference.path("reference/forward/all-MiniLM-L6-v2.json"))
        let sentences = (json["sentences"]?.array ?? []).compactMap(\.string)
        let embedder = try Embedder.load(try #require(SharedReference.miniLM))
        #expect(
            embedder.normalizes && embedder.poolings == [.lastMean] && embedder.maxLength == 256)
        let vectors = embedder.embeddings(of: sentences)
        expectClose(
            vectors, try golden.doubles("embeddings"), relative: 0, absolute: 1e-5, "embeddings")
    }
}

extension Embedder {
    /// The model in `folder`, with the same weights and no dropout.
    static func withoutDropout(_ folder: String) throws -> Embedder {
        let model = try Embedder.load(folder, pooling: .lastMean)
        var configuration = model.encoder.configuration
        configuration.set("hidden_dropout_prob", 0)
        configuration.set("attention_probs_dropout_prob", 0)
        let family = try EncoderFamily(configuration, path: folder)
        let encoder = try family.makeEncoder(
            configuration, path: folder,
            source: CheckpointSource(folder: folder, rules: family.keyRules))
        return Embedder(tokenizer: model.tokenizer, encoder: encoder, poolings: [.lastMean])
    }
}
