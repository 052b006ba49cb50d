import Checkpoints
import Encoders
import Files
import Layers
import Tensors
import TestSupport
import Testing

/// A model and what Transformers computes with it, in one of the roots.
struct EncoderCase: CustomTestStringConvertible, Sendable {
    let root: String
    let rootName: String
    let model: String

    var testDescription: String { "\(rootName) \(model)" }

    /// Every model that a root lists, but those without safetensors. The tiny ones of all families, made of random
    /// numbers, stand in `Fixtures/encoders`.
    static let all: [EncoderCase] = {
        var roots = GoldenRoot.all.map { (name: $0.description, folder: $0.folder) }
        roots.append(("encoders", GoldenRoot.all[0].folder + "/../encoders"))
        return roots.flatMap { root in
            let index = try? JSON(contentsOf: root.folder + "/forward/index.json")
            return (index?["models"]?.members ?? []).map {
                EncoderCase(root: root.folder, rootName: root.name, model: $0.key)
            }.filter { FileBytes.exists($0.folder + "/model.safetensors") }
        }
    }()

    var folder: String { root + "/models/" + model }

    func golden() throws -> GoldenFile {
        try GoldenFile(path: root + "/forward/\(model).safetensors")
    }

    /// What the index says about the model.
    func facts() throws -> JSON {
        try #require(try JSON(contentsOf: root + "/forward/index.json")["models"]?[model])
    }

    func configuration() throws -> JSON { try JSON(contentsOf: folder + "/config.json") }

    /// The encoder and what its checkpoint holds beside its parameters; without dropout where it is to be trained.
    func encoder(
        dropout: Bool = true
    ) throws -> (encoder: any Encoder, report: LoadReport) {
        var configuration = try configuration()
        if !dropout { configuration = EncoderCase.withoutDropout(configuration) }
        let path = folder + "/config.json"
        let family = try EncoderFamily(configuration, path: path)
        let source = try CheckpointSource(folder: folder, rules: family.keyRules)
        let encoder = try family.makeEncoder(configuration, path: path, source: source)
        return (encoder, source.report)
    }

    static func withoutDropout(_ json: JSON) -> JSON {
        var json = json
        for (key, value) in json.members ?? []
        where (key.contains("dropout") || key.hasSuffix("_pdrop")) && value.double != nil {
            json.set(key, 0)
        }
        return json
    }
}

/// A padded batch of the reference without its padding.
struct Ragged {
    let sequences: [[Int32]]
    let padded: [[Int32]]
    let width: Int

    init(_ file: GoldenFile, suffix: String = "") throws {
        let mask = try file.integers("attention_mask" + suffix)
        padded = try file.integers("input_ids" + suffix).map { $0.map { Int32($0) } }
        width = mask[0].count
        sequences = zip(padded, mask).map { row, mask in
            zip(row, mask).filter { $0.1 == 1 }.map(\.0)
        }
    }

    /// The rows of the padded [n, width, H] numbers that are not padding.
    func packed(_ padded: [Double], hidden: Int) -> [Double] {
        sequences.enumerated().flatMap { index, sequence in
            padded[(index * width * hidden)..<(index * width + sequence.count) * hidden]
        }
    }
}

/// The largest difference of two lists of numbers.
func largestDifference(_ actual: Tensor, _ expected: [Double]) -> Double {
    zip(actual.values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
}
