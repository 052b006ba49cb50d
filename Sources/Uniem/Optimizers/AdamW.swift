public import Layers
internal import Synchronization
public import Tensors

/// Which parameters do not decay.
public enum DecayRule: String, CaseIterable, Sendable {
    /// Biases, and the weights of norms in every family.
    case norms
    /// Those whose names contain `bias`, `LayerNorm` or `layernorm`: uniem's rule, by which the norms of DistilBERT,
    /// T5 and GPT-2 decay.
    case uniem

    /// The parts of a name that say that a parameter does not decay.
    var keywords: [String] {
        switch self {
        case .norms: AdamW.noDecayKeywords
        case .uniem: ["bias", "LayerNorm", "layernorm"]
        }
    }
}

/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with the defaults and the order of operations of
/// torch.optim.AdamW.
///
/// Parameters without a gradient in a step are left as they are, without decay. Moments exist only for parameters
/// that ever had a gradient.
public final class AdamW {
    /// The settings.
    public struct Settings: Sendable, Equatable {
        /// The decay of the first moment.
        public var beta1 = 0.9
        /// The decay of the second moment.
        public var beta2 = 0.999
        /// Added to the root of the second moment.
        public var epsilon = 1e-8
        /// Weight decay, of the parameters that decay.
        public var weightDecay = 1e-3
        /// The parts of a name that say that a parameter does not decay; uniem's own list has only the first three.
        public var noDecayKeywords = AdamW.noDecayKeywords

        /// The defaults of torch, with uniem's decay.
        public init(weightDecay: Double = 1e-3) { self.weightDecay = weightDecay }
    }

    /// The settings.
    public let settings: Settings
    private let parameters: [Entry]
    private var moments: [AdamWMoments?]
    /// Called before parameters change for the first time; where it says no, they stay as they are.
    var mayBegin: (() -> Bool)?

    /// The parts of a name that say that a parameter does not decay: biases, and norms of every family.
    public static let noDecayKeywords = ["bias", "LayerNorm", "layernorm", "layer_norm", "ln_"]

    /// A parameter and how it learns.
    struct Entry {
        let parameter: Parameter
        /// Its own highest learning rate, where it has one.
        let rate: Double?
        /// Its weight decay.
        let decay: Double
    }

    /// An optimizer of all parameters of `store` that are not frozen; the first of `groups` that names a parameter
    /// says how it learns.
    ///
    /// Traps on a group whose pattern is no regular expression.
    public init(
        _ store: ParameterStore, settings: Settings = Settings(), groups: [ParameterGroup] = []
    ) {
        self.settings = settings
        let patterns = groups.map { group in
            guard let regex = try? Regex(group.pattern) else {
                preconditionFailure("\"\(group.pattern)\" is no regular expression")
            }
            return (group, regex)
        }
        parameters = store.parameters.filter { !$0.isFrozen }.map { parameter in
            let group = patterns.first { parameter.name.firstMatch(of: $0.1) != nil }?.0
            let decays = !settings.noDecayKeywords.contains { parameter.name.contains($0) }
            return Entry(
                parameter: parameter, rate: group?.learningRate,
                decay: group?.weightDecay ?? (decays ? settings.weightDecay : 0))
        }
        moments = Array(repeating: nil, count: parameters.count)
    }

    /// How `parameter` learns; `nil` where it does not.
    func entry(of parameter: Parameter) -> Entry? {
        parameters.first { $0.parameter === parameter }
    }

    /// Updates the parameters by `gradients`; no tape of the old values may be alive.
    ///
    /// - Parameters:
    ///   - rate: the learning rate of this step.
    ///   - factor: the share of their own highest rate that parameters in groups learn with.
    public func step(
        _ gradients: Gradients, rate: Double, groupFactor factor: Double = 1, pool: WorkerPool
    ) {
        makeMoments(gradients, pool)
        if let mayBegin {
            guard mayBegin() else { return }
            self.mayBegin = nil
        }
        var pieces: [AdamWMoments.Piece] = []
        for (entry, own) in zip(parameters, moments) {
            guard gradients.has(entry.parameter), let own else { continue }
            let step = AdamWStep(
                rate: entry.rate.map { $0 * factor } ?? rate, beta1: settings.beta1,
                beta2: settings.beta2, epsilon: settings.epsilon, decay: entry.decay, step: 0)
            pieces += own.pieces(of: entry.parameter, gradients, step)
        }
        pool.run(pieces.count) { pieces[$0].run() }
    }

    /// Makes the moments that are not there yet; the system gives memory slowly, so all threads ask for it.
    private func makeMoments(_ gradients: Gradients, _ pool: WorkerPool) {
        let missing = parameters.indices.filter {
            moments[$0] == nil && gradients.has(parameters[$0].parameter)
        }
        if missing.isEmpty { return }
        let made = Mutex(moments)
        pool.run(missing.count) { number in
            let index = missing[number]
            let parameter = parameters[index].parameter
            var isSparse = false
            if case .rows = gradients.storage(of: parameter) { isSparse = true }
            let own = AdamWMoments(shape: parameter.trainableShape, isSparse: isSparse)
            made.withLock { $0[index] = own }
        }
        moments = made.withLock { $0 }
    }

    /// Bytes of all moments.
    public var stateBytes: Int {
        moments.reduce(0) {
            $0 + ($1.map { 2 * $0.first.shape.count * MemoryLayout<Float>.stride } ?? 0)
        }
    }

    /// The moments as named tensors: `<parameter>.exp_avg`, `.exp_avg_sq` and `.step`.
    public var state: [(name: String, tensor: Tensor)] {
        zip(parameters, moments).flatMap { entry, moments -> [(name: String, tensor: Tensor)] in
            guard let moments else { return [] }
            let name = entry.parameter.name
            return [
                (name + ".exp_avg", moments.first), (name + ".exp_avg_sq", moments.second),
                (name + ".step", Tensor([Float(moments.steps)])),
            ]
        }
    }

    /// Takes over moments as ``state`` gave them; parameters without moments there begin anew.
    ///
    /// Throws a ``TrainingError`` where they do not fit the parameters, and what `tensor` throws.
    public func restore(_ tensor: (String) throws -> Tensor?) throws {
        for (index, parameter) in parameters.map(\.parameter).enumerated() {
            let shape = parameter.trainableShape
            guard let first = try tensor(parameter.name + ".exp_avg"),
                let second = try tensor(parameter.name + ".exp_avg_sq"),
                let steps = try tensor(parameter.name + ".step")
            else { continue }
            guard first.shape == shape, second.shape == shape,
                let count = steps.values.first.flatMap({ Int(exactly: $0) }), count >= 1
            else {
                throw TrainingError.invalid(
                    "the saved optimizer state of \(parameter.name) does not fit it",
                    "it belongs to another model")
            }
            moments[index] = AdamWMoments(first: first, second: second, steps: count)
        }
    }
}
