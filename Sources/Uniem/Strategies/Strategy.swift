public import Layers

/// Which parameters learn.
public enum Strategy: Sendable, Equatable {
    /// All.
    case full
    /// Those whose names contain one of the keywords; by default the biases (BitFit; Zaken et al. 2021, arXiv
    /// 2106.10199).
    case bitFit(keywords: [String] = ["bias"])

    /// The name, as in `--strategy`.
    public var name: String {
        switch self {
        case .full: "full"
        case .bitFit: "bitfit"
        }
    }

    /// Freezes what does not learn and thaws the rest; throws a ``TrainingError`` where nothing would learn.
    public func apply(to store: ParameterStore) throws(TrainingError) {
        switch self {
        case .full:
            for parameter in store.parameters { parameter.isFrozen = false }
        case .bitFit(let keywords):
            guard
                store.parameters.contains(where: { p in keywords.contains { p.name.contains($0) } })
            else {
                throw .invalid(
                    "no parameter's name contains \(keywords.joined(separator: " or "))",
                    "see the names with uniem inspect MODEL --parameters")
            }
            for parameter in store.parameters {
                parameter.isFrozen = !keywords.contains { parameter.name.contains($0) }
            }
        }
    }
}

/// The learning rate that uniem suggests for a model with that many learning numbers.
public func suggestedLearningRate(trainableParameters: Int) -> Double {
    switch trainableParameters {
    case ...80_000_000: 1e-4
    case ...200_000_000: 5e-5
    default: 8e-6
    }
}
