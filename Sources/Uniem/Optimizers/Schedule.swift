/// The learning rate as a function of the step.
public enum Schedule: Sendable, Equatable {
    /// Always the full rate.
    case constant
    /// Rises linearly over `warmup` steps, then falls along half a cosine to 0 at `total`
    /// (Transformers' `get_cosine_schedule_with_warmup`).
    case cosine(warmup: Int, total: Int)

    /// The share of the full rate in step `step`, counted from 0.
    public func factor(step: Int) -> Double {
        switch self {
        case .constant: return 1
        case .cosine(let warmup, let total):
            if step < warmup { return Double(step) / Double(max(1, warmup)) }
            let progress = Double(step - warmup) / Double(max(1, total - warmup))
            return max(0, 0.5 * (1 + cosineOfHalfTurns(progress)))
        }
    }
}
