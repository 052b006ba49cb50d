internal import CKernels

/// a b, with operands laid out for the kernels: our own where the processor has what they need, else OpenBLAS.
///
/// Laying out is apart from computing where that helps: threads which add into one sum in turn hold it for the
/// arithmetic only, and a weight that does not change is laid out once.
struct MatrixProduct {
    /// One side, laid out.
    private struct Operand {
        let pointer: UnsafePointer<Float>
        /// Whoever holds the memory, where it is a copy.
        let owner: Buffer?
        /// For OpenBLAS: whether the matrix is given as its transpose. For our kernels: whether it is in strips.
        let isTransposed: Bool

        /// A matrix as it is in memory.
        init(_ pointer: UnsafePointer<Float>, isTransposed: Bool) {
            (self.pointer, owner, self.isTransposed) = (pointer, nil, isTransposed)
        }

        init(_ owner: Buffer, isTransposed: Bool) {
            (pointer, self.owner) = (UnsafePointer(owner.pointer), owner)
            self.isTransposed = isTransposed
        }

        /// A copy whose numbers are rounded.
        init(rounding pointer: UnsafePointer<Float>, isTransposed: Bool, count: Int) {
            let copy = Buffer(count: count)
            k_round_bf16(copy.pointer, pointer, Int64(count))
            self.init(copy, isTransposed: isTransposed)
        }
    }

    private let left: Operand
    private let right: Operand
    private let m: Int
    private let n: Int
    private let k: Int
    private let precision: Precision
    /// How the right side, which is as it is in memory, is laid out panel by panel when it is needed.
    private let laysOut: PanelLayout?

    /// Whether our own kernels compute.
    static let isOwn = k_gemm_is_fast()

    /// The product of op(a) [m, k] and op(b) [k, n], row-major and contiguous; op transposes where asked to.
    ///
    /// - Parameters:
    ///   - cache: where the layout of b is kept; b belongs to it.
    ///   - laysOutLate: whether b is laid out panel by panel while the product is computed, each panel still in the
    ///     first cache when it is used; only where a is not transposed, and not where a factor follows.
    ///   - rounded: of ``rounded(_:m:k:_:)`` for a, where that is known already; only where a is not transposed. Asked
    ///     for only where it is needed.
    ///   - sums: [m], to which the sums of the rows of op(a) are added; only where a is given transposed.
    init(
        _ a: UnsafePointer<Float>, transposeA: Bool = false, _ b: UnsafePointer<Float>,
        transposeB: Bool = false, m: Int, n: Int, k: Int, precision: Precision = .float32,
        cache: WeightPanels? = nil, laysOutLate: Bool = false,
        rounded: @autoclosure () -> Buffer? = nil,
        addingSumsTo sums: UnsafeMutablePointer<Float>? = nil
    ) {
        precondition(sums == nil || transposeA, "sums of a matrix that is not transposed")
        precondition(!laysOutLate || !transposeA, "a transposed left side, a right one as it is")
        (self.m, self.n, self.k, self.precision) = (m, n, k, precision)
        guard MatrixProduct.isOwn else {
            laysOut = nil
            if let sums { k_column_sums(sums, a, Int64(k), Int64(m)) }
            func operand(
                _ x: UnsafePointer<Float>, _ isTransposed: Bool, _ count: Int
            ) -> Operand {
                precision == .float32
                    ? Operand(x, isTransposed: isTransposed)
                    : Operand(rounding: x, isTransposed: isTransposed, count: count)
            }
            left = operand(a, transposeA, m * k)
            right = operand(b, transposeB, k * n)
            return
        }
        let isLate = laysOutLate && cache == nil
        if transposeA {
            let strips = Buffer(count: Int(k_gemm_strips(Int64(m), Int64(k))))
            k_gemm_pack_a(
                strips.pointer, sums, a, Int64(m), precision.rounds, Int64(m), Int64(k))
            precision.pair(strips, inGroupsOf: k, areStrips: true)
            left = Operand(strips, isTransposed: true)
        } else if isLate && precision.rounds {
            // Rounded part by part.
            left = Operand(a, isTransposed: false)
        } else if let rows = rounded() ?? MatrixProduct.rounded(a, m: m, k: k, precision) {
            left = Operand(rows, isTransposed: false)
        } else {
            left = Operand(a, isTransposed: false)
        }
        let layout = PanelLayout(isTransposed: transposeB, precision: precision)
        laysOut = isLate ? layout : nil
        if laysOut != nil {
            right = Operand(b, isTransposed: transposeB)
        } else if let cache {
            right = Operand(cache.panels(layout, of: b, n: n, k: k), isTransposed: false)
        } else {
            let panels = Buffer(count: PanelLayout.count(n: n, k: k))
            layout.layOut(b, n: n, k: k, in: panels)
            right = Operand(panels, isTransposed: false)
        }
    }

    /// The rows a [m, k] as our kernels take them; `nil` where they take them as they are, or others compute.
    static func rounded(
        _ a: UnsafePointer<Float>, m: Int, k: Int, _ precision: Precision
    ) -> Buffer? {
        guard isOwn, precision != .float32 else { return nil }
        let rows = Buffer(count: m * precision.units(k))
        if precision.isPaired {
            k_gemm_pair_columns(rows.pointer, a, Int64(m), Int64(k))
        } else {
            k_round_bf16(rows.pointer, a, Int64(m * k))
        }
        return rows
    }

