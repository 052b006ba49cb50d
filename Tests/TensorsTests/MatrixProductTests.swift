import CKernels
import TestSupport
import Testing

@testable import Tensors

struct MatrixProductTests {
    /// m, n, k: below, at and above the blocks of the kernels (6 rows, strips of 12, 16 to 64 columns), few rows (48) and
    /// groups of many (256), one and several parts of the inner dimension (384).
    static let sizes = [
        [1, 1, 1], [2, 31, 3], [6, 32, 16], [7, 33, 17], [12, 64, 5], [13, 7, 40], [28, 96, 33],
        [48, 128, 64], [49, 65, 385], [3, 130, 800], [70, 144, 48], [400, 32, 420], [258, 70, 384],
    ]

    /// A product in all four ways to give its factors, written and added, with a factor and with a bias.
    @Test(arguments: sizes, Precision.allCases) func values(_ size: [Int], _ precision: Precision) {
        let (m, n, k) = (size[0], size[1], size[2])
        var random = TestRandom(5)
        let (a, b) = (random.tensor([m, k]), random.tensor([k, n]))
        let (start, bias) = (random.tensor([m, n]), random.tensor([n]))
        let exact = Matrix(a.rounded(to: precision)) * Matrix(b.rounded(to: precision))
        let (at, bt) = (a.transposed, b.transposed)
        // Each of k additions rounds a partial sum of about the root of k.
        let allowed = 6e-8 * Double(k + 16)
        for (isLeft, isRight) in [(false, false), (false, true), (true, false), (true, true)] {
            let product = unsafe MatrixProduct(
                (isLeft ? at : a).pointer, transposeA: isLeft, (isRight ? bt : b).pointer,
                transposeB: isRight, m: m, n: n, k: k, precision: precision)
            let c = start.copy
            unsafe product.write(to: c.pointer)
            expectClose(c, exact.values, relative: 1e-6, absolute: allowed)
            unsafe product.write(to: c.pointer, factor: -0.5, adds: true)
            expectClose(c, exact.values.map { 0.5 * $0 }, relative: 1e-6, absolute: allowed)
            unsafe product.write(to: c.pointer, bias: bias.pointer)
            let sums = exact.values.enumerated().map { $1 + Double(bias.values[$0 % n]) }
            expectClose(c, sums, relative: 1e-6, absolute: allowed)
        }
    }

    /// A right side that is laid out while the product is computed gives the same bits: also where rows go in groups,
    /// the inner dimension in stretches, and pairs have no second.
    @Test(
        arguments: sizes + [[300, 40, 1300], [257, 33, 1301], [520, 65, 31]], Precision.allCases)
    func laidOutLate(_ size: [Int], _ precision: Precision) {
        let (m, n, k) = (size[0], size[1], size[2])
        var random = TestRandom(9)
        let (a, b) = (random.tensor([m, k]), random.tensor([k, n]))
        let (start, bias) = (random.tensor([m, n]), random.tensor([n]))
        for isTransposed in [false, true] {
            func results(late: Bool) -> [[UInt32]] {
                let right = isTransposed ? b.transposed : b
                let product = unsafe MatrixProduct(
                    a.pointer, right.pointer, transposeB: isTransposed, m: m, n: n, k: k,
                    precision: precision, laysOutLate: late)
                let (sum, biased) = (start.copy, Tensor(zeros: [m, n]))
                unsafe product.write(to: sum.pointer, adds: true)
                unsafe product.write(to: biased.pointer, bias: bias.pointer)
                withExtendedLifetime(right) {}
                return [sum.bits, biased.bits]
            }
            let isSame = results(late: true) == results(late: false)
            #expect(isSame)
        }
    }

    /// The same element has the same bits whatever is computed beside it: our kernels say so, OpenBLAS does not.
    @Test(.enabled(if: MatrixProduct.isOwn, "no kernels of our own on this processor"))
    func bitsDoNotDependOnNeighbours() {
        var random = TestRandom(6)
        let (a, b) = (random.tensor([45, 50]), random.tensor([50, 70]))
        func product(_ rows: Range<Int>) -> [UInt32] {
            let (part, c) = (a.rows(rows), Tensor(zeros: [rows.count, 70]))
            unsafe MatrixProduct(part.pointer, b.pointer, m: rows.count, n: 70, k: 50)
                .write(to: c.pointer)
            withExtendedLifetime(part) {}
            return c.bits
        }
        let isSame = product(0..<45) == (0..<45).flatMap { product($0..<$0 + 1) }
        #expect(isSame)
    }

