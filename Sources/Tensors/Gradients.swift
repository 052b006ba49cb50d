#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

internal import CKernels

/// The gradients of the parameters, summed over the tapes of one training step; and those of variables.
///
/// Tapes add in the order of their turns, parameter by parameter, whichever thread they run on: a thread that comes
/// early waits. So a sum has the same bits for any number of threads, without a copy of all gradients per tape. The
/// memory is kept from step to step.
public final class Gradients: @unchecked Sendable {
    /// The sum of one parameter.
    private final class Slot {
        let parameter: Parameter
        var tensor: Tensor
        /// The turn that may add next.
        var next = 0
        /// Whether the sum holds something.
        var isFilled = false
        /// For tables: whether only the rows with `touched` set hold something.
        var isRowSparse = false
        var touched: [Bool] = []
        var touchedRows: [Int32] = []

        /// - Parameter isTable: whether it begins with rows: the others take no memory then.
        init(_ parameter: Parameter, isTable: Bool) {
            self.parameter = parameter
            tensor = Tensor(
                uninitialized: parameter.trainableShape, for: isTable ? .sparse : .staying)
        }

        /// The rows of the table that the sum is of, where not all rows learn.
        var rows: Range<Int>? { parameter.trainableRows }
    }

    private let turns: Int
    private var slots: [ObjectIdentifier: Slot] = [:]
    private var variables: [Tensor.Node: Tensor] = [:]
    private let lock = Condition()
    /// Which turns have added all they had, and how many have from the first on.
    private var isDone: [Bool]
    private var finished = 0

    /// An empty sum for `turns` tapes (counted from 0).
    public init(turns: Int) {
        self.turns = turns
        isDone = Array(repeating: false, count: turns)
    }

    /// An empty sum for `turns` tapes that takes over the memory of `previous`, which must not be used any more.
    public init(turns: Int, reusing previous: Gradients) {
        self.turns = turns
        isDone = Array(repeating: false, count: turns)
        slots = previous.slots
        previous.slots = [:]
        for slot in slots.values {
            slot.next = 0
            slot.isFilled = false
            slot.isRowSparse = false
            for row in slot.touchedRows { slot.touched[Int(row)] = false }
            slot.touchedRows.removeAll(keepingCapacity: true)
        }
    }

    /// The gradient of `parameter` as a dense tensor, of the rows that learn; `nil` where nothing was added.
    public subscript(parameter: Parameter) -> Tensor? {
        guard let slot = slots[ObjectIdentifier(parameter)], slot.isFilled else { return nil }
        guard slot.isRowSparse else { return slot.tensor }
        let dense = Tensor(zeros: slot.tensor.shape)
        let width = slot.tensor.shape.width
        for row in slot.touchedRows {
            (dense.pointer + Int(row) * width).update(
                from: slot.tensor.pointer + Int(row) * width, count: width)
        }
        return dense
    }

    /// Whether anything was added for `parameter`.
    public func has(_ parameter: Parameter) -> Bool {
        slots[ObjectIdentifier(parameter)]?.isFilled ?? false
    }

    /// The gradient of a tensor that ``Tape/variable(_:)`` returned; `nil` where nothing reached it.
    public subscript(variable: Tensor) -> Tensor? {
        guard let node = variable.node else { return nil }
        return lock.withLock { variables[node] }
    }

    /// How the gradient of a parameter is stored.
    package enum Storage {
        /// All of it.
        case dense(Tensor)
        /// A table of which only some rows hold something; the rest counts as zero. Row numbers in order of touch,
        /// and a flag for each row.
        case rows(Tensor, touched: [Int32], flags: [Bool])
    }

    /// The gradient of `parameter` as stored; `nil` where nothing was added.
    package func storage(of parameter: Parameter) -> Storage? {
        guard let slot = slots[ObjectIdentifier(parameter)], slot.isFilled else { return nil }
        return slot.isRowSparse
            ? .rows(slot.tensor, touched: slot.touchedRows, flags: slot.touched)
            : .dense(slot.tensor)
    }

    /// A part of the sum of squares of a gradient.
    private struct Squares: @unchecked Sendable {
        let tensor: Tensor
        /// The rows of a table, or else numbers.
        let rows: ArraySlice<Int32>?
        let numbers: Range<Int>

        var sum: Double {
            guard let rows else {
                return k_sum_of_squares(
                    tensor.pointer + numbers.lowerBound, Int64(numbers.count))
            }
            let (pointer, width) = (tensor.pointer, tensor.shape.width)
            return rows.reduce(0) {
                $0 + k_sum_of_squares(pointer + Int($1) * width, Int64(width))
            }
        }
    }

    /// The sum of squares of the gradient of `parameter`, in pieces of `size` numbers: the same for any number of
    /// threads.
    private func squares(of parameter: Parameter, size: Int = 1 << 17) -> [Squares]? {
        switch storage(of: parameter) {
        case nil: return nil
        case .dense(let tensor):
            let count = tensor.shape.count
            return stride(from: 0, to: count, by: size).map {
                Squares(tensor: tensor, rows: nil, numbers: $0..<min($0 + size, count))
            }
        case .rows(let tensor, let touched, _):
            let rows = touched.sorted()
            let length = max(1, size / max(1, tensor.shape.width))
            return stride(from: 0, to: rows.count, by: length).map {
                Squares(
                    tensor: tensor, rows: rows[$0..<min($0 + length, rows.count)], numbers: 0..<0)
            }
        }
    }

