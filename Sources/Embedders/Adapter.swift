internal import Encoders
internal import Files
public import Layers
public import Tensors

/// Low-rank adapters on linear layers of an embedder's encoder (Hu et al. 2021, arXiv 2106.09685).
public struct Adapter: Sendable {
    /// The settings.
    public let settings: LoRA
    /// The layers that have an adapter, in the order of the model.
    public let layers: [LinearLayer]
    /// The parameters that learn, A and B of each layer, under PEFT's names:
    /// `encoder.layer.0.attention.self.query.lora_A.weight`.
    public let parameters: [Parameter]
    /// Those of the model that were not frozen before.
    fileprivate let thawed: [Parameter]

    /// The names of the layers.
    public var layerNames: [String] { layers.map(\.name) }
    /// How many numbers learn.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }
}

extension Embedder {
    /// Attaches fresh adapters to the layers that `settings` names; they change no vector before they have learnt.
    ///
    /// All parameters of the model are frozen, so training costs no arithmetic for their gradients; those of the
    /// adapters stand at the end of ``store``. They begin as PEFT's do, from numbers that are a function of `seed` and
    /// the names of the layers. No tape of this model may be alive.
    ///
    /// Throws an ``AdapterError`` for settings that do not fit the model, and where it has an adapter.
    public func attach(_ settings: LoRA, seed: UInt64 = 42) throws {
        try settings.validate()
        let layers = try encoder.store.linearLayers(
            for: settings, usual: try usualTargets(for: settings))
        try attach(
            settings, layers.map { AdaptedLayer(layer: $0, rank: settings.rank) },
            source: RandomSource(seed: seed))
    }

    /// Adds what the adapter has learnt to the weights of its layers and removes it; nothing happens without one.
    ///
    /// The model is one like any other then. No tape of this model may be alive.
    public func mergeAdapter() {
        adapter?.layers.forEach { $0.mergeAdapter() }
        removeAdapter()
    }

    /// Removes the adapter with all that it has learnt; nothing happens without one. No tape of this model may be
    /// alive.
    public func detachAdapter() {
        adapter?.layers.forEach { $0.detachAdapter() }
        removeAdapter()
    }

    /// Attaches adapters with the parameters that `source` has.
    func attach(
        _ settings: LoRA, _ adapted: [AdaptedLayer], source: any ParameterSource
    ) throws {
        guard adapter == nil, adapted.allSatisfy({ $0.layer.adapter == nil }) else {
            throw AdapterError.alreadyAttached
        }
        let own = ParameterStore()
        let parts = try adapted.map {
            try LowRankAdapter(
                of: $0.layer, settings, rank: $0.rank, alpha: $0.alpha, store: own, source: source)
        }
        let thawed = store.parameters.filter { !$0.isFrozen }
        thawed.forEach { $0.isFrozen = true }
        for (place, part) in zip(adapted, parts) { place.layer.attach(part) }
        store = ParameterStore(store.parameters + own.parameters)
        adapter = Adapter(
            settings: settings, layers: adapted.map(\.layer), parameters: own.parameters,
            thawed: thawed)
    }

    private func removeAdapter() {
        guard let adapter else { return }
        let names = Set(adapter.parameters.map(\.name))
        store = ParameterStore(store.parameters.filter { !names.contains($0.name) })
        adapter.thawed.forEach { $0.isFrozen = false }
        self.adapter = nil
    }

    /// The layers that usually get an adapter, where `settings` name none.
    private func usualTargets(for settings: LoRA) throws(AdapterError) -> [String] {
        if settings.targets != nil || settings.targetPattern != nil { return [] }
        do throws(FileError) {
            return try EncoderFamily(encoder.configuration, path: "config.json").usualAdapterTargets
        } catch {
            throw .noUsualTargets(
                architecture: encoder.configuration["model_type"]?.string ?? "this architecture",
                known: encoder.store.shortNames)
        }
    }
}

/// A layer that gets an adapter.
struct AdaptedLayer {
    let layer: LinearLayer
    let rank: Int
    /// In place of that of the settings.
    var alpha: Double?
}
