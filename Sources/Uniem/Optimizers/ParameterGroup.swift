/// Parameters that learn with settings of their own.
public struct ParameterGroup: Sendable, Equatable {
    /// A regular expression; parameters in whose names it finds a match belong to the group. The first group that
    /// matches counts.
    public var pattern: String
    /// Their highest learning rate, which follows the schedule; that of the run where left out.
    public var learningRate: Double?
    /// Their weight decay; that of the run, with its exceptions, where left out.
    public var weightDecay: Double?

    /// A group of the parameters that `pattern` names.
    public init(pattern: String, learningRate: Double? = nil, weightDecay: Double? = nil) {
        (self.pattern, self.learningRate, self.weightDecay) = (pattern, learningRate, weightDecay)
    }

    /// Throws a ``TrainingError`` for what is no regular expression or out of range.
    func validate() throws(TrainingError) {
        guard !pattern.isEmpty, (try? Regex(pattern)) != nil else {
            throw .invalid(
                "\"\(pattern)\" is no regular expression",
                "give one that names parameters, such as embeddings or \\.bias$")
        }
        for (name, value) in [("learning rate", learningRate), ("weight decay", weightDecay)] {
            guard value.map({ $0 >= 0 && $0.isFinite }) ?? true else {
                throw .invalid(
                    "the \(name) \(value ?? 0) of parameters \"\(pattern)\"", "give a number from 0"
                )
            }
        }
        guard learningRate != nil || weightDecay != nil else {
            throw .invalid(
                "parameters \"\(pattern)\" have neither a rate nor a decay of their own",
                "give one of them")
        }
    }
}
