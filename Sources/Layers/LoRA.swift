/// The settings of a low-rank adapter (LoRA; Hu et al. 2021, arXiv 2106.09685): beside the weight W of a linear layer,
/// which is left as it is, B A learns, where A is [rank, inputs] and B [outputs, rank].
///
/// The names and defaults of the numbers are PEFT's, but for `alpha`, which is twice the rank as in the paper's code.
public struct LoRA: Sendable, Equatable {
    /// The rank r of what is learnt.
    public var rank = 8
    /// What is learnt counts `alpha` / `rank` times.
    public var alpha = 16.0
    /// How many of the numbers that go into A are dropped in training.
    public var dropout = 0.0
    /// The layers that get an adapter, by their names or the ends of their names (`query`, `attention.self.query`);
    /// ``everyLinearLayer`` alone for all; those usual for the family of the model where left out.
    public var targets: [String]?
    /// In place of ``targets``: a regular expression that a layer's whole name must match.
    public var targetPattern: String?
    /// Whether what is learnt counts `alpha` / sqrt(`rank`) times (Kalajdzievski 2023, arXiv 2312.03732).
    public var isRankStabilized = false

    /// The name that stands for all linear layers.
    public static let everyLinearLayer = "all-linear"

    /// Settings; those that are left out have their defaults.
    public init(
        rank: Int = 8, alpha: Double = 16, dropout: Double = 0, targets: [String]? = nil,
        targetPattern: String? = nil, isRankStabilized: Bool = false
    ) {
        (self.rank, self.alpha, self.dropout) = (rank, alpha, dropout)
        (self.targets, self.targetPattern) = (targets, targetPattern)
        self.isRankStabilized = isRankStabilized
    }

    /// How often what a layer learns counts, where it has a rank or alpha of its own.
    func scale(rank: Int, alpha: Double) -> Float {
        Float(alpha / (isRankStabilized ? Double(rank).squareRoot() : Double(rank)))
    }

    /// Throws an ``AdapterError`` for numbers that make no sense.
    public func validate() throws(AdapterError) {
        guard (1...LoRA.maximumRank).contains(rank) else {
            throw .invalid("a rank of \(rank)", "choose 1 to \(LoRA.maximumRank), such as 8")
        }
        guard alpha.isFinite else { throw .invalid("an alpha of \(alpha)", "choose such as 16") }
        guard dropout >= 0, dropout < 1 else {
            throw .invalid("a dropout of \(dropout)", "choose from 0 to below 1")
        }
        guard targets == nil || targetPattern == nil else {
            throw .invalid("both names and a pattern of layers", "give one of them")
        }
    }

    /// No rank is larger.
    package static let maximumRank = 65_536
}

/// Why an adapter cannot be attached.
public enum AdapterError: Error, Equatable, CustomStringConvertible {
    /// No linear layer has a name that ends like this; the ends of those that are there.
    case unknownTarget(String, known: [String])
    /// The pattern is none, or no linear layer matches it; the ends of the names that are there.
    case badPattern(String, problem: String, known: [String])
    /// A setting makes no sense, and what to do.
    case invalid(String, String)
    /// The model has an adapter.
    case alreadyAttached
    /// It is not known which layers of this architecture usually get an adapter.
    case noUsualTargets(architecture: String, known: [String])

    /// One line.
    public var description: String {
        func list(_ names: [String]) -> String {
            names.isEmpty ? "(none)" : names.joined(separator: ", ")
        }
        switch self {
        case .unknownTarget(let name, let known):
            return "no linear layer is called \(name); there are: \(list(known))"
        case .badPattern(let pattern, let problem, let known):
            return "the pattern \(pattern) \(problem); there are layers called: \(list(known))"
        case .invalid(let what, let remedy):
            return "a low-rank adapter cannot have \(what); \(remedy)"
        case .alreadyAttached:
            return "the model has an adapter already; merge it or detach it first"
        case .noUsualTargets(let architecture, let known):
            return "name the layers that get an adapter, \(architecture) has no usual ones; "
                + "there are: \(list(known))"
        }
    }
}
