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
    /// writing fails; what was there before is unchanged then.
    public func save(to folder: String) throws {
        let names = FileBytes.isFolder(folder) ? try FileBytes.names(in: folder) : []
        guard names.isEmpty || names.contains("config.json") || names.contains("modules.json")
        else {
            throw FileError(
                path: folder, problem: "the folder holds other things than a model",
                remedy: "choose a new or empty folder; saving replaces all that is in it")
        }
        try FileBytes.replaceFolder(folder) { temporary in
            try write(to: temporary)
            try verify(temporary)
        }
    }

    /// The parts of a sentence-transformers folder; `nil` where it has no name for the pooling.
    private func write(to folder: String) throws {
        var configuration = encoder.configuration
        // uniem refuses names that it does not know; sentence-transformers' files say the others.
        if Pooling.uniemStrategies.contains(pooling) {
            configuration.set("uniem_pooling_strategy", .string(pooling.rawValue))
        } else {
            configuration.remove("uniem_pooling_strategy")
        }
        configuration.set("torch_dtype", "float32")
        if configuration["dtype"] != nil { configuration.set("dtype", "float32") }
        // Said by sentence-transformers' files where they can be written.
        configuration.remove(Embedder.normalizeKey)
        configuration.remove(Embedder.maxLengthKey)
        if pooling.sentenceTransformersFlag == nil {
            configuration.set(Embedder.normalizeKey, .bool(normalizes))
            configuration.set(Embedder.maxLengthKey, .int(maxLength))
        }
        try write(configuration, to: folder + "/config.json")
        try SafetensorsWriter.write(
            encoder.store.parameters.map { ($0.name, $0.value) }, metadata: [("format", "pt")],
            to: folder + "/model.safetensors")
        try tokenizer.save(to: folder)
        guard let flag = pooling.sentenceTransformersFlag else { return }
        var flags: JSON = ["word_embedding_dimension": .int(dimension)]
        for known in Pooling.sentenceTransformersFlags { flags.set(known, .bool(known == flag)) }
        flags.set("include_prompt", true)
        try FileBytes.makeFolder(folder + "/1_Pooling")
        try write(flags, to: folder + "/1_Pooling/config.json")
        var modules: [JSON] = [
            module(0, path: "", type: "Transformer"), module(1, path: "1_Pooling", type: "Pooling"),
        ]
        if normalizes {
            modules.append(module(2, path: "2_Normalize", type: "Normalize"))
            try FileBytes.makeFolder(folder + "/2_Normalize")
        }
        try write(.array(modules), to: folder + "/modules.json")
        try write(
            ["max_seq_length": .int(maxLength), "do_lower_case": false],
            to: folder + "/sentence_bert_config.json")
    }

    private func module(_ index: Int, path: String, type: String) -> JSON {
        [
            "idx": .int(index), "name": .string(String(index)), "path": .string(path),
            "type": .string("sentence_transformers.models." + type),
        ]
    }

    private func write(_ json: JSON, to path: String) throws(FileError) {
        let file = try FileWriter(path: path)
        try file.write(Array((json.text(indent: 2) + "\n").utf8))
        try file.close()
    }

    /// Loads what was written and compares.
    private func verify(_ folder: String) throws {
        let texts = ["A sentence to compare.", "一句用来比较的话。", "Überprüfung: 1, 2, 3!"]
        let copy = try Embedder.load(folder)
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
