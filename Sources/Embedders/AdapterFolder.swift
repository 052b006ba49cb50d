internal import Checkpoints
internal import Files
internal import Layers
internal import Tensors

/// A folder as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors` (or `.bin`).
struct AdapterFolder {
    let folder: String
    let configuration: AdapterConfiguration

    static let weightsName = "adapter_model.safetensors"

    /// Reads the configuration in `folder`; `nil` where there is none. Throws a ``FileError`` for one that is not
    /// built.
    init?(folder: String) throws(FileError) {
        let path = folder + "/" + AdapterConfiguration.fileName
        guard FileBytes.exists(path) else { return nil }
        self.folder = folder
        configuration = try AdapterConfiguration(path: path)
    }

    private var path: String { folder + "/" + AdapterConfiguration.fileName }

    /// Whether the folder holds the model that the adapter belongs to, too; Transformers looks no further then.
    var holdsBase: Bool { FileBytes.exists(folder + "/config.json") }

    /// The folder of the model that the adapter belongs to: `given`, or this one, or the one that the configuration
    /// names, as it stands or below this folder. Throws a ``FileError`` where there is none.
    func baseFolder(given: String?) throws(FileError) -> String {
        if let given {
            guard FileBytes.isFolder(given) else {
                throw FileError(
                    path: given, problem: "no such folder of a base model", remedy: "check the path"
                )
            }
            return given
        }
        if holdsBase { return folder }
        guard let name = configuration.base else {
            throw FileError(
                path: path, problem: "base_model_name_or_path is missing",
                remedy: "give the folder of the base model")
        }
        for place in [name, folder + "/" + name] where FileBytes.isFolder(place) { return place }
        throw FileError(
            path: path, problem: "the base model \(shown(name.utf8)) is no folder here",
            remedy: "fetch it and give its folder")
    }

    /// What is attached to which layer.
    struct Content {
        let settings: LoRA
        let layers: [AdaptedLayer]
        let source: any ParameterSource
        /// Tensors that take no part in embeddings.
        let unused: [String]
    }

    /// The adapters of the linear layers of `store`, whose family has `rules` for names in checkpoints.
    ///
    /// Throws a ``FileError`` where a tensor is missing, has a wrong shape, or belongs to no linear layer.
    func content(for store: ParameterStore, rules: [KeyRule]) throws(FileError) -> Content {
        for name in configuration.savedModules
        where KeyRule.apply(rules, to: name + ".weight") != nil {
            throw FileError(
                path: path, problem: "modules_to_save: \(name) is not supported",
                remedy: "merge the adapter with PEFT (merge_and_unload) and take the whole model")
        }
        let source = try AdapterSource(folder: folder, rules: rules)
        var layers: [AdaptedLayer] = []
        for layer in store.linearLayers {
            let (a, b) = (layer.name + ".lora_A.weight", layer.name + ".lora_B.weight")
            guard source.has(a) || source.has(b) else { continue }
            let rank = configuration.rank(of: layer.name)
            try source.check(a, shape: [rank, layer.inputs])
            try source.check(b, shape: [layer.outputs, rank])
            layers.append(
                AdaptedLayer(layer: layer, rank: rank, alpha: configuration.alpha(of: layer.name)))
        }
        let asked = Set(
            layers.flatMap {
                ["A", "B"].map { [layer = $0.layer.name] in "\(layer).lora_\($0).weight" }
            })
        let unused = source.names.filter { !asked.contains($0) }
        // The pooler takes no part in embeddings.
        if let name = unused.first(where: { !$0.hasPrefix("pooler.") }) {
            throw FileError(
                path: source.path,
                problem: "tensor \(shown(name.utf8)) belongs to no linear layer of the model",
                remedy:
                    "adapter and base model belong to different models; there are layers called "
                    + store.shortNames.joined(separator: ", "))
        }
        try checkTargets(store, layers, source)
        var settings = configuration.settings
        if settings.targets == nil || !configuration.namesAllLayers {
            settings.targets = layers.map(\.layer.name)
            settings.targetPattern = nil
        }
        return Content(settings: settings, layers: layers, source: source, unused: unused)
    }

    /// Where the configuration names all layers, each has its tensors.
    private func checkTargets(
        _ store: ParameterStore, _ layers: [AdaptedLayer], _ source: AdapterSource
    ) throws(FileError) {
        guard !layers.isEmpty else {
            throw FileError(
                path: source.path, problem: "no adapter of a linear layer",
                remedy: "fetch the file again")
        }
        guard configuration.namesAllLayers, let targets = configuration.settings.targets else {
            return
        }
        let found = Set(layers.map(\.layer.name))
        for layer in store.linearLayers {
            let isAsked = targets.contains { layer.isNamed($0) }
            guard isAsked != found.contains(layer.name) else { continue }
            let name = layer.name + ".lora_A.weight"
            throw FileError(
                path: source.path,
                problem: isAsked
                    ? "no tensor \(name), which target_modules asks for"
                    : "tensor \(name) is of a layer that target_modules does not name",
                remedy: "adapter_config.json and the tensors must belong together; fetch them again"
            )
        }
    }
}

/// The tensors of an adapter's file, under the names of the model's layers.
final class AdapterSource: ParameterSource {
    let path: String
    /// The names, in the order of the file.
    private(set) var names: [String] = []
    private let file: any WeightFile
    private var places: [String: Int] = [:]

    /// Opens the weights in `folder`; throws a ``FileError`` where there are none, or the file is damaged.
    init(folder: String, rules: [KeyRule]) throws(FileError) {
        let binary = folder + "/adapter_model.bin"
        let safetensors = folder + "/" + AdapterFolder.weightsName
        if !FileBytes.exists(safetensors), FileBytes.exists(binary) {
            file = try TorchFile(path: binary)
        } else {
            file = try SafetensorsFile(path: safetensors)
        }
        path = file.path
        for (index, (original, _)) in file.table.enumerated() {
            let rules = [KeyRule.dropPrefix("base_model.model.")] + rules
            guard let name = KeyRule.apply(rules, to: original) else { continue }
            guard places[name] == nil else {
                throw FileError(
                    path: path, problem: "tensor \(shown(original.utf8)) stands there twice",
                    remedy: "the file mixes two adapters")
            }
            places[name] = index
            names.append(name)
        }
    }

    func has(_ name: String) -> Bool { places[name] != nil }

    /// Throws a ``FileError`` where there is no tensor `name` of that shape.
    func check(_ name: String, shape: Shape) throws(FileError) {
        guard let place = places[name] else {
            throw FileError(
                path: path, problem: "no tensor \(name) \(shape)",
                remedy: "the file is incomplete; fetch it again")
        }
        let found = file.table[place].shape
        guard found == shape else {
            throw FileError(
                path: path, problem: "tensor \(name) has shape \(found), expected \(shape)",
                remedy: "adapter_config.json, the adapter's tensors and the base model must belong "
                    + "together")
        }
    }

    func value(name: String, shape: Shape, initializer: Initializer) throws -> Tensor? {
        guard let place = places[name] else { return nil }
        try check(name, shape: shape)
        return try file.tensor(at: place)
    }
}
