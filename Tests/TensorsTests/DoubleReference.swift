#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

import Tensors

// Plain arithmetic in double precision, written from the formulas: what the operations are compared with.

struct Matrix {
    let rows: Int
    let columns: Int
    var values: [Double]

    init(rows: Int, columns: Int, _ values: [Double]? = nil) {
        (self.rows, self.columns) = (rows, columns)
        self.values = values ?? Array(repeating: 0, count: rows * columns)
    }

    init(_ tensor: Tensor) {
        self.init(
            rows: tensor.shape.rows, columns: tensor.shape.width, tensor.values.map(Double.init))
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows)
        for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
        return result
    }

    /// The block that begins at (`row`, `column`).
    func block(_ row: Int, _ column: Int, _ height: Int, _ width: Int) -> Matrix {
        var result = Matrix(rows: height, columns: width)
        for i in 0..<height { for j in 0..<width { result[i, j] = self[row + i, column + j] } }
        return result
    }

    mutating func setBlock(_ row: Int, _ column: Int, _ block: Matrix) {
        for i in 0..<block.rows {
            for j in 0..<block.columns { self[row + i, column + j] = block[i, j] }
        }
    }

    static func * (a: Matrix, b: Matrix) -> Matrix {
        precondition(a.columns == b.rows)
        var result = Matrix(rows: a.rows, columns: b.columns)
        for i in 0..<a.rows {
            for l in 0..<a.columns {
                let factor = a.values[i * a.columns + l]
                for j in 0..<b.columns {
                    result.values[i * b.columns + j] += factor * b.values[l * b.columns + j]
                }
            }
        }
        return result
    }

    /// Element by element.
    func zipped(_ other: Matrix, _ body: (Double, Double) -> Double) -> Matrix {
        Matrix(rows: rows, columns: columns, zip(values, other.values).map(body))
    }

    func scaled(_ factor: Double) -> Matrix {
        Matrix(rows: rows, columns: columns, values.map { $0 * factor })
    }

    var columnSums: [Double] {
        (0..<columns).map { j in (0..<rows).reduce(0) { $0 + self[$1, j] } }
    }
}

/// The softmax of each row.
func softmax(_ x: Matrix) -> Matrix {
    var result = x
    for i in 0..<x.rows {
        let row = (0..<x.columns).map { x[i, $0] }
        let top = row.max() ?? 0
        let sum = row.reduce(0) { $0 + exp($1 - top) }
        for j in 0..<x.columns { result[i, j] = exp(x[i, j] - top) / sum }
    }
    return result
}

/// x Phi(x), with erfc so that the tails keep their digits, and its derivative.
func geluErf(_ x: Double) -> (value: Double, slope: Double) {
    let cdf = 0.5 * erfc(-x / 2.0.squareRoot())
    return (x * cdf, cdf + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot())
}

func geluTanh(_ x: Double) -> (value: Double, slope: Double) {
    let root = (2 / Double.pi).squareRoot()
    let t = tanh(root * (x + 0.044715 * x * x * x))
    let inner = root * (1 + 3 * 0.044715 * x * x)
    return (0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
}

/// What dropout multiplies element `column` of a row by: 0 or 1 / (1 - rate).
func dropoutFactor(key: UInt64, row: UInt64, column: Int, rate: Float) -> Double {
    let stream = UInt32(truncatingIfNeeded: SplitMix64.draw(key, row) >> 32)
    var x = stream &+ UInt32(column) &* 0x9E37_79B9
    x = (x ^ (x >> 16)) &* 0x7FEB_352D
    x = (x ^ (x >> 15)) &* 0x846C_A68B
    x ^= x >> 16
    return Double(x) < Double(rate) * 4_294_967_296 ? 0 : 1 / (1 - Double(rate))
}
