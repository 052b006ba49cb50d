public import Embedders
public import Hub
public import Records

extension FineTuner {
    /// Loads the model `model` and tunes it on `dataset`.
    ///
    /// - Parameters:
    ///   - model: a folder, or a name on the Hugging Face hub such as `moka-ai/m3e-small`, which is fetched into the cache
    ///     that Python uses too.
    ///   - validation: rows whose loss is computed after each epoch.
    ///   - test: rows that are evaluated before and after training.
    ///   - pooling: instead of the model's own.
    ///   - modelType: how the folder is read, instead of what it says itself.
    ///   - hub: where names are looked up.
    ///
    /// Throws a `FileError` or a ``HubError`` for what cannot be loaded, and as ``init(embedder:data:validation:test:modelName:datasetName:)``.
    public static func fromPretrained(
        _ model: String, dataset: Dataset, validation: Dataset? = nil, test: Dataset? = nil,
        pooling: Pooling? = nil, modelType: ModelType? = nil, hub: Hub = Hub()
    ) throws -> FineTuner {
        try FineTuner(
            embedder: embedder(model, pooling, modelType, hub), dataset: dataset,
            validation: validation, test: test, modelName: model)
    }

    /// As ``fromPretrained(_:dataset:validation:test:pooling:modelType:hub:)`` with the splits of `dataset`: `train` to
    /// train on, `dev` or `validation` for the loss after each epoch, `test` to evaluate before and after.
    ///
    /// Throws a ``TrainingError`` where there is no `train`.
    public static func fromPretrained(
        _ model: String, dataset: DatasetDictionary, pooling: Pooling? = nil,
        modelType: ModelType? = nil, hub: Hub = Hub()
    ) throws -> FineTuner {
        guard let train = dataset.train else {
            throw TrainingError.invalid(
                "the data set has no split train, its splits are \(dataset.names.joined(separator: ", "))",
                "name one of them train")
        }
        return try fromPretrained(
            model, dataset: train, validation: dataset.validation, test: dataset.test,
            pooling: pooling, modelType: modelType, hub: hub)
    }

    /// As ``fromPretrained(_:dataset:validation:test:pooling:modelType:hub:)`` with records that are read as they are
    /// needed.
    public static func fromPretrained(
        _ model: String, stream: RecordStream, validation: Dataset? = nil, test: Dataset? = nil,
        pooling: Pooling? = nil, modelType: ModelType? = nil, hub: Hub = Hub()
    ) throws -> FineTuner {
        try FineTuner(
            embedder: embedder(model, pooling, modelType, hub), data: .stream(stream),
            validation: validation, test: test, modelName: model)
    }

    private static func embedder(
        _ model: String, _ pooling: Pooling?, _ type: ModelType?, _ hub: Hub
    ) throws -> Embedder {
        try Pretrained.embedder(
            in: Pretrained.folder(of: model, hub: hub), pooling: pooling, modelType: type, hub: hub)
    }
}
