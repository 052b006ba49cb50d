import Checkpoints
import Layers
import Tokenizers
import Uniem

/// What there is to say about a model.
struct ModelReport {
    private let folder: String
    private let embedder: Embedder
    private let tokenizerKind: String

    /// Loads the model in `folder`.
    init(folder: String) throws {
        self.folder = folder
        embedder = try Embedder.load(folder)
        tokenizerKind = try ModelReport.tokenizerKind(folder)
    }

    /// The sizes that a configuration names, in its own words: BERT's and its kin's, T5's, GPT-2's, DistilBERT's.
    private static let sizes = [
        "vocab_size", "hidden_size", "embedding_size", "num_hidden_layers", "num_attention_heads",
        "intermediate_size", "max_position_embeddings",
        "d_model", "num_layers", "num_heads", "d_kv", "d_ff",
        "n_embd", "n_layer", "n_head", "n_positions",
        "dim", "n_layers", "n_heads", "hidden_dim",
    ]

    private var configuration: JSON { embedder.encoder.configuration }
    private var family: String { configuration["model_type"]?.string ?? "unknown" }

    /// One fact a line.
    var text: String {
        let count = embedder.parameterCount
        var facts: [(name: String, value: String)] = [
            ("Model", folder), ("Family", family),
        ]
        for key in ModelReport.sizes {
            if let value = configuration[key]?.int { facts.append((key, "\(value)")) }
        }
        facts += [
            (
                "Parameters",
                "\(Facts.grouped(count)) (\(NumberText.bytes(4 * count)) as float32)"
            ),
            ("Vector", "\(embedder.dimension) numbers"),
            ("Pooling", embedder.pooling.rawValue),
            ("Normalisation", embedder.normalizes ? "to length 1" : "none"),
            ("Longest text", "\(embedder.maxLength) tokens"),
            ("Tokenizer", "\(tokenizerKind), \(embedder.tokenizer.vocabularySize) tokens"),
        ]
        let unused = embedder.loadReport.unused
        if !unused.isEmpty { facts.append(("Unused tensors", unused.joined(separator: ", "))) }
        return Facts.text(facts)
    }

    /// The names and shapes of all parameters, a line each.
    var parameterTable: String {
        Facts.text(
            embedder.encoder.store.parameters.map { ($0.name, $0.shape.description) })
    }

    /// The same facts for programs.
    func json(withParameters: Bool) -> JSON {
        var json: JSON = [
            "kind": "model", "path": .string(folder), "family": .string(family),
        ]
        for key in ModelReport.sizes {
            if let value = configuration[key]?.int { json.set(key, .int(value)) }
        }
        let rest: [(String, JSON)] = [
            ("parameter_count", .int(embedder.parameterCount)),
            ("parameter_bytes", .int(4 * embedder.parameterCount)),
            ("dimension", .int(embedder.dimension)),
            ("pooling", .string(embedder.pooling.rawValue)),
            ("normalizes", .bool(embedder.normalizes)),
            ("max_length", .int(embedder.maxLength)),
            ("tokenizer", .string(tokenizerKind)),
            ("tokenizer_vocabulary_size", .int(embedder.tokenizer.vocabularySize)),
            ("unused_tensors", .array(embedder.loadReport.unused.map(JSON.string))),
        ]
        for (key, value) in rest { json.set(key, value) }
        if withParameters {
            let list = embedder.encoder.store.parameters.map { parameter -> JSON in
                [
                    "name": .string(parameter.name),
                    "shape": .array(parameter.shape.dimensions.map(JSON.int)),
                ]
            }
            json.set("parameters", .array(list))
        }
        return json
    }

    /// The model of the tokenizer, as its file calls it.
    private static func tokenizerKind(_ folder: String) throws -> String {
        var place = folder
        if FileBytes.exists(folder + "/modules.json") {
            let modules = try JSON(contentsOf: folder + "/modules.json").array ?? []
            let transformer = modules.first {
                $0["type"]?.string?.hasSuffix(".Transformer") ?? false
            }
            if let path = transformer?["path"]?.string, !path.isEmpty { place += "/" + path }
        }
        let path = place + "/tokenizer.json"
        guard FileBytes.exists(path) else { return "WordPiece (vocab.txt)" }
        return try JSON(contentsOf: path)["model"]?["type"]?.string ?? "unknown"
    }
}
