internal import Tensors

/// The memory of a training step at its most, in bytes by part.
package struct StepMemory: Sendable, Equatable {
    /// Of the model.
    package var weights: Int
    /// Sums of gradients.
    package var gradients: Int
    /// Both moments of AdamW.
    package var moments: Int
    /// What is kept of the forward pass for the way back.
    package var activations: Int
    /// What the operations that run at that time take for themselves, on all threads.
    package var work: Int
    /// Embeddings of the batch, similarities, and their gradients.
    package var loss: Int
    /// Token ids and the records of tapes.
    package var lists: Int

    /// Bytes of tensors in use.
    package var tensors: Int { weights + gradients + moments + activations + work + loss }

    /// What the buffer pool comes to hold beyond what is in use (measured, see ``BufferPool/idleShare``).
    package var gaps: Int {
        Int(Double(activations + work + loss) * BufferPool.idleShare) + BufferPool.idleBytes
    }

    /// At the end of training, when the model that was saved is loaded beside the one in memory and compared.
    package var saving: Int { 2 * weights + gradients + moments }

    /// All of it.
    package var total: Int { tensors + gaps + lists }

    /// The parts by name, in order; their sum is ``total``.
    package var parts: [(name: String, bytes: Int)] {
        [
            ("weights", weights), ("gradients", gradients), ("moments", moments),
            ("activations", activations), ("work", work), ("loss", loss),
            ("other", gaps + lists),
        ]
    }

    /// What a tape remembers of an operation beside tensors: a node, its inputs, a closure with what it holds.
    static let bytesOfRecord = 512
}

/// The words that occur in texts, by id.
package struct WordSet: Sendable {
    /// The system's unit of memory that is written here and there.
    private static let pageBytes = 4096

    private var isUsed: [Bool] = []

    /// No words.
    package init() {}

    /// Takes note of the words `ids`.
    package mutating func insert(_ ids: [Int32]) {
        for id in ids {
            let id = Int(id)
            if id >= isUsed.count {
                isUsed += Array(repeating: false, count: id + 1 - isUsed.count)
            }
            isUsed[id] = true
        }
    }

    /// What the system gives for a table with rows of `rowBytes`, of which only the words' are written.
    package func bytes(rowBytes: Int) -> Int {
        var (pages, free) = (0, 0)
        for id in isUsed.indices where isUsed[id] {
            let first = max(free, id * rowBytes / WordSet.pageBytes)
            free = max(first, (id * rowBytes + rowBytes - 1) / WordSet.pageBytes + 1)
            pages += free - first
        }
        return pages * WordSet.pageBytes
    }
}
