import Synchronization

/// Records operations as they happen, so that gradients can be found by walking them backwards.
///
/// A tape is a value with one owner: it is handed down as `inout`, and ``backward(from:seed:into:turn:)`` consumes
/// it, so that using a tape twice does not compile. Operations are its mutating methods; each makes its result
/// through `record`, which takes the pullback along, so no operation can lack one. An inference tape records
/// nothing and runs the same layers.
public struct Tape: ~Copyable {
    /// What a tape is for.
    public enum Mode: Sendable, Equatable {
        /// Results only; nothing is recorded, nothing is dropped.
        case inference
        /// Gradients, and dropout whose draws are a pure function of (`seed`, layer site, row, column).
        case training(seed: UInt64)
        /// The results of a training tape of that seed, to the bit; nothing is recorded.
        case rehearsal(seed: UInt64)

        /// The seed of dropout, where it drops.
        var dropoutSeed: UInt64? {
            switch self {
            case .inference: nil
            case .training(let seed), .rehearsal(let seed): seed
            }
        }
    }

    /// What the tape was made for.
    public let mode: Mode
    /// The numbers that its matrix products are made of.
    public let precision: Precision
    /// Whether weights keep what they are laid out as for its matrix products.
    let keepsLayouts: Bool
    /// Takes part in its matrix products; the thread that runs the tape hands them out.
    package var crew: Crew?
    let serial: UInt64
    var nodes: [NodeRecord] = []
    private var leaves: [ObjectIdentifier: Int] = [:]
    private var sites: UInt64 = 0
    /// The last input of a linear layer, and what it was rounded to.
    var lastRounded: (input: Buffer, rows: Buffer)?

    private static let serials = Atomic<UInt64>(0)

    /// Where the first number that is not finite came up, on a tape that examines.
    public private(set) var firstNotFinite: String?
    private let examines: Bool
    private var lastParameter: String?

    /// An empty tape.
    ///
    /// - Parameters:
    ///   - precision: of the factors of matrix products.
    ///   - examining: whether each result is looked through for numbers that are not finite, which costs a pass over
    ///     it; see ``firstNotFinite``.
    public init(_ mode: Mode, precision: Precision = .float32, examining: Bool = false) {
        self.init(
            mode, precision: precision, examining: examining, keepsLayouts: false)
    }

    /// As ``init(_:precision:examining:)``.
    ///
    /// - Parameter keepsLayouts: whether weights keep what they are laid out as for products, for later tapes: a second
    ///   copy of them, which saves a twentieth of the time.
    package init(
        _ mode: Mode, precision: Precision = .float32, examining: Bool = false, keepsLayouts: Bool
    ) {
        self.mode = mode
        self.precision = precision
        self.keepsLayouts = keepsLayouts
        examines = examining
        serial = Tape.serials.wrappingAdd(1, ordering: .relaxed).newValue
    }

    struct NodeRecord {
        let shape: Shape
        /// The nodes that an input stands for; -1 for a constant.
        let inputs: [Int]
        /// `nil` for leaves.
        let pullback: Pullback?
        /// What a leaf's gradient is filed under.
        let leaf: LeafKey?
        /// How often the node is used as an input.
        var uses = 0
    }

    /// Gets the gradient of the result, adds the gradients of the inputs through the sweep.
    typealias Pullback = (_ gradient: Tensor, _ sweep: inout Sweep) -> Void

    /// Whether gradients are wanted.
    public var isRecording: Bool { if case .training = mode { true } else { false } }

    /// A tensor whose gradient is wanted, filed under the tensor that is returned.
    public mutating func variable(_ tensor: Tensor) -> Tensor {
        guard isRecording else { return tensor.constant }
        return append(
            tensor,
            NodeRecord(
                shape: tensor.shape, inputs: [], pullback: nil,
                leaf: .variable(Tensor.Node(index: nodes.count, tape: serial)))
        )
    }

    /// The value of `parameter` as a leaf of this tape: a constant when it is frozen, the same leaf for each use.
    public mutating func parameter(_ parameter: Parameter) -> Tensor {
        if examines { examine(parameter) }
        guard isRecording, !parameter.isFrozen else { return parameter.value }
        let key = ObjectIdentifier(parameter)
        if let index = leaves[key] {
            var result = parameter.value
            result.node = Tensor.Node(index: index, tape: serial)
            return result
        }
        leaves[key] = nodes.count
        return append(
            parameter.value,
            NodeRecord(
                shape: parameter.shape, inputs: [], pullback: nil, leaf: .parameter(parameter)))
    }

