#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
internal import CKernels

/// The cosines and sines of rotary positions (Su et al. 2021, arXiv 2104.09864), for all positions up to a length.
public struct RotaryTable: Sendable {
    /// [positions, D / 2].
    fileprivate let cosines: Tensor
    fileprivate let sines: Tensor

    /// Angles of position p and pair j of D / 2: p * `base`^(-2j / D), for heads of `size` D numbers.
    ///
    /// Traps on an odd size.
    public init(positions: Int, size: Int, base: Double) {
        precondition(size > 0 && size % 2 == 0, "rotary positions for heads of \(size)")
        let half = size / 2
        cosines = Tensor(uninitialized: [positions, half])
        sines = Tensor(uninitialized: [positions, half])
        for pair in 0..<half {
            let frequency = pow(base, -2 * Double(pair) / Double(size))
            for position in 0..<positions {
                let angle = Double(position) * frequency
                cosines.pointer[position * half + pair] = Float(cos(angle))
                sines.pointer[position * half + pair] = Float(sin(angle))
            }
        }
    }
}

extension Tape {
    /// Turns every head of `x` [T, heads * D] by the angles of its row's position. Traps where positions do not fit
    /// `x` or the table.
    public mutating func rotate(_ x: Tensor, positions: [Int32], by table: RotaryTable) -> Tensor {
        let (n, size) = (x.shape.rows, 2 * table.cosines.shape.width)
        let limit = Int32(table.cosines.shape.rows)
        precondition(
            x.shape.rank == 2 && positions.count == n && x.shape.width % size == 0
                && positions.allSatisfy { $0 >= 0 && $0 < limit },
            "rotate: x \(x.shape), \(positions.count) positions below \(limit), heads of \(size)")
        let heads = Int64(x.shape.width / size)
        let y = Tensor(uninitialized: x.shape)
        k_rotate(
            y.pointer, x.pointer, table.cosines.pointer, table.sines.pointer, positions, Int64(n),
            heads, Int64(size), 1)
        return record(y, from: [x]) { dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            k_rotate(
                dx.pointer, dy.pointer, table.cosines.pointer, table.sines.pointer, positions,
                Int64(n), heads, Int64(size), -1)
            sweep.give(dx, to: 0)
        }
    }
}
