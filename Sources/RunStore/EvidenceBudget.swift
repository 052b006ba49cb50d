/// How much evidence a run has, and may have.
struct EvidenceBudget {
    /// Rows that the run may have.
    var limit: Int
    /// Rows that it has.
    var count = 0
    /// Whether rows were left out; said once.
    var isExceeded = false

    /// As much of `step` as there is room for.
    mutating func take(_ step: StepEvidence) -> StepEvidence? {
        var step = step
        let room = max(0, limit - count)
        if step.examples.count > room {
            isExceeded = true
            step.examples = Array(step.examples.prefix(room))
        }
        count += step.examples.count
        return step.examples.isEmpty ? nil : step
    }
}
