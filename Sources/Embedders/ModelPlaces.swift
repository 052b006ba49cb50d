internal import Files

/// Where the parts of a model stand: all in one folder, but for an adapter, whose encoder is that of its base model.
struct ModelPlaces {
    /// What follows the encoder.
    let modules: SentenceTransformersModules
    /// Where ``modules`` and the prompts are.
    let settings: String
    /// Where `config.json` and the weights are.
    let encoder: String
    /// Where the tokenizer's files are.
    let tokenizer: String
    /// What is attached to the encoder.
    let adapter: AdapterFolder?
    /// Uniem's keys where they do not stand in the encoder's `config.json`, and the file they come from.
    let keys: (json: JSON, path: String)?

    /// Uniem's keys of a model with an adapter, where sentence-transformers cannot say them.
    static let keysName = "uniem.json"

    /// Finds the parts of the model in `folder`; throws a ``FileError`` where one is missing.
    ///
    /// - Parameters:
    ///   - baseModel: the folder of the model that an adapter belongs to, in place of the one that it names.
    ///   - isPlain: whether nothing but the encoder is looked for.
    init(folder: String, baseModel: String?, isPlain: Bool) throws {
        let own = try SentenceTransformersModules(folder: folder, isIgnored: isPlain)
        guard let adapter = try AdapterFolder(folder: own.transformerFolder) else {
            guard baseModel == nil else {
                throw FileError(
                    path: folder,
                    problem: "a base model was given, but this is no adapter: "
                        + "it has no \(AdapterConfiguration.fileName)",
                    remedy: "leave out the base model")
            }
            (modules, settings, adapter, keys) = (own, folder, nil, nil)
            (encoder, tokenizer) = (own.transformerFolder, own.transformerFolder)
            return
        }
        self.adapter = adapter
        let base = try adapter.baseFolder(given: baseModel)
        if base == adapter.folder {
            (modules, settings, keys) = (own, folder, nil)
            (encoder, tokenizer) = (own.transformerFolder, own.transformerFolder)
            return
        }
        encoder = try SentenceTransformersModules(folder: base, isIgnored: true).transformerFolder
        guard !FileBytes.exists(encoder + "/" + AdapterConfiguration.fileName) else {
            throw FileError(
                path: encoder, problem: "the base model has an adapter of its own",
                remedy: "merge that one first and save the model")
        }
        let path = folder + "/" + ModelPlaces.keysName
        let hasKeys = FileBytes.exists(path)
        guard hasKeys || FileBytes.exists(folder + "/modules.json") else {
            // Nothing but the adapter: all the rest is the base model's.
            modules = try SentenceTransformersModules(folder: base, isIgnored: isPlain)
            (settings, tokenizer, keys) = (base, encoder, nil)
            return
        }
        (modules, settings, tokenizer) = (own, folder, own.transformerFolder)
        // The keys of the base model are not those of this one.
        keys = (hasKeys && !isPlain ? try JSON(contentsOf: path) : [:], path)
    }
}
