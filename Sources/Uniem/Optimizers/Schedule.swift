/// The learning rate as a function of the step.
public enum Schedule: Sendable, Equatable {
    /// Rises linearly over `warmup` steps, then stays at the full rate (Transformers' `constant_with_warmup`).
    case constant(warmup: Int = 0)
    /// Rises linearly over `warmup` steps, then falls linearly to 0 at `total` (Transformers' `linear`).
    case linear(warmup: Int, total: Int)
    /// Rises linearly over `warmup` steps, then falls along half a cosine to 0 at `total`
    /// (Transformers' `get_cosine_schedule_with_warmup`).
    case cosine(warmup: Int, total: Int)

    /// The share of the full rate in step `step`, counted from 0.
    public func factor(step: Int) -> Double {
        let warmup =
            switch self {
            case .constant(let warmup), .linear(let warmup, _), .cosine(let warmup, _): warmup
            }
        if step < warmup { return Double(step) / Double(max(1, warmup)) }
        switch self {
        case .constant: return 1
        case .linear(_, let total):
            return max(0, Double(total - step) / Double(max(1, total - warmup)))
        case .cosine(_, let total):
            let progress = Double(step - warmup) / Double(max(1, total - warmup))
            return max(0, 0.5 * (1 + cosineOfHalfTurns(progress)))
        }
    }
}

/// The schedules by name.
public enum ScheduleName: String, CaseIterable, Sendable {
    /// The full rate, after the warm-up if there is one.
    case constant
    /// Down to 0 in a straight line.
    case linear
    /// Down to 0 along half a cosine.
    case cosine

    /// The schedule over `total` steps with `warmup` of them to rise.
    func schedule(warmup: Int, total: Int) -> Schedule {
        switch self {
        case .constant: .constant(warmup: warmup)
        case .linear: .linear(warmup: warmup, total: total)
        case .cosine: .cosine(warmup: warmup, total: total)
        }
    }
}