    /// A weight's layouts are made once, and anew when it has changed.
    @Test func cachedWeights() {
        var random = TestRandom(7)
        let weight = Parameter(name: "weight", value: random.tensor([40, 24]))
        let x = random.tensor([5, 24])
        func result(_ precision: Precision) -> [UInt32] {
            var tape = Tape(.inference, precision: precision, keepsLayouts: true)
            return tape.linear(x, weight: tape.parameter(weight)).bits
        }
        let first = Precision.allCases.map(result)
        #expect(first[0] != first[1])
        #expect(Precision.allCases.map(result) == first)
        let other = random.tensor([40, 24])
        weight.assign(other)
        var tape = Tape(.inference)
        #expect(result(.float32) == tape.linear(x, weight: other).bits)
        weight.value.write(random.tensor([1, 24]), toRows: [3])
        #expect(result(.float32) == tape.linear(x, weight: weight.value.copy).bits)
        let moments = AdamWMoments(shape: weight.shape)
        var training = Tape(.training(seed: 1))
        let y = training.linear(x, weight: training.parameter(weight))
        let gradients = training.backward(from: y, seed: random.tensor([5, 40]))
        let step = AdamWStep(
            rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0, step: 1)
        for piece in moments.pieces(of: weight, gradients, step) { piece.run() }
        #expect(result(.float32) == tape.linear(x, weight: weight.value.copy).bits)
        #expect(result(.float32) != first[0])
    }

