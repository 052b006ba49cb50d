/// The order in which an epoch goes through its rows: a pure function of (seed, epoch).
public enum BatchOrder: String, Sendable, CaseIterable {
    /// As the rows stand in the data; what uniem does unless told to shuffle.
    case file
    /// Shuffled anew in each epoch, by a Fisher-Yates shuffle drawn from a SplitMix64 stream that
    /// belongs to (seed, epoch). The same on every platform; it never changes.
    case shuffled
    /// Shuffled anew in each epoch, in the very order that PyTorch's `DataLoader(shuffle=True)`
    /// has after `torch.manual_seed(seed)`: what uniem, `accelerate` in one process and plain
    /// PyTorch loops do, with any number of loader workers that live for an epoch.
    ///
    /// An epoch draws two numbers from torch's global generator on the CPU: the base seed for
    /// workers, which is always drawn, and the seed of a generator of its own that orders the rows.
    /// `accelerate.utils.set_seed` seeds that generator and draws nothing, nor does
    /// `Accelerator.prepare`. A loader of validation rows, which are not shuffled, draws a base
    /// seed too each time it is gone through, so that the order from the second epoch on depends
    /// on whether there is one.
    ///
    /// Anything else that draws from that generator moves PyTorch off this order: dropout on a CPU
    /// from the second epoch on, and from the first the rows that uniem's prefix training adds to
    /// the embedding table. Only the lower 32 bits of the seed count, as in torch.
    case torch

    /// The rows `0..<count` in the order of `epoch` (from 0).
    ///
    /// Traps for a negative `count` or `epoch`. `torch` draws 16 bytes for each epoch before.
    ///
    /// - Parameter validates: whether validation rows are gone through after each epoch; changes
    ///   nothing but `torch`.
    public func rows(count: Int, seed: UInt64, epoch: Int, validates: Bool = false) -> [Int] {
        precondition(count >= 0 && epoch >= 0, "BatchOrder.rows: \(count) rows, epoch \(epoch)")
        switch self {
        case .file:
            return Array(0..<count)
        case .shuffled:
            // "batches" in ASCII: the orders of batches and of streams of one seed are unrelated.
            var random = SplitMix64(seed: seed, stream: UInt64(epoch), use: 0x62_6174_6368_6573)
            return random.permutation(of: count)
        case .torch:
            var global = TorchGenerator(seed: seed)
            // The base seeds, and the seeds of epochs before.
            for _ in 0..<epoch * (validates ? 3 : 2) + 1 { _ = global.next64() }
            var own = TorchGenerator(seed: global.next64())
            return own.permutation(of: count)
        }
    }
}
