internal import COpenBLAS

/// The matrix products of OpenBLAS, each on the calling thread alone: parallel work is over chunks.
enum BLAS {
    private static let isPrepared: Void = {
        #if os(Linux)
            openblas_without_threads()
        #endif
    }()

    /// Tells OpenBLAS to leave threads to us. Called before the first product, the earlier the better.
    static func prepare() { _ = isPrepared }

    /// c [m, n] = alpha * op(a) op(b) + beta * c, row-major and contiguous; op transposes where asked to.
    static func multiply(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, transposeA ta: Bool = false,
        _ b: UnsafePointer<Float>, transposeB tb: Bool = false, m: Int, n: Int, k: Int,
        alpha: Float = 1,
        beta: Float = 0
    ) {
        if m == 0 || n == 0 { return }
        prepare()
        cblas_sgemm(
            CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
            numericCast(m), numericCast(n), numericCast(k), alpha, a, numericCast(ta ? m : k), b,
            numericCast(tb ? k : n), beta, c, numericCast(n))
    }

    /// The same in double precision.
    static func multiply(
        _ c: UnsafeMutablePointer<Double>, _ a: UnsafePointer<Double>, transposeA ta: Bool = false,
        _ b: UnsafePointer<Double>, transposeB tb: Bool = false, m: Int, n: Int, k: Int,
        alpha: Double = 1,
        beta: Double = 0
    ) {
        if m == 0 || n == 0 { return }
        prepare()
        cblas_dgemm(
            CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
            numericCast(m), numericCast(n), numericCast(k), alpha, a, numericCast(ta ? m : k), b,
            numericCast(tb ? k : n), beta, c, numericCast(n))
    }
}

/// Which BLAS computes: its build and the processor family that it chose.
public func blasDescription() -> String {
    #if os(Linux)
        BLAS.prepare()
        guard let text = openblas_get_config() else { return "OpenBLAS" }
        return String(cString: text).trimmingSpaces
    #else
        return "BLAS"
    #endif
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
