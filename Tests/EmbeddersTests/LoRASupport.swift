import Checkpoints
import Embedders
import Encoders
import Files
import Layers
import TestSupport
import Tensors
import Testing
import Tokenizers

/// An adapter that PEFT saved, its tiny base model, and what PyTorch computes with both.
struct LoRACase: CustomTestStringConvertible, Sendable {
    let name: String
    var testDescription: String { name }

    static let root = GoldenRoot.all[0].folder + "/../lora"
    /// A folder that SentenceTransformer saved.
    static let sentenceTransformers = root + "/sentence-transformers"
    static let all = [
        "bert", "roberta", "xlm-roberta", "ernie", "distilbert", "gpt2", "mpnet", "albert", "t5",
        "mt5", "modernbert", "qwen3",
    ].map { LoRACase(name: $0) }

    var folder: String { LoRACase.root + "/" + name }
    func golden() throws -> GoldenFile {
        try GoldenFile(path: LoRACase.root + "/\(name).safetensors")
    }

    /// The base model, which has no dropout; these models have no tokenizers, and take any.
    func base() throws -> Embedder {
        let folder = LoRACase.root + "/../encoders/models/" + name
        var configuration = try JSON(contentsOf: folder + "/config.json")
        for (key, value) in configuration.members ?? []
        where (key.contains("dropout") || key.hasSuffix("_pdrop")) && value.double != nil {
            configuration.set(key, 0)
        }
        let family = try EncoderFamily(configuration, path: folder)
        let encoder = try family.makeEncoder(
            configuration, path: folder,
            source: CheckpointSource(folder: folder, rules: family.keyRules))
        return Embedder(
            tokenizer: try Tokenizer(folder: fixture("bert-tiny")), encoder: encoder,
            poolings: [.lastMean])
    }

    /// The token ids of a padded batch, without padding.
    func sequences(_ suffix: String = "") throws -> [[Int32]] {
        let golden = try golden()
        let mask = try golden.integers("attention_mask" + suffix)
        return zip(try golden.integers("input_ids" + suffix), mask).map { row, mask in
            zip(row, mask).filter { $0.1 == 1 }.map { Int32($0.0) }
        }
    }

    /// The last hidden states that PEFT gives, without padding.
    func lastStates(hidden: Int) throws -> [Double] {
        let golden = try golden()
        let all = try golden.doubles("f64.last_hidden_state")
        let width = try golden.integers("input_ids")[0].count
        return try sequences().enumerated().flatMap { index, sequence in
            all[(index * width * hidden)..<(index * width + sequence.count) * hidden]
        }
    }
}

extension Embedder {
    /// Gives the adapter's B numbers that are not zero, as if it had learnt.
    func randomizeAdapter(seed: UInt64 = 1, size: Float = 0.2) {
        var random = TestRandom(seed)
        for parameter in adapter?.parameters ?? [] where parameter.name.contains("lora_B") {
            parameter.assign(random.tensor(parameter.shape, in: -size...size))
        }
    }

    /// The vectors of ``sampleTexts``, to the bit.
    var sampleBits: [UInt32] { embeddings(of: sampleTexts, threads: 1).bits }

    /// The last hidden states of `sequences`.
    func lastStates(_ sequences: [[Int32]]) -> Tensor {
        var tape = Tape(.inference)
        return encoder(TokenBatch(sequences), on: &tape).last
    }

    /// The bits of all parameters but the adapter's.
    var baseBits: [[UInt32]] {
        let own = Set(adapter?.parameters.map(\.name) ?? [])
        return store.parameters.filter { !own.contains($0.name) }.map(\.value.bits)
    }
}
