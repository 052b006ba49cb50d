internal import Tensors

/// What a piece of work takes from the buffer pool and gives back, as a function of a few sizes of the work.
///
/// Nobody writes the formula down: the work is done a few times with different sizes, and the number of floats of each
/// buffer, in the order in which the work asks for them, is solved for as a linear function of the sizes with whole
/// coefficients. From the order of taking and giving back follow the bytes in use at each moment, for any sizes.
struct BufferLaw: Sendable {
    /// Bytes in use by the work.
    struct Use: Sendable, Equatable {
        /// The most up to the mark.
        var before = 0
        /// At the mark.
        var kept = 0
        /// The most from the mark on.
        var after = 0
        /// At the end.
        var left = 0
    }

    /// Work that was done: its sizes, and what the pool saw of it.
    typealias Sample = (sizes: [Int], events: [BufferEvent])

    private enum Step: Sendable {
        case take(form: Int)
        case give(form: Int)
        case mark
    }

    /// Coefficients of the sizes, each list once.
    private var forms: [[Int]] = []
    private var steps: [Step] = []

    /// The law that all `samples` obey; `nil` where there is none, as where the order of events differs.
    ///
    /// Sizes that depend on each other in all samples are taken to do so always.
    init?(_ samples: [Sample]) {
        guard let first = samples.first?.events,
            samples.allSatisfy({ $0.events.count == first.count })
        else { return nil }
        let sizes = samples.map(\.sizes)
        var known: [[Int]: Int] = [:]
        var taken: [Int] = []
        for (index, event) in first.enumerated() {
            let others = samples.map { $0.events[index] }
            switch event {
            case .mark, .give:
                guard others.allSatisfy({ $0 == event }) else { return nil }
                if case .give(let take) = event { steps.append(.give(form: taken[take])) }
                if event == .mark { steps.append(.mark) }
            case .take:
                let counts = others.compactMap {
                    if case .take(let count) = $0 { count } else { nil }
                }
                guard counts.count == samples.count else { return nil }
                if known[counts] == nil {
                    guard let form = BufferLaw.solve(sizes, counts) else { return nil }
                    known[counts] = forms.count
                    forms.append(form)
                }
                let form = known[counts] ?? 0
                taken.append(form)
                steps.append(.take(form: form))
            }
        }
    }

    /// What work of these sizes uses.
    func use(_ sizes: [Int]) -> Use {
        let bytes = forms.map { form in
            let count = zip(form, sizes).reduce(0) { $0 + $1.0 * $1.1 }
            return BufferPool.capacity(for: max(0, count)) * MemoryLayout<Float>.stride
        }
        var use = Use()
        var (live, peak) = (0, 0)
        for step in steps {
            switch step {
            case .take(let form):
                live += bytes[form]
                peak = max(peak, live)
            case .give(let form): live -= bytes[form]
            case .mark:
                (use.before, use.kept, peak) = (peak, live, live)
            }
        }
        (use.after, use.left) = (peak, live)
        return use
    }

    /// How many floats are in use at the mark, as coefficients of the sizes.
    var kept: [Int] {
        var total = Array(repeating: 0, count: forms.first?.count ?? 0)
        func add(_ form: [Int], _ sign: Int) {
            for index in form.indices { total[index] += sign * form[index] }
        }
        for step in steps {
            switch step {
            case .take(let form): add(forms[form], 1)
            case .give(let form): add(forms[form], -1)
            case .mark: return total
            }
        }
        return total
    }

    /// How many buffers the work takes up to the mark.
    var takesBeforeMark: Int {
        var count = 0
        for step in steps {
            switch step {
            case .take: count += 1
            case .give: break
            case .mark: return count
            }
        }
        return count
    }

    /// Whole numbers x with `rows` x = `values`, zero for columns that depend on those before; `nil` where there are
    /// none.
    static func solve(_ rows: [[Int]], _ values: [Int]) -> [Int]? {
        var table = zip(rows, values).map { row, value in row.map(Double.init) + [Double(value)] }
        let columns = rows.first?.count ?? 0
        var pivots: [(row: Int, column: Int)] = []
        for column in 0..<columns {
            let rest = pivots.count..<table.count
            guard
                let row = rest.max(by: { abs(table[$0][column]) < abs(table[$1][column]) }),
                abs(table[row][column]) > 1e-6
            else { continue }
            table.swapAt(row, pivots.count)
            let pivot = table[pivots.count]
            for other in table.indices where other != pivots.count {
                let factor = table[other][column] / pivot[column]
                for place in column...columns { table[other][place] -= factor * pivot[place] }
            }
            pivots.append((pivots.count, column))
        }
        var result = Array(repeating: 0, count: columns)
        for (row, column) in pivots {
            let quotient = (table[row][columns] / table[row][column]).rounded()
            guard let whole = Int(exactly: quotient) else { return nil }
            result[column] = whole
        }
        let isSolution = zip(rows, values).allSatisfy { row, value in
            zip(row, result).reduce(0) { $0 + $1.0 * $1.1 } == value
        }
        return isSolution ? result : nil
    }
}
