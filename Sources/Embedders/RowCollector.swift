internal import Tensors

/// Gathers rows that several threads compute.
final class RowCollector: @unchecked Sendable {
    private let result: Tensor

    init(rows: Int, width: Int) { result = Tensor(zeros: [rows, width]) }

    /// Writes row `i` of `values` to row `rows[i]`. Threads write different rows.
    func set(rows: [Int], to values: Tensor) { result.write(values, toRows: rows) }

    func finish() -> Tensor { result }
}