    /// Gradients of a layer in half precision are products of rounded factors.
    @Test func gradientsInHalfPrecision() throws {
        var random = TestRandom(8)
        var tape = Tape(.training(seed: 1), precision: .bfloat16)
        let x = tape.variable(random.tensor([19, 33]))
        let weight = tape.variable(random.tensor([35, 33]))
        let dy = random.tensor([19, 35])
        let y = tape.linear(x, weight: weight)
        let gradients = tape.backward(from: y, seed: dy)
        func rounded(_ tensor: Tensor) -> Matrix { Matrix(tensor.rounded(to: .bfloat16)) }
        let dx = rounded(dy) * rounded(weight)
        let dw = rounded(dy).transposed * rounded(x)
        expectClose(try #require(gradients[x]), dx.values, absolute: 2e-6)
        expectClose(try #require(gradients[weight]), dw.values, absolute: 2e-6)
    }

    /// Rounding to nearest even, as the upper half of the bits says; NaN stays NaN.
    @Test func rounding() {
        let x = Tensor([1, 1.003_906_25, 1.011_718_75, 1.004, -1.004, 3e38, .infinity, .nan, 0])
        let y = x.rounded(to: .bfloat16).values
        #expect(
            Array(y[0..<5]) == [1, 1, 1.015_625, 1.007_812_5, -1.007_812_5]
                && y[6] == .infinity && y[7].isNaN && y[8] == 0)
        #expect(abs(y[5] / 3e38 - 1) < 1 / 256)
    }

    /// Both sides are rounded part by part while a product is computed, in no more memory than was said; also a group of
    /// rows that is higher than most, and parts of several lengths.
    @Test(
        .enabled(if: k_gemm_is_fast(), "no AVX-512"),
        arguments: sizes + [[260, 70, 390], [520, 33, 800], [1, 64, 385], [257, 64, 2]])
    func roundedInParts(_ size: [Int]) {
        let (m, n, k) = (size[0], size[1], size[2])
        var random = TestRandom(10)
        let (a, b) = (random.tensor([m, k]), random.tensor([k, n]))
        let exact = Matrix(a.rounded(to: .bfloat16)) * Matrix(b.rounded(to: .bfloat16))
        let panel = Buffer(count: Int(k_gemm_panel_part(Int64(k))))
        let part = Int(k_gemm_rows_part(Int64(m), Int64(k)))
        let rows = Buffer(count: part + 64)
        unsafe (rows.pointer + part).update(repeating: 7, count: 64)
        let c = Tensor(zeros: [m, n])
        unsafe k_gemm_laying_out(
            c.pointer, Int64(n), a.pointer, Int64(k), b.pointer, Int64(n), false, true, false,
            panel.pointer, rows.pointer, Int64(m), Int64(k), Int64(n), nil, false)
        expectClose(c, exact.values, relative: 1e-6, absolute: 6e-8 * Double(k + 16))
        let isWithin = (part..<part + 64).allSatisfy { unsafe rows.pointer[$0] == 7 }
        #expect(isWithin)
    }

    /// The kernel for pairs, on processors that have the instruction, whether or not they prefer it.
    @Test(.enabled(if: k_gemm_has_pairs(), "no AVX-512 BF16"), arguments: sizes)
    func pairs(_ size: [Int]) {
        let (m, n, k) = (size[0], size[1], size[2])
        let units = (k + 1) / 2
        var random = TestRandom(9)
        let (a, b) = (random.tensor([m, k]), random.tensor([k, n]))
        let exact =
            Matrix(a.rounded(to: .bfloat16)) * Matrix(b.rounded(to: .bfloat16))
        let panels = Buffer(count: Int(k_gemm_panels(Int64(k) + 1, Int64(n))))
        unsafe k_gemm_pack_b(panels.pointer, b.pointer, Int64(n), false, false, Int64(k), Int64(n))
        unsafe k_gemm_pair_rows(
            panels.pointer, panels.pointer, k_gemm_panels(1, Int64(n)) / k_gemm_panels(1, 1),
            Int64(k), false)
        let rows = Buffer(count: m * units)
        unsafe k_gemm_pair_columns(rows.pointer, a.pointer, Int64(m), Int64(k))
        let strips = Buffer(count: Int(k_gemm_strips(Int64(m), Int64(k) + 1)))
        let at = a.transposed
        unsafe k_gemm_pack_a(strips.pointer, nil, at.pointer, Int64(m), false, Int64(m), Int64(k))
        withExtendedLifetime(at) {}
        unsafe k_gemm_pair_rows(
            strips.pointer, strips.pointer, k_gemm_strips(Int64(m), 1) / k_gemm_strips(1, 1),
            Int64(k), true)
        // Laid out late, in no more memory than was said.
        let part = Int(k_gemm_panel_part(Int64(k)))
        let panel = Buffer(count: part + 64)
        unsafe (panel.pointer + part).update(repeating: 7, count: 64)
        let late = Tensor(zeros: [m, n])
        unsafe k_gemm_laying_out(
            late.pointer, Int64(n), rows.pointer, Int64(units), b.pointer, Int64(n), false, true,
            true, panel.pointer, nil, Int64(m), Int64(k), Int64(n), nil, false)
        expectClose(late, exact.values, relative: 1e-6, absolute: 6e-8 * Double(k + 16))
        let isWithin = (part..<part + 64).allSatisfy { unsafe panel.pointer[$0] == 7 }
        #expect(isWithin)
        for (left, isStrips) in [(rows, false), (strips, true)] {
            let c = Tensor(zeros: [m, n])
            unsafe k_gemm(
                c.pointer, Int64(n), left.pointer, Int64(units), isStrips, panels.pointer, true,
                Int64(m), Int64(units), Int64(n), 1, nil, false)
            expectClose(
                c, exact.values, relative: 1e-6, absolute: 6e-8 * Double(k + 16))
        }
    }
}

extension Tensor {
    fileprivate var transposed: Tensor {
        let matrix = Matrix(self).transposed
        return Tensor(matrix.values.map { Float($0) }, shape: [shape.width, shape.rows])
    }

    fileprivate func rounded(to precision: Precision) -> Tensor {
        if precision == .float32 { return self }
        let result = Tensor(uninitialized: shape)
        unsafe k_round_bf16(result.pointer, pointer, Int64(shape.count))
        return result
    }
}
