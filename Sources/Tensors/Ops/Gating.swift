#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
internal import CKernels

extension Tape {
    /// `a` times `b`, element by element. Traps on different shapes.
    public mutating func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape, "multiply: \(a.shape) and \(b.shape)")
        let count = Int64(a.shape.count)
        let y = Tensor(uninitialized: a.shape)
        k_multiply(y.pointer, a.pointer, b.pointer, count)
        let (keptA, keptB) = (
            wantsGradient(b) ? a.constant : nil, wantsGradient(a) ? b.constant : nil
        )
        return record(y, from: [a, b]) { dy, sweep in
            for (index, other) in [keptB, keptA].enumerated() {
                guard let other else { continue }
                let gradient = Tensor(uninitialized: dy.shape)
                k_multiply(gradient.pointer, dy.pointer, other.pointer, count)
                sweep.give(gradient, to: index)
            }
        }
    }

    /// SiLU, x * sigmoid(x), of every element of `x` (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    public mutating func silu(_ x: Tensor) -> Tensor {
        let count = Int64(x.shape.count)
        let y = Tensor(uninitialized: x.shape)
        k_silu_forward(y.pointer, x.pointer, count)
        return record(y, from: [x]) { [x = x.constant] dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            k_silu_backward(dx.pointer, dy.pointer, x.pointer, count)
            sweep.give(dx, to: 0)
        }
    }

    /// The columns of all `parts` side by side, [n, H1 + H2 + ...]. Traps unless all have n rows.
    public mutating func concatenateColumns(_ parts: [Tensor]) -> Tensor {
        let n = parts.first?.shape.rows ?? 0
        precondition(
            !parts.isEmpty && parts.allSatisfy { $0.shape.rank == 2 && $0.shape.rows == n },
            "columns of tensors of shapes \(parts.map(\.shape))")
        let width = parts.reduce(0) { $0 + $1.shape.width }
        let y = Tensor(zeros: [n, width])
        var first = 0
        var places: [Range<Int>] = []
        for part in parts {
            places.append(first..<first + part.shape.width)
            k_add_columns(
                y.pointer, part.pointer, Int64(n), Int64(width), Int64(first),
                Int64(part.shape.width))
            first += part.shape.width
        }
        return record(y, from: parts) { [places] dy, sweep in
            for (index, place) in places.enumerated() where sweep.wants(index) {
                let dx = Tensor(uninitialized: [n, place.count])
                k_columns(
                    dx.pointer, dy.pointer, Int64(n), Int64(width), Int64(place.lowerBound),
                    Int64(place.count))
                sweep.give(dx, to: index)
            }
        }
    }

    /// Columns `range` of `x` [n, H]; the gradient of the others is zero. Traps out of range.
    public mutating func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let (n, h) = (x.shape.rows, x.shape.width)
        precondition(
            x.shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= h,
            "columns \(range) of a tensor of shape \(x.shape)")
        let (first, count) = (Int64(range.lowerBound), Int64(range.count))
        let y = Tensor(uninitialized: [n, range.count])
        k_columns(y.pointer, x.pointer, Int64(n), Int64(h), first, count)
        return record(y, from: [x]) { dy, sweep in
            sweep.accumulate(0) { dx, beta in
                if beta == 0 { memset(dx, 0, n * h * MemoryLayout<Float>.stride) }
                k_add_columns(dx, dy.pointer, Int64(n), Int64(h), first, count)
            }
        }
    }
}
