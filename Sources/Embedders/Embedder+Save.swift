internal import Checkpoints
internal import Encoders
internal import Files
internal import Layers
internal import Tensors
internal import Tokenizers

extension Embedder {
    /// Saves the model to `folder` in one step: an older folder is replaced only when the new one is complete.
    ///
    /// The folder is Hugging Face's (`AutoModel.from_pretrained`, with `uniem_pooling_strategy` in `config.json`),
    /// and sentence-transformers' where it can express the pooling. Before it takes its place it is loaded again and
    /// a few texts are embedded: a difference from this model in memory is an error. Throws a ``FileError`` where
    /// writing fails; what was there before is unchanged then. Throws one, too, where an adapter is attached:
    /// ``mergeAdapter()`` makes a whole model of both, ``saveAdapter(to:baseModel:)`` saves the adapter alone.
    public func save(to folder: String) throws {
        guard adapter == nil else {
            throw FileError(
                path: folder, problem: "the model has an adapter, which a whole model cannot hold",
                remedy: "merge it first, or save the adapter")
        }
        try save(to: folder, verifying: true)
    }

    /// As ``save(to:)``, without an adapter that is attached; loading again is left out unless `verifying`, and the
    /// weights go past the system's cache then: nobody is about to read them.
    ///
    /// - Parameter completing: gets the finished folder before it takes its place, and may add to it.
    package func save(
        to folder: String, verifying: Bool, completing: (String) throws -> Void = { _ in }
    ) throws {
        let names = FileBytes.isFolder(folder) ? try FileBytes.names(in: folder) : []
        guard names.isEmpty || names.contains("config.json") || names.contains("modules.json")
        else {
            throw FileError(
                path: folder, problem: "the folder holds other things than a model",
                remedy: "choose a new or empty folder; saving replaces all that is in it")
        }
        try FileBytes.replaceFolder(folder) { temporary in
            try write(to: temporary, bypassingCache: !verifying)
            if verifying { try verify(temporary) }
            try completing(temporary)
        }
    }

    /// All files; those of sentence-transformers where it has a name for the pooling.
    private func write(to folder: String, bypassingCache: Bool) throws {
        var configuration = encoder.configuration
        // uniem refuses names that it does not know and has no layers after pooling; sentence-transformers' files
        // say the others.
        if head.isEmpty, poolings.count == 1, Pooling.uniemStrategies.contains(poolings[0]) {
            configuration.set("uniem_pooling_strategy", .string(poolings[0].rawValue))
        } else {
            configuration.remove("uniem_pooling_strategy")
        }
        configuration.set("torch_dtype", "float32")
        if configuration["dtype"] != nil { configuration.set("dtype", "float32") }
        // Said by sentence-transformers' files where they can be written.
        configuration.remove(Embedder.normalizeKey)
        configuration.remove(Embedder.maxLengthKey)
        let poolingKeys = Pooling.sentenceTransformers(poolings)
        if poolingKeys == nil {
            configuration.set(Embedder.normalizeKey, .bool(normalizes))
            configuration.set(Embedder.maxLengthKey, .int(maxLength))
        }
        if let padding = paddingToken(), configuration["pad_token_id"]?.int == nil {
            configuration.set("pad_token_id", .int(Int(padding.id)))
        }
        try write(configuration, to: folder + "/config.json")
        try SafetensorsWriter.write(
            encoder.store.parameters.map { ($0.name, $0.value) }, metadata: [("format", "pt")],
            to: folder + "/model.safetensors", waits: false, bypassesCache: bypassingCache)
        try writeSurroundings(poolingKeys, to: folder)
    }

    /// What stands around the encoder: the tokenizer, the prompts, and the modules where there are keys for the pooling.
    func writeSurroundings(_ poolingKeys: [(key: String, value: JSON)]?, to folder: String) throws {
        try tokenizer.write(to: folder)
        if let padding = paddingToken() { try name(padding: padding.token, in: folder) }
        if let prompts = prompts.json { try write(prompts, to: folder + "/" + Prompts.fileName) }
        guard let poolingKeys else { return }
        try writeModules(poolingKeys, to: folder)
        try write(
            ["max_seq_length": .int(maxLength), "do_lower_case": false],
            to: folder + "/sentence_bert_config.json")
    }

    /// The token that ends texts, where none fills up batches (GPT-2): Python needs one to put texts of several
    /// lengths together, and users choose this one.
    private func paddingToken() -> (token: String, id: Int32)? {
        guard tokenizer.padID == nil,
            let id = encoder.configuration["eos_token_id"]?.int.flatMap(Int32.init(exactly:)),
            let token = tokenizer.token(id)
        else { return nil }
        return (token, id)
    }

    private func name(padding token: String, in folder: String) throws(FileError) {
        for file in ["tokenizer_config.json", "special_tokens_map.json"] {
            let path = folder + "/" + file
            let isThere = FileBytes.exists(path)
            guard isThere || file == "tokenizer_config.json" else { continue }
            var json: JSON = isThere ? try JSON(contentsOf: path) : [:]
            json.set("pad_token", .string(token))
            if isThere { try FileBytes.remove(path) }
            try write(json, to: path)
        }
    }

    /// Writes `modules.json` and the folders that it names.
    private func writeModules(_ pooling: [(key: String, value: JSON)], to folder: String) throws {
        var modules = [module(0, path: "", type: "Transformer")]
        func add(_ type: String) throws -> String {
            let path = "\(modules.count)_\(type)"
            modules.append(module(modules.count, path: path, type: type))
            try FileBytes.makeFolder(folder + "/" + path)
            return folder + "/" + path
        }
        let width: (key: String, value: JSON) = (
            "word_embedding_dimension", .int(encoder.hiddenSize)
        )
        let prompt: (key: String, value: JSON) = ("include_prompt", .bool(poolsPrompt))
        try write(.object([width] + pooling + [prompt]), to: try add("Pooling") + "/config.json")
        for step in head {
            switch step {
            case .dense(let dense):
                let place = try add("Dense")
                try write(dense.configuration, to: place + "/config.json")
                try SafetensorsWriter.write(
                    dense.tensors, metadata: [("format", "pt")], to: place + "/model.safetensors",
                    waits: false)
            case .normalize: _ = try add("Normalize")
            }
        }
        if normalizes { _ = try add("Normalize") }
        try write(.array(modules), to: folder + "/modules.json")
    }

    private func module(_ index: Int, path: String, type: String) -> JSON {
        [
            "idx": .int(index), "name": .string(String(index)), "path": .string(path),
            "type": .string("sentence_transformers.models." + type),
        ]
    }

    func write(_ json: JSON, to path: String) throws(FileError) {
        try FileBytes.write(Array((json.text(indent: 2) + "\n").utf8), to: path)
    }

    /// Loads what was written and compares.
    func verify(_ folder: String) throws {
        let texts = ["A sentence to compare.", "一句用来比较的话。", "Überprüfung: 1, 2, 3!"]
        let copy = try Embedder.load(folder)
        copy.keepsLayouts = false
        // On one thread: the comparison needs no more, and starts none.
        let (before, after) = (
            embeddings(of: texts, threads: 1), copy.embeddings(of: texts, threads: 1)
        )
        guard before.values == after.values else {
            throw FileError(
                path: folder, problem: "the saved model gives other vectors than the one in memory",
                remedy: "this is a defect of uniem; please report it with the model's config.json")
        }
    }
}
