/// Why a training run cannot start or go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A setting that makes no sense; what it is, and what to do.
    case invalid(String, String)
    /// The loss or a gradient is NaN or infinite: in which step, in which rows of the data, and where the first such
    /// number came up.
    case notFinite(what: String, step: Int, epoch: Int, rows: [Int], place: String)

    /// One line.
    public var description: String {
        switch self {
        case .invalid(let problem, let remedy): return "\(problem); \(remedy)"
        case .notFinite(let what, let step, let epoch, let rows, let place):
            let shown =
                rows.prefix(8).map(String.init).joined(separator: ", ")
                + (rows.count > 8 ? ", ..." : "")
            return
                "\(what) is not finite in step \(step) (epoch \(epoch), rows \(shown)): first \(place); "
                + "use a lower learning rate or --max-grad-norm 1, or look at these rows"
        }
    }
}
