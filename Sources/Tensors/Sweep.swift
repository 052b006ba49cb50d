#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

internal import CKernels

/// What a leaf's gradient is filed under.
enum LeafKey {
    case parameter(Parameter)
    case variable(Tensor.Node)
}

/// One walk back over a tape: holds the gradients on their way from results to inputs.
///
/// A pullback asks `wants(i)` before it computes the gradient of its input `i` (constants want none), and hands it
/// over by one of: `give` (a tensor it made), `accumulate` (a kernel that can add into its destination, for large
/// products), `addRows` (a few rows of a table).
struct Sweep {
    private var nodes: [Tape.NodeRecord]
    private var pending: [Tensor?]
    private let sum: Gradients
    private let turn: Int
    private var inputs: [Int] = []
    /// Takes part in matrix products.
    let crew: Crew?

    init(nodes: [Tape.NodeRecord], gradients: Gradients, turn: Int, crew: Crew? = nil) {
        self.crew = crew
        self.nodes = nodes
        pending = Array(repeating: nil, count: nodes.count)
        sum = gradients
        self.turn = turn
    }

    mutating func run(from start: Int, seed: Tensor) {
        pending[start] = seed
        while let node = nodes.popLast() {
            let index = nodes.count
            guard let gradient = pending[index] else { continue }
            pending[index] = nil
            if let pullback = node.pullback {
                inputs = node.inputs
                pullback(gradient, &self)
            } else {
                switch node.leaf {
                case .parameter(let parameter): sum.add(gradient, to: parameter, turn: turn)
                case .variable(let node): sum.setVariable(node, gradient)
                case nil: break
                }
            }
        }
    }

    /// Whether input number `index` has a gradient.
    func wants(_ index: Int) -> Bool { inputs[index] >= 0 }

    /// Adds `gradient` to that of input number `index`.
    mutating func give(_ gradient: @autoclosure () -> Tensor, to index: Int) {
        let place = inputs[index]
        guard place >= 0 else { return }
        let gradient = gradient()
        precondition(
            gradient.shape == nodes[place].shape,
            "a gradient of shape \(gradient.shape) for an input of shape \(nodes[place].shape)")
        guard var old = pending[place] else {
            pending[place] = gradient.constant
            return
        }
        pending[place] = nil
        // The memory of a residual connection's gradient is handed to both its inputs: add in place only when alone.
        if isKnownUniquelyReferenced(&old.buffer) {
            k_add_into(old.pointer, gradient.pointer, Int64(old.shape.count))
            pending[place] = old
        } else {
            let total = Tensor(uninitialized: old.shape)
            k_add(total.pointer, old.pointer, gradient.pointer, Int64(old.shape.count))
            pending[place] = total
        }
    }

    /// Lets `kernel` write (beta 0) or add (beta 1) the gradient of input number `index` where it belongs.
    mutating func accumulate(
        _ index: Int, _ kernel: (UnsafeMutablePointer<Float>, _ beta: Float) -> Void
    ) {
        let place = inputs[index]
        guard place >= 0 else { return }
        if case .parameter(let parameter) = nodes[place].leaf, nodes[place].uses == 1 {
            sum.accumulate(parameter, turn: turn, kernel)
            return
        }
        if var old = pending[place] {
            pending[place] = nil
            if !isKnownUniquelyReferenced(&old.buffer) { old = old.copy }
            kernel(old.pointer, 1)
            pending[place] = old
        } else {
            let fresh = Tensor(uninitialized: nodes[place].shape)
            kernel(fresh.pointer, 0)
            pending[place] = fresh
        }
    }

    /// Adds row `i` of `gradient` [n, H] to row `ids[i]` of the gradient of input number `index`, a table [V, H].
    mutating func addRows(_ gradient: Tensor, ids: [Int32], to index: Int) {
        let place = inputs[index]
        guard place >= 0 else { return }
        let n = Int64(ids.count)
        let width = Int64(gradient.shape.width)
        if case .parameter(let parameter) = nodes[place].leaf, nodes[place].uses == 1 {
            sum.addRows(gradient, ids: ids, to: parameter, turn: turn)
            return
        }
        let shape = nodes[place].shape
        accumulate(index) { pointer, beta in
            if beta == 0 { memset(pointer, 0, shape.count * MemoryLayout<Float>.stride) }
            k_scatter_add_rows(pointer, gradient.pointer, ids, n, width)
        }
    }
}