    /// Files `result` with the tensors it was made from and the way back; the only way to make a result.
    ///
    /// Where no input has a gradient, the result is a constant and nothing is kept.
    mutating func record(
        _ result: Tensor, from inputs: [Tensor], operation: StaticString = #function,
        pullback: @escaping Pullback
    ) -> Tensor {
        if examines { examine(result, of: operation) }
        guard isRecording else { return result }
        let places = inputs.map { place(of: $0) }
        guard places.contains(where: { $0 >= 0 }) else { return result }
        for place in places where place >= 0 { nodes[place].uses += 1 }
        return append(
            result, NodeRecord(shape: result.shape, inputs: places, pullback: pullback, leaf: nil))
    }

    private mutating func examine(_ parameter: Parameter) {
        lastParameter = parameter.name
        if firstNotFinite == nil, !parameter.value.sumOfSquares.isFinite {
            firstNotFinite = "the parameter \(parameter.name)"
        }
    }

    private mutating func examine(_ result: Tensor, of operation: StaticString) {
        guard firstNotFinite == nil, !result.sumOfSquares.isFinite else { return }
        let name = "\(operation)".prefix { $0 != "(" }
        let place = lastParameter.map { ", the last parameter used was \($0)" } ?? ""
        firstNotFinite = "the result \(result.shape) of \(name)\(place)"
    }

    /// Whether an operation on `tensor` must keep what its gradient needs.
    func wantsGradient(_ tensor: Tensor) -> Bool { isRecording && place(of: tensor) >= 0 }

    private func place(of tensor: Tensor) -> Int {
        guard let node = tensor.node else { return -1 }
        precondition(
            node.tape == serial, "a tensor of shape \(tensor.shape) belongs to another tape")
        return node.index
    }

    private mutating func append(_ tensor: Tensor, _ record: NodeRecord) -> Tensor {
        var result = tensor
        result.node = Tensor.Node(index: nodes.count, tape: serial)
        nodes.append(record)
        return result
    }

    /// The key of the next place where dropout draws: the same in every step for the same layer, as layers run in
    /// the same order.
    mutating func nextDropoutKey() -> UInt64 {
        guard let seed = mode.dropoutSeed else { return 0 }
        sites += 1
        return SplitMix64.mix(seed &+ sites &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Walks the operations backwards from `result` and returns the gradients of the leaves.
    ///
    /// - Parameter seed: the gradient of `result`; 1 for a scalar where it is left out. Traps on another shape.
    public consuming func backward(from result: Tensor, seed: Tensor? = nil) -> Gradients {
        let gradients = Gradients(turns: 1)
        backward(from: result, seed: seed, into: gradients, turn: 0)
        return gradients
    }

    /// As ``backward(from:seed:)``, adding into `gradients` as number `turn` of the tapes that share it.
    ///
    /// Each parameter's gradient waits until all earlier turns have added theirs, so sums have one order however
    /// many threads run.
    public consuming func backward(
        from result: Tensor, seed: Tensor? = nil, into gradients: Gradients, turn: Int
    ) {
        let start = place(of: result)
        if let seed {
            precondition(
                seed.shape == result.shape, "backward: seed \(seed.shape) for \(result.shape)")
        } else {
            precondition(
                result.shape.count == 1, "backward from shape \(result.shape) needs a seed")
        }
        var sweep = Sweep(nodes: nodes, gradients: gradients, turn: turn, crew: crew)
        nodes = []
        if start >= 0 {
            let one = seed ?? Tensor([1], shape: result.shape)
            sweep.run(from: start, seed: one.constant)
        }
        gradients.finish(turn: turn)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a counter-based mixing of 64 bits.
public enum SplitMix64 {
    /// Mixes `x`; each bit of the result depends on each bit of `x`.
    public static func mix(_ x: UInt64) -> UInt64 {
        var z = x
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Number `index` of the stream `key`.
    public static func draw(_ key: UInt64, _ index: UInt64) -> UInt64 {
        mix(key &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
    }
}
