internal import Tensors

/// The memory of a training step at its most, in bytes by part.
package struct StepMemory: Sendable, Equatable {
    /// Of the model.
    package var weights: Int
    /// Weights laid out for matrix products.
    package var layouts: Int
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
    package var tensors: Int { weights + layouts + gradients + moments + activations + work + loss }

    /// What the buffer pool comes to hold beyond what is in use (measured, see ``BufferPool/idleShare``).
    package var gaps: Int {
        Int(Double(activations + work + loss) * BufferPool.idleShare) + BufferPool.idleBytes
    }

    /// All of it.
    package var total: Int { tensors + gaps + lists }

    /// The parts by name, in order; their sum is ``total``.
    package var parts: [(name: String, bytes: Int)] {
        [
            ("weights", weights), ("layouts", layouts), ("gradients", gradients),
            ("moments", moments), ("activations", activations), ("work", work), ("loss", loss),
            ("other", gaps + lists),
        ]
    }

    /// What a tape remembers of an operation beside tensors: a node, its inputs, a closure with what it holds.
    static let bytesOfRecord = 512
}
