public import Embedders
public import Layers
internal import Tensors
internal import Tokenizers

/// Which parameters learn.
public enum Strategy: Sendable, Equatable {
    /// All.
    case full
    /// Those whose names contain one of the keywords; by default the biases (BitFit; Zaken et al. 2021, arXiv
    /// 2106.10199).
    case bitFit(keywords: [String] = ["bias"])
    /// New special tokens that begin each text: their rows of the word table alone, or everything.
    case prefix(PrefixTraining)
    /// Low-rank adapters beside frozen linear layers (Hu et al. 2021, arXiv 2106.09685).
    case lora(LoRA)
    /// The last layers of the encoder and what comes after them.
    case lastLayers(Int)
    /// Those in whose names a regular expression finds a match.
    case only(pattern: String)

    /// The name, as in `--strategy`.
    public var name: String {
        switch self {
        case .full: "full"
        case .bitFit: "bitfit"
        case .prefix: "prefix"
        case .lora: "lora"
        case .lastLayers: "last"
        case .only: "only"
        }
    }

    /// The model that trains: `embedder` itself, or one with new tokens or adapters.
    ///
    /// Adapters are attached to `embedder`; new tokens make a new embedder. All that is random comes from `seed`.
    /// Throws a ``TrainingError`` or `FileError` where the model cannot be trained so.
    func prepare(_ embedder: Embedder, seed: UInt64) throws -> Embedder {
        switch self {
        case .full, .bitFit, .lastLayers, .only: return embedder
        case .prefix(let prefix): return try prefix.prepare(embedder, seed: seed)
        case .lora(let lora):
            try embedder.attach(lora, seed: seed)
            return embedder
        }
    }

    /// Freezes what does not learn and thaws the rest; throws a ``TrainingError`` where nothing would learn. New tokens
    /// and adapters must be there already.
    public func apply(to embedder: Embedder) throws {
        let store = embedder.store
        store.thawAll()
        switch self {
        case .full: break
        case .bitFit(let keywords):
            try freeze(
                store, none: "no parameter's name contains \(keywords.joined(separator: " or "))"
            ) { name in keywords.contains { name.contains($0) } }
        case .prefix(let prefix): try prefix.apply(to: embedder)
        case .lora:
            try freeze(store, none: "no adapter was attached") { name in
                name.contains(".lora_A.") || name.contains(".lora_B.")
            }
        case .lastLayers(let count):
            let names = try LayerNames(store).last(count)
            try freeze(store, none: "no parameter is in the last \(count) layers") {
                names.contains($0)
            }
        case .only(let pattern):
            guard let regex = try? Regex(pattern) else {
                throw TrainingError.invalid(
                    "\"\(pattern)\" is no regular expression",
                    "see the names with uniem inspect MODEL --parameters"
                )
            }
            try freeze(store, none: "no parameter's name matches \"\(pattern)\"") {
                $0.firstMatch(of: regex) != nil
            }
        }
    }

    private func freeze(
        _ store: ParameterStore, none: String, where learns: (String) -> Bool
    ) throws(TrainingError) {
        var isAny = false
        for parameter in store.parameters {
            parameter.isFrozen = !learns(parameter.name)
            if !parameter.isFrozen { isAny = true }
        }
        guard isAny else {
            store.thawAll()
            throw .invalid(none, "see the names with uniem inspect MODEL --parameters")
        }
    }
}

/// New special tokens before each text: soft words that the model learns to read a task from.
///
/// Replicates uniem's `PrefixTraining`; unlike there, the rows of other words do not decay, and the prefix is stored
/// with the model as its prompt `query`.
public struct PrefixTraining: Sendable, Equatable {
    /// The new special tokens, as in `[Q1]`.
    public var tokens: [String]
    /// What is put before each text; the tokens one after the other where left out.
    public var prefix: String?
    /// Whether only the rows of the tokens learn; else everything does.
    public var trainsOnlyTokens = true
    /// Whether every text gets the prefix; else only the first of a row, the query, as in uniem.
    public var isOnAllTexts = false

