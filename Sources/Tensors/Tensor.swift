#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

internal import CKernels

/// A block of float32 numbers with a shape: contiguous, row-major, written once by the operation that makes it and
/// only read after that.
///
/// A tensor made by an operation on a ``Tape`` remembers its place there; others are constants.
public struct Tensor: @unchecked Sendable {
    /// The sizes.
    public let shape: Shape
    var buffer: Buffer
    /// Where the tape recorded this tensor; `nil` for constants.
    var node: Node?

    /// A place on a tape. The serial number catches tensors of another tape.
    struct Node: Hashable {
        var index: Int
        var tape: UInt64
    }

    /// Memory that the caller writes before anyone reads.
    init(uninitialized shape: Shape, for use: BufferPool.Use = .passing) {
        self.shape = shape
        buffer = Buffer(count: shape.count, for: use)
    }

    /// All zeros.
    public init(zeros shape: Shape) { self.init(zeros: shape, for: .passing) }

    init(zeros shape: Shape, for use: BufferPool.Use) {
        self.shape = shape
        buffer = Buffer(zeros: shape.count, for: use)
    }

    /// The numbers of `values`, row by row. Traps where their count does not fit `shape`.
    public init(_ values: [Float], shape: Shape) {
        precondition(
            values.count == shape.count, "Tensor: \(values.count) values for shape \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress {
                buffer.pointer.update(from: base, count: source.count)
            }
        }
    }

    /// A tensor of rank 1.
    public init(_ values: [Float]) { self.init(values, shape: [values.count]) }

    /// The numbers, row by row.
    public var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: shape.count)) }

    /// The one number. Traps where there are others.
    public var scalar: Float {
        precondition(shape.count == 1, "scalar of a tensor of shape \(shape)")
        return pointer[0]
    }

    /// The numbers of row `index`, ``Shape/width`` of them. Traps out of range.
    public func row(_ index: Int) -> [Float] {
        precondition(index >= 0 && index < shape.rows, "row \(index) of a tensor of shape \(shape)")
        return Array(UnsafeBufferPointer(start: pointer + index * shape.width, count: shape.width))
    }

    /// Rows `range` as a tensor of their own (a copy).
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= shape.rows,
            "rows \(range) of a tensor of shape \(shape)")
        let result = Tensor(uninitialized: [range.count, shape.width])
        result.pointer.update(
            from: pointer + range.lowerBound * shape.width, count: result.shape.count)
        return result
    }

    /// The rows at `indices`, in that order (a copy).
    public func rows(at indices: [Int]) -> Tensor {
        precondition(
            shape.rank == 2 && indices.allSatisfy { $0 >= 0 && $0 < shape.rows },
            "rows at \(indices.prefix(8)) of a tensor of shape \(shape)")
        let result = Tensor(uninitialized: [indices.count, shape.width])
        for (index, source) in indices.enumerated() {
            (result.pointer + index * shape.width).update(
                from: pointer + source * shape.width, count: shape.width)
        }
        return result
    }

    /// Whether no number is NaN or infinite.
    public var isFinite: Bool { k_all_finite(pointer, Int64(shape.count)) }

    /// The sum of the squares of all numbers, added up in double.
    public var sumOfSquares: Double { k_sum_of_squares(pointer, Int64(shape.count)) }

    /// Borrowed for one call of a kernel; never kept.
    var pointer: UnsafeMutablePointer<Float> { buffer.pointer }

    /// The same numbers, cut off from any tape.
    public var constant: Tensor {
        var copy = self
        copy.node = nil
        return copy
    }

    /// A copy of the numbers in memory of its own.
    public var copy: Tensor { copy(for: .passing) }

    func copy(for use: BufferPool.Use) -> Tensor {
        let result = Tensor(uninitialized: shape, for: use)
        result.pointer.update(from: pointer, count: shape.count)
        return result
    }

    /// Calls `body` with the bytes of the numbers, little-endian float32, row by row.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(RawSpan(_unsafeStart: UnsafeRawPointer(pointer), byteCount: shape.count * 4))
    }
}

/// How numbers are stored in a file.
public enum ElementType: String, Sendable {
    /// IEEE single precision.
    case float32 = "F32"
    /// IEEE half precision.
    case float16 = "F16"
    /// The upper half of single precision.
    case bfloat16 = "BF16"
    /// IEEE double precision.
    case float64 = "F64"

    /// Bytes of one number.
    public var size: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}

extension Tensor {
    /// Reads little-endian numbers of type `type` from `bytes`, widening or rounding them to float32; into memory for
    /// what stays, as these are weights.
    ///
    /// Traps where the number of bytes does not fit `shape`.
    ///
    /// - Parameter didRead: is told which of the bytes were read and are not needed any more, piece by piece; of large
    ///   tensors by several threads.
    public init(
        bytes: RawSpan, type: ElementType, shape: Shape, didRead: (Range<Int>) -> Void = { _ in }
    ) {
        precondition(
            bytes.byteCount == shape.count * type.size,
            "Tensor: \(bytes.byteCount) bytes for shape \(shape) of \(type)")
        self.init(uninitialized: shape, for: .staying)
        let size = 1 << 20
        let pieces = (shape.count + size - 1) / size
        let pool = WorkerPool(threads: pieces < 4 ? 1 : min(pieces, availableProcessors()))
        defer { pool.close() }
        pool.run(pieces) { piece in
            let range = piece * size * type.size..<min((piece + 1) * size, shape.count) * type.size
            read(bytes.extracting(range), type: type, at: piece * size)
            didRead(range)
        }
    }

    /// Overwrites the numbers in place with those in `bytes`; for parameters at the time of loading.
    package func read(_ bytes: RawSpan, type: ElementType) {
        precondition(
            bytes.byteCount == shape.count * type.size,
            "read: \(bytes.byteCount) bytes for \(shape)")
        read(bytes, type: type, at: 0)
    }

    /// Overwrites the numbers from number `start` on.
    private func read(_ bytes: RawSpan, type: ElementType, at start: Int) {
        buffer.panels?.forget()
        let count = Int64(bytes.byteCount / type.size)
        let place = pointer + start
        bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            switch type {
            case .float32: memcpy(place, base, source.count)
            case .float16: k_from_f16(place, base, count)
            case .bfloat16: k_from_bf16(place, base, count)
            case .float64: k_from_f64(place, base, count)
            }
        }
    }
}

extension Tensor {
    /// Copies row `i` of `source` to row `rows[i]` in place; for results gathered from several threads, before
    /// anyone reads them. Traps out of range.
    package func write(_ source: Tensor, toRows rows: [Int]) {
        precondition(
            source.shape == [rows.count, shape.width]
                && rows.allSatisfy { $0 >= 0 && $0 < shape.rows },
            "write of \(source.shape) to \(rows.count) rows of \(shape)")
        buffer.panels?.forget()
        for (index, row) in rows.enumerated() {
            (pointer + row * shape.width).update(
                from: source.pointer + index * shape.width, count: shape.width)
        }
    }
}
