internal import CKernels

/// Which rows of the whole batch the rows of a packed tensor are.
///
/// Dropout draws by these numbers, so that what is dropped does not depend on how a batch is cut into chunks.
public struct RowNumbers: Sendable {
    let numbers: [UInt32]

    /// Rows with the given numbers.
    public init(_ numbers: [UInt32]) { self.numbers = numbers }

    /// The number of rows.
    public var count: Int { numbers.count }
}

/// One place where dropout draws: nothing is dropped at rate 0.
struct DropoutSite {
    let rate: Float
    let key: UInt64
    let rows: [UInt32]

    static let none = DropoutSite(rate: 0, key: 0, rows: [])
}

extension Tape {
    /// The next place for dropout at `rate` on tensors with these rows. Traps outside 0 ..< 1.
    mutating func dropoutSite(_ rate: Float, _ rows: RowNumbers, count: Int) -> DropoutSite {
        precondition(rate >= 0 && rate < 1, "dropout rate \(rate)")
        guard mode.dropoutSeed != nil else { return .none }
        let key = nextDropoutKey()
        if rate == 0 { return .none }
        precondition(rows.count == count, "dropout: \(rows.count) row numbers for \(count) rows")
        return DropoutSite(rate: rate, key: key, rows: rows.numbers)
    }

    /// In training, sets each element of `x` [n, H] to zero with probability `rate` and divides the others by
    /// 1 - `rate` (Srivastava et al. 2014); else returns `x`.
    public mutating func dropout(_ x: Tensor, rate: Float, rows: RowNumbers) -> Tensor {
        let site = dropoutSite(rate, rows, count: x.shape.rows)
        if site.rate == 0 { return x }
        let (n, h) = (Int64(x.shape.rows), Int64(x.shape.width))
        let y = Tensor(uninitialized: x.shape)
        k_dropout(y.pointer, x.pointer, n, h, site.rows, site.key, site.rate)
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            k_dropout(dx.pointer, dy.pointer, n, h, site.rows, site.key, site.rate)
            sweep.give(dx, to: 0)
        }
    }
}