    /// c [m, n] = factor * a b + bias [n]; or adds factor * a b to c. Traps where `bias` meets a factor or a sum.
    ///
    /// - Parameter crew: shares out the columns of c; same bits.
    func write(
        to c: UnsafeMutablePointer<Float>, factor: Float = 1, bias: UnsafePointer<Float>? = nil,
        adds: Bool = false, crew: Crew? = nil
    ) {
        precondition(bias == nil || (factor == 1 && !adds), "a product with a bias and a factor")
        precondition(laysOut == nil || factor == 1, "a right side laid out late, and a factor")
        if MatrixProduct.isOwn {
            let width = PanelLayout.count(n: 1, k: 1)
            let panels = (n + width - 1) / width
            let pieces = max(1, min(panels, crew?.pieces ?? 1))
            func writePiece(_ piece: Int) {
                let first = panels * piece / pieces * width
                let last = min(n, panels * (piece + 1) / pieces * width)
                write(first..<last, to: c, factor: factor, bias: bias, adds: adds)
            }
            if let crew { crew.run(pieces, writePiece) } else { writePiece(0) }
        } else {
            if let bias { k_fill_rows(c, bias, Int64(m), Int64(n)) }
            BLAS.multiply(
                c, left.pointer, transposeA: left.isTransposed, right.pointer,
                transposeB: right.isTransposed, m: m, n: n, k: k, alpha: factor,
                beta: adds || bias != nil ? 1 : 0)
        }
        withExtendedLifetime((left.owner, right.owner)) {}
    }

    /// Some columns of c, from the first of a panel on.
    private func write(
        _ columns: Range<Int>, to c: UnsafeMutablePointer<Float>, factor: Float,
        bias: UnsafePointer<Float>?, adds: Bool
    ) {
        let units = precision.units(k)
        let (first, count) = (columns.lowerBound, Int64(columns.count))
        let bias = bias.map { $0 + first }
        if let laysOut {
            let panel = Buffer(count: Int(k_gemm_panel_part(Int64(k))))
            let rows =
                precision.rounds
                ? Buffer(count: Int(k_gemm_rows_part(Int64(m), Int64(k)))) : nil
            k_gemm_laying_out(
                c + first, Int64(n), left.pointer, Int64(units),
                right.pointer + first * (laysOut.isTransposed ? k : 1),
                Int64(laysOut.isTransposed ? k : n), laysOut.isTransposed, precision.rounds,
                precision.isPaired, panel.pointer, rows?.pointer, Int64(m), Int64(k), count, bias,
                adds)
            withExtendedLifetime((panel, rows)) {}
        } else {
            k_gemm(
                c + first, Int64(n), left.pointer, Int64(units), left.isTransposed,
                right.pointer + first * units, precision.isPaired, Int64(m), Int64(units), count,
                factor, bias, adds)
        }
    }
}

/// The numbers that matrix products of linear layers are made of; sums are float32 always.
public enum Precision: String, Sendable, CaseIterable {
    /// Single precision.
    case float32
    /// Factors are rounded to the upper half of single precision, to the nearest even.
    case bfloat16

    /// Whether our kernels take two neighbours as one unit.
    fileprivate var isPaired: Bool { self == .bfloat16 && Precision.prefersPairs }

    private static let prefersPairs = k_gemm_prefers_pairs()

    /// How many units `k` neighbours make.
    fileprivate func units(_ k: Int) -> Int { isPaired ? (k + 1) / 2 : k }

    /// Whether numbers are rounded where they are laid out.
    fileprivate var rounds: Bool { self == .bfloat16 && !isPaired }

    /// Rounds and pairs the numbers of panels or strips in place, where kernels take pairs.
    fileprivate func pair(_ packed: Buffer, inGroupsOf k: Int, areStrips: Bool) {
        guard isPaired else { return }
        let width = areStrips ? k_gemm_strips(1, 1) : k_gemm_panels(1, 1)
        k_gemm_pair_rows(
            packed.pointer, packed.pointer, Int64(packed.count / max(1, k)) / width, Int64(k),
            areStrips)
    }
}

/// How the right side of a product is laid out.
struct PanelLayout: Hashable {
    let isTransposed: Bool
    let precision: Precision

    /// How many floats the panels of a matrix [k, n] are.
    static func count(n: Int, k: Int) -> Int { Int(k_gemm_panels(Int64(k), Int64(n))) }

    /// Writes the panels of op(b) [k, n].
    func layOut(_ b: UnsafePointer<Float>, n: Int, k: Int, in panels: Buffer) {
        k_gemm_pack_b(
            panels.pointer, b, Int64(isTransposed ? k : n), isTransposed, precision.rounds,
            Int64(k), Int64(n))
        precision.pair(panels, inGroupsOf: k, areStrips: false)
    }
}

/// The layouts of one weight that products have asked for.
final class WeightPanels: @unchecked Sendable {
    private let lock = Condition()
    private var kept: [PanelLayout: Buffer] = [:]

    /// The panels of op(b) [k, n], where `b` is the weight that this belongs to.
    func panels(_ layout: PanelLayout, of b: UnsafePointer<Float>, n: Int, k: Int) -> Buffer {
        lock.withLock {
            if let panels = kept[layout] { return panels }
            let panels = Buffer(count: PanelLayout.count(n: n, k: k), for: .staying)
            layout.layOut(b, n: n, k: k, in: panels)
            kept[layout] = panels
            return panels
        }
    }

    /// The weight has changed, and no product is under way.
    func forget() { lock.withLock { kept = [:] } }
}