    /// The sum of squares of the gradient of `parameter`; `nil` where nothing was added.
    public func sumOfSquares(of parameter: Parameter) -> Double? {
        squares(of: parameter)?.reduce(0) { $0 + $1.sum }
    }

    /// The L2 norm over the gradients of `parameters`, found by the threads of `pool`; the bits do not depend on how
    /// many there are.
    public func norm(of parameters: [Parameter], pool: WorkerPool) -> Double {
        let pieces = parameters.flatMap { squares(of: $0) ?? [] }
        let sums = Array(unsafeUninitializedCapacity: pieces.count) { buffer, count in
            pool.run(pieces.count) { buffer[$0] = pieces[$0].sum }
            count = pieces.count
        }
        return sums.reduce(0, +).squareRoot()
    }

    /// Multiplies all gradients by `factor`.
    public func scale(by factor: Float) {
        for slot in slots.values where slot.isFilled {
            if slot.isRowSparse {
                let width = slot.tensor.shape.width
                for row in slot.touchedRows {
                    k_scale_in_place(slot.tensor.pointer + Int(row) * width, factor, Int64(width))
                }
            } else {
                k_scale_in_place(slot.tensor.pointer, factor, Int64(slot.tensor.shape.count))
            }
        }
    }

    // MARK: Adding, in turn

    func setVariable(_ node: Tensor.Node, _ gradient: Tensor) {
        lock.withLock { variables[node] = gradient }
    }

    func add(_ gradient: Tensor, to parameter: Parameter, turn: Int) {
        let start = (parameter.trainableRows?.lowerBound ?? 0) * gradient.shape.width
        inTurn(parameter, turn) { slot in
            if slot.isRowSparse { densify(slot) }
            let (pointer, count) = (slot.tensor.pointer, slot.tensor.shape.count)
            if slot.isFilled {
                k_add_into(pointer, gradient.pointer + start, Int64(count))
            } else {
                pointer.update(from: gradient.pointer + start, count: count)
            }
            slot.isFilled = true
        }
    }

    func accumulate(
        _ parameter: Parameter, turn: Int,
        _ kernel: (UnsafeMutablePointer<Float>, _ beta: Float) -> Void
    ) {
        guard parameter.trainableRows == nil else {
            let whole = Tensor(uninitialized: parameter.shape)
            kernel(whole.pointer, 0)
            add(whole, to: parameter, turn: turn)
            return
        }
        inTurn(parameter, turn) { slot in
            if slot.isRowSparse { densify(slot) }
            kernel(slot.tensor.pointer, slot.isFilled ? 1 : 0)
            slot.isFilled = true
        }
    }

    func addRows(_ gradient: Tensor, ids: [Int32], to parameter: Parameter, turn: Int) {
        inTurn(parameter, turn, isTable: true) { slot in
            let width = slot.tensor.shape.width
            if let rows = slot.rows {
                // A few rows: all of them count, as in a parameter of their own.
                if !slot.isFilled {
                    memset(
                        slot.tensor.pointer, 0,
                        slot.tensor.shape.count * MemoryLayout<Float>.stride)
                    slot.isFilled = true
                }
                for (index, id) in ids.enumerated() where rows.contains(Int(id)) {
                    k_add_into(
                        slot.tensor.pointer + (Int(id) - rows.lowerBound) * width,
                        gradient.pointer + index * width, Int64(width))
                }
                return
            }
            if !slot.isFilled {
                slot.isFilled = true
                slot.isRowSparse = true
                if slot.touched.isEmpty {
                    slot.touched = Array(repeating: false, count: slot.tensor.shape.rows)
                }
            }
            if slot.isRowSparse {
                for id in ids where !slot.touched[Int(id)] {
                    slot.touched[Int(id)] = true
                    slot.touchedRows.append(id)
                    memset(
                        slot.tensor.pointer + Int(id) * width, 0, width * MemoryLayout<Float>.stride
                    )
                }
            }
            k_scatter_add_rows(
                slot.tensor.pointer, gradient.pointer, ids, Int64(ids.count), Int64(width))
        }
    }

    private func densify(_ slot: Slot) {
        let width = slot.tensor.shape.width
        for row in 0..<slot.tensor.shape.rows where !slot.touched[row] {
            memset(slot.tensor.pointer + row * width, 0, width * MemoryLayout<Float>.stride)
        }
        for row in slot.touchedRows { slot.touched[Int(row)] = false }
        slot.touchedRows = []
        slot.isRowSparse = false
    }

    /// Runs `body` when all turns before `turn` are done with `parameter`. Only one thread is in `body` per
    /// parameter.
    private func inTurn(
        _ parameter: Parameter, _ turn: Int, isTable: Bool = false, _ body: (Slot) -> Void
    ) {
        precondition(turn >= 0 && turn < turns, "turn \(turn) of \(turns)")
        let key = ObjectIdentifier(parameter)
        let slot = lock.withLock {
            let slot = slots[key] ?? Slot(parameter, isTable: isTable)
            slots[key] = slot
            precondition(slot.next <= turn, "\(parameter.name) was added to twice in turn \(turn)")
            while max(slot.next, finished) < turn { lock.wait() }
            return slot
        }
        body(slot)
        lock.withLock {
            slot.next = turn + 1
            lock.broadcast()
        }
    }

    /// Turn `turn` adds nothing more: parameters that it did not touch no longer wait for it.
    func finish(turn: Int) {
        lock.withLock {
            isDone[turn] = true
            while finished < turns, isDone[finished] { finished += 1 }
            lock.broadcast()
        }
    }
}
