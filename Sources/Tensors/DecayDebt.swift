internal import CKernels
import Synchronization

/// The weight decay that rows of a table owe.
///
/// A row that never had a gradient has no moments: a step of AdamW multiplies it by the factor of that step and does
/// nothing else. Most words of a table are such rows, so a step only writes its factor down, and a row is multiplied by
/// all factors that it owes, one after the other, when somebody looks at it. The bits are those of paying at once.
final class DecayDebt: Sendable {
    private struct State {
        /// Of the steps since nobody owed anything, in order.
        var factors: [Float] = []
        /// How many of the factors a row has been multiplied by; `nil` for rows that owe nothing, now or later.
        var paid: [Int?]
    }

    private let width: Int
    private let state: Mutex<State>

    /// No debt yet; rows where `isFree` is set will never have one.
    init(width: Int, isFree: [Bool]) {
        self.width = width
        state = Mutex(State(paid: isFree.map { $0 ? nil : 0 }))
    }

    /// All rows but those that are free owe `factor`.
    func add(_ factor: Float) {
        if factor != 1 { state.withLock { $0.factors.append(factor) } }
    }

    /// Brings all rows of the table in `memory` up to date.
    func settle(_ memory: UnsafeMutablePointer<Float>) {
        state.withLock { state in
            guard !state.factors.isEmpty else { return }
            for row in state.paid.indices {
                pay(row, memory, &state)
                if state.paid[row] != nil { state.paid[row] = 0 }
            }
            state.factors.removeAll(keepingCapacity: true)
        }
    }

    /// Brings `rows` up to date.
    func settle(_ memory: UnsafeMutablePointer<Float>, rows: [Int32]) {
        state.withLock { state in
            for row in rows { pay(Int(row), memory, &state) }
        }
    }

    /// `rows`, which are up to date, owe nothing from now on.
    func free(_ rows: [Int32]) {
        state.withLock { state in
            for row in rows { state.paid[Int(row)] = nil }
        }
    }

    private func pay(_ row: Int, _ memory: UnsafeMutablePointer<Float>, _ state: inout State) {
        guard let paid = state.paid[row], paid < state.factors.count else { return }
        state.factors.withUnsafeBufferPointer { factors in
            guard let base = factors.baseAddress else { return }
            k_scale_by_each(
                memory + row * width, Int64(width), base + paid, Int64(factors.count - paid))
        }
        state.paid[row] = state.factors.count
    }
}