    /// A prefix of `tokens`.
    public init(
        tokens: [String], prefix: String? = nil, trainsOnlyTokens: Bool = true,
        isOnAllTexts: Bool = false
    ) {
        (self.tokens, self.prefix) = (tokens, prefix)
        (self.trainsOnlyTokens, self.isOnAllTexts) = (trainsOnlyTokens, isOnAllTexts)
    }

    /// What is put before texts.
    public var text: String { prefix ?? tokens.joined() }

    fileprivate func prepare(_ embedder: Embedder, seed: UInt64) throws -> Embedder {
        guard !tokens.isEmpty else {
            throw TrainingError.invalid("prefix training without tokens", "name some, as in [Q1]")
        }
        for token in tokens where !text.contains(token) {
            throw TrainingError.invalid(
                "the prefix \"\(text)\" does not hold the token \(token)",
                "put it there, or leave the token out")
        }
        let isNew = tokens.contains { embedder.tokenizer.id(of: $0) == nil }
        let grown = isNew ? try embedder.addingSpecialTokens(tokens, seed: seed) : embedder
        var prompts = grown.prompts.adding(name: "query", text: text, asDefault: true)
        if !isOnAllTexts {
            prompts = prompts.adding(name: "document", text: "", asDefault: false)
        }
        return grown.with(prompts: prompts)
    }

    fileprivate func apply(to embedder: Embedder) throws {
        guard trainsOnlyTokens else { return }
        let name = embedder.wordTableName
        guard let table = embedder.store[name] else {
            preconditionFailure("the word table \(name) is not in the store")
        }
        let rows = tokens.compactMap { embedder.tokenizer.id(of: $0).map(Int.init) }.sorted()
        guard let first = rows.first, let last = rows.last, rows.count == tokens.count,
            last - first + 1 == rows.count
        else {
            throw TrainingError.invalid(
                "the tokens \(tokens.joined(separator: " ")) are not neighbours in the word table",
                "train tokens that were added together, or everything")
        }
        for parameter in embedder.store.parameters { parameter.isFrozen = parameter !== table }
        table.trainableRows = first..<last + 1
    }
}

/// The layers of an encoder, found in the names of its parameters.
struct LayerNames {
    /// How many there are.
    let count: Int
    private let names: [(name: String, layer: Int?)]
    private let lastLayered: Int

    /// Throws a ``TrainingError`` where the names have no layers, or one layer is used several times.
    init(_ store: ParameterStore) throws(TrainingError) {
        let all = store.parameters.map(\.name)
        guard !all.contains(where: { $0.contains("albert_layer_groups") }) else {
            throw .invalid(
                "all layers of this model are one and the same", "choose another strategy")
        }
        names = all.map { ($0, LayerNames.layer(of: $0)) }
        guard let last = names.lastIndex(where: { $0.layer != nil }) else {
            throw .invalid("this model has no numbered layers", "choose another strategy")
        }
        lastLayered = last
        count = (names.compactMap(\.layer).max() ?? 0) + 1
    }

    /// The names in the last `wanted` layers, and of what comes after the layers; without the pooler, which takes no
    /// part in embeddings, and position tables that all layers share.
    func last(_ wanted: Int) throws(TrainingError) -> Set<String> {
        guard (1...count).contains(wanted) else {
            throw .invalid(
                "the last \(wanted) layers of \(count)", "give a whole number from 1 to \(count)")
        }
        var result = Set<String>()
        for (index, (name, layer)) in names.enumerated() {
            guard !name.hasPrefix("pooler."), !name.contains("relative_attention_bias") else {
                continue
            }
            if layer.map({ $0 >= count - wanted }) ?? (index > lastLayered) { result.insert(name) }
        }
        return result
    }

    /// The number behind `layer`, `layers`, `block` or `h` in `name`.
    private static func layer(of name: String) -> Int? {
        let parts = name.split(separator: ".")
        for (place, part) in parts.enumerated().dropLast()
        where ["layer", "layers", "block", "h"].contains(part) {
            if let number = Int(parts[place + 1]) { return number }
        }
        return nil
    }
}

/// The learning rate that uniem suggests for a model with that many learning numbers.
public func suggestedLearningRate(trainableParameters: Int) -> Double {
    switch trainableParameters {
    case ...80_000_000: 1e-4
    case ...200_000_000: 5e-5
    default: 8e-6
    }
}
