package import Embedders
internal import Layers
package import Records
internal import Tensors

/// What training a model would take, for people who ask before they train.
package struct MemorySurvey {
    /// What the process has and may still take.
    package let memory: ProcessMemory
    /// What the process may take in all.
    package var allowed: Int { finder.allowed }
    /// How many chunks are worked on at a time.
    package let threads: Int
    /// What `--batch-size auto` would choose; `nil` where nothing fits.
    package let choice: BatchSizeFinder.Choice?
    /// Why nothing fits.
    package let refusal: TrainingError?
    /// Rows of the largest data set.
    package var rowCount: Int { finder.rowCount }
    private let finder: BatchSizeFinder

    /// Measures the training of `embedder` by `strategy`, with the longest rows of `datasets`; where there are none,
    /// with pairs of texts as long as they can be.
    ///
    /// Adapters and tokens that the strategy adds stay in `embedder`. Throws a ``TrainingError`` where weights,
    /// gradients and moments alone do not fit into memory.
    package init(
        _ embedder: Embedder, datasets: [Dataset], strategy: Strategy, maxLength: Int? = nil,
        chunkTokens: Int? = nil, threads: Int, memory: ProcessMemory = .now
    ) throws {
        let embedder = try strategy.prepare(embedder, seed: 0)
        try strategy.apply(to: embedder)
        defer { embedder.store.thawAll() }
        let kinds = datasets.isEmpty ? [.pair] : datasets.map(\.kind)
        let losses = try kinds.map {
            try LossName.standard(for: $0).make(for: $0, temperature: 0.05)
        }
        var finder = try BatchSizeFinder(
            embedder, losses: losses, chunkTokens: chunkTokens, threads: threads, memory: memory)
        if datasets.isEmpty {
            let length = min(
                maxLength ?? embedder.maxLength, embedder.encoder.maximumLength ?? .max)
            for _ in 0..<BatchSizeFinder.largest { finder.add([length, length]) }
        }
        let prompts = ColumnPrompts(nil, of: embedder)
        for (source, dataset) in datasets.enumerated() {
            try finder.add(.memory(dataset), source: source) { text, column in
                embedder.tokenIDs(
                    of: text, prompt: column == 0 ? prompts.first : prompts.others,
                    maxLength: maxLength
                ).ids
            }
        }
        self.finder = finder
        (self.threads, self.memory) = (threads, memory)
        do throws(TrainingError) {
            choice = try finder.choose()
            refusal = nil
        } catch {
            (choice, refusal) = (nil, error)
        }
    }

    /// A step with batches of `size` rows, fewer where the data have no more, and what the process takes then in all.
    package func step(batchSize size: Int) -> (step: StepMemory, process: Int)? {
        finder.step(batchSize: size).map { ($0, finder.processBytes($0)) }
    }
}
