import Checkpoints
import Layers
import Tokenizers
import Uniem

/// What there is to say about a model.
struct ModelReport {
    private let folder: String
    private let name: String
    /// The model.
    let embedder: Embedder

    /// Loads the model in `folder`.
    ///
    /// - Parameter name: what the user called it.
    init(folder: String, name: String) throws {
        (self.folder, self.name) = (folder, name)
        embedder = try Embedder.load(folder)
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
            ("Model", name), ("Family", family),
            ("Model type", ModelType.inferred(from: name).rawValue + " by its name"),
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
            ("Pooling", Pooling.name(of: embedder.poolings)),
            ("Layers after pooling", head),
            ("Normalisation", embedder.normalizes ? "to length 1" : "none"),
            ("Longest text", "\(embedder.maxLength) tokens"),
            (
                "Tokenizer",
                "\(embedder.tokenizer.kind), \(embedder.tokenizer.vocabularySize) tokens"
            ),
        ]
        for (name, text) in embedder.prompts.texts {
            let mark = name == embedder.prompts.defaultName ? " (default)" : ""
            facts.append(("Prompt \(name)\(mark)", text.debugDescription))
        }
        let unused = embedder.loadReport.unused
        if !unused.isEmpty { facts.append(("Unused tensors", unused.joined(separator: ", "))) }
        return Facts.text(facts)
    }

    /// What happens between pooling and the last normalisation.
    private var head: String {
        let names = embedder.head.map { module in
            switch module {
            case .dense(let dense): "Dense \(dense.inputs) to \(dense.outputs)"
            case .normalize: "Normalize"
            }
        }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    /// The names and shapes of all parameters, a line each.
    var parameterTable: String {
        Facts.text(
            embedder.store.parameters.map { ($0.name, $0.shape.description) })
    }

    /// The same facts for programs.
    func json(withParameters: Bool) -> JSON {
        var json: JSON = [
            "kind": "model", "path": .string(folder), "name": .string(name),
            "family": .string(family),
            "model_type": .string(ModelType.inferred(from: name).rawValue),
        ]
        for key in ModelReport.sizes {
            if let value = configuration[key]?.int { json.set(key, .int(value)) }
        }
        let rest: [(String, JSON)] = [
            ("parameter_count", .int(embedder.parameterCount)),
            ("parameter_bytes", .int(4 * embedder.parameterCount)),
            ("dimension", .int(embedder.dimension)),
            ("pooling", .string(Pooling.name(of: embedder.poolings))),
            ("head", .string(head)),
            ("prompts", .object(embedder.prompts.texts.map { ($0.name, .string($0.text)) })),
            ("default_prompt_name", .optional(embedder.prompts.defaultName)),
            ("normalizes", .bool(embedder.normalizes)),
            ("max_length", .int(embedder.maxLength)),
            ("tokenizer", .string(embedder.tokenizer.kind)),
            ("tokenizer_vocabulary_size", .int(embedder.tokenizer.vocabularySize)),
            ("unused_tensors", .array(embedder.loadReport.unused.map(JSON.string))),
        ]
        for (key, value) in rest { json.set(key, value) }
        if withParameters {
            let list = embedder.store.parameters.map { parameter -> JSON in
                [
                    "name": .string(parameter.name),
                    "shape": .array(parameter.shape.dimensions.map(JSON.int)),
                ]
            }
            json.set("parameters", .array(list))
        }
        return json
    }
}
