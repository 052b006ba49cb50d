internal import Checkpoints
internal import Encoders
internal import Files
internal import Layers
internal import Tensors

extension Embedder {
    /// Attaches the adapter in `folder`, as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors` (or
    /// `.bin`). Whatever else is there counts for nothing; the pooling stays that of this model.
    ///
    /// As ``attach(_:seed:)``, with parameters that have learnt. Throws a ``FileError`` that says what is wrong with
    /// which file, and an ``AdapterError`` where the model has an adapter.
    public func attachAdapter(from folder: String) throws {
        guard let adapter = try AdapterFolder(folder: folder) else {
            throw FileError(
                path: folder, problem: "no \(AdapterConfiguration.fileName)",
                remedy: "give the folder of an adapter")
        }
        let family = try EncoderFamily(encoder.configuration, path: "config.json")
        let content = try adapter.content(for: encoder.store, rules: family.keyRules)
        try attach(content.settings, content.layers, source: content.source)
    }

    /// The name that the adapter in `folder` has for its base model, a hub name or a folder; `nil` where the folder
    /// holds no adapter, or its base model too.
    ///
    /// Throws a ``FileError`` for an adapter of another kind.
    public static func adapterBase(of folder: String) throws -> String? {
        let place = try SentenceTransformersModules(folder: folder, isIgnored: true)
            .transformerFolder
        guard let adapter = try AdapterFolder(folder: place), !adapter.holdsBase else { return nil }
        return adapter.configuration.base
    }

    /// Saves the adapter to `folder` in one step: an older one is replaced only when the new one is complete.
    ///
    /// The folder is PEFT's (`PeftModel.from_pretrained`), and sentence-transformers' where it can express the pooling;
    /// ``load(_:pooling:modelType:baseModel:)`` opens it with its base model. Before it takes its place its tensors are
    /// read again, and where `baseModel` is a folder, a few texts are embedded: a difference from this model in memory
    /// is an error. Throws a ``FileError`` where there is no adapter, or writing fails; what was there before is
    /// unchanged then.
    ///
    /// - Parameter baseModel: the name of the model that the adapter belongs to: its hub name, or its folder, also as
    ///   seen from `folder`. Python looks for a relative folder from where it runs.
    public func saveAdapter(to folder: String, baseModel: String) throws {
        guard let adapter else {
            throw FileError(
                path: folder, problem: "the model has no adapter to save", remedy: "save the model")
        }
        let names = FileBytes.isFolder(folder) ? try FileBytes.names(in: folder) : []
        guard
            names.isEmpty
                || names.contains(AdapterConfiguration.fileName) && !names.contains("config.json")
        else {
            throw FileError(
                path: folder, problem: "the folder holds other things than an adapter",
                remedy: "choose a new or empty folder; saving replaces all that is in it")
        }
        try FileBytes.replaceFolder(folder) { temporary in
            try write(
                adapter.json(baseModel: baseModel, of: encoder.store, usual: usualTargets),
                to: temporary + "/" + AdapterConfiguration.fileName)
            try SafetensorsWriter.write(
                adapter.parameters.map { ("base_model.model." + $0.name, $0.value) },
                metadata: [("format", "pt")], to: temporary + "/" + AdapterFolder.weightsName,
                waits: false)
            let poolingKeys = Pooling.sentenceTransformers(poolings)
            try writeSurroundings(poolingKeys, to: temporary)
            if poolingKeys == nil {
                try write(
                    [
                        "uniem_pooling_strategy": .string(poolings[0].rawValue),
                        Embedder.normalizeKey: .bool(normalizes),
                        Embedder.maxLengthKey: .int(maxLength),
                    ], to: temporary + "/" + ModelPlaces.keysName)
            }
            try verify(adapter, in: temporary)
        }
    }

    /// Reads what was written and compares.
    private func verify(_ adapter: Adapter, in folder: String) throws {
        let family = try EncoderFamily(encoder.configuration, path: "config.json")
        guard let written = try AdapterFolder(folder: folder) else { return }
        let content = try written.content(for: encoder.store, rules: family.keyRules)
        let isSame =
            try zip(adapter.layers, content.layers).allSatisfy { layer, copy in
                layer === copy.layer && layer.adapter?.rank == copy.rank
                    && layer.adapter?.alpha == copy.alpha ?? content.settings.alpha
            }
            && adapter.parameters.allSatisfy {
                try content.source.value(name: $0.name, shape: $0.shape, initializer: .zeros)?
                    .values
                    == $0.value.values
            }
        guard isSame, adapter.layers.count == content.layers.count else {
            throw FileError(
                path: folder, problem: "the saved adapter is another than the one in memory",
                remedy: "this is a defect of uniem; please report it with adapter_config.json")
        }
        // Where the base model is at hand, the whole is tried.
        if (try? written.baseFolder(given: nil)) != nil { try verify(folder) }
    }

    private var usualTargets: [String] {
        (try? EncoderFamily(encoder.configuration, path: "config.json"))?.usualAdapterTargets ?? []
    }
}

extension Adapter {
    /// PEFT's `adapter_config.json`.
    fileprivate func json(baseModel: String, of store: ParameterStore, usual: [String]) -> JSON {
        var ranks: [(key: String, value: JSON)] = []
        var alphas: [(key: String, value: JSON)] = []
        for layer in layers {
            guard let adapter = layer.adapter else { continue }
            if adapter.rank != settings.rank { ranks.append((layer.name, .int(adapter.rank))) }
            if adapter.alpha != settings.alpha {
                alphas.append((layer.name, number(adapter.alpha)))
            }
        }
        return [
            "alpha_pattern": .object(alphas), "auto_mapping": .null,
            "base_model_name_or_path": .string(baseModel), "bias": "none",
            "fan_in_fan_out": .bool(layers.contains { $0.isInputFirst }), "inference_mode": true,
            "init_lora_weights": true, "layers_pattern": .null, "layers_to_transform": .null,
            "lora_alpha": number(settings.alpha), "lora_dropout": .double(settings.dropout),
            "modules_to_save": .null, "peft_type": "LORA", "r": .int(settings.rank),
            "rank_pattern": .object(ranks), "revision": .null,
            "target_modules": .array(targets(of: store, usual: usual).map(JSON.string)),
            "task_type": "FEATURE_EXTRACTION", "use_rslora": .bool(settings.isRankStabilized),
        ]
    }

    private func number(_ value: Double) -> JSON {
        Int(exactly: value).map(JSON.int) ?? .double(value)
    }

    /// The names that stand for exactly these layers: as they were given, or whole ones where PEFT would find others
    /// by them, such as the pooler's.
    private func targets(of store: ParameterStore, usual: [String]) -> [String] {
        let given = settings.targetPattern == nil ? settings.targets ?? usual : []
        let own = Set(layerNames)
        let found = store.parameters.compactMap { parameter -> String? in
            guard parameter.name.hasSuffix(".weight") else { return nil }
            let name = String(parameter.name.dropLast(".weight".count))
            return given.contains { name == $0 || name.hasSuffix("." + $0) } ? name : nil
        }
        return Set(found) == own ? given : layerNames
    }
}
