import TestSupport
import Testing

@testable import Tensors

struct ElementTypeTests {
    private let patterns = (0...65_535).map { UInt16($0) }

    private func read(_ bytes: [UInt8], _ type: ElementType, _ count: Int) -> [Float] {
        // From an odd place: tensors in files need not be aligned.
        let shifted = [0xFF] + bytes
        return unsafe Tensor(
            bytes: shifted.span.bytes.extracting(1..<shifted.count), type: type, shape: [count]
        ).values
    }

    private func littleEndian(_ values: some Sequence<some FixedWidthInteger>) -> [UInt8] {
        values.flatMap { value in
            (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
    }

    /// By the definition of IEEE half precision.
    private func half(_ pattern: UInt16) -> Float {
        let (exponent, mantissa) = (Int(pattern >> 10 & 31), Int(pattern & 1023))
        let sign: Double = pattern >> 15 == 0 ? 1 : -1
        switch exponent {
        case 0: return Float(sign * Double(mantissa) * 0x1p-24)
        case 31: return mantissa == 0 ? Float(sign) * .infinity : .nan
        default:
            let scale = Double(sign: .plus, exponent: exponent - 25, significand: 1)
            return Float(sign * Double(1024 + mantissa) * scale)
        }
    }

    @Test func allHalfPatterns() {
        let values = read(littleEndian(patterns), .float16, patterns.count)
        var wrong = 0
        for (pattern, value) in zip(patterns, values) {
            let expected = half(pattern)
            let isSame =
                expected.isNaN
                ? value.isNaN && value.sign == (pattern >> 15 == 0 ? .plus : .minus)
                : value.bitPattern == expected.bitPattern
            if !isSame { wrong += 1 }
        }
        #expect(wrong == 0)
        #expect(values[1] == 0x1p-24 && values[0x3C00] == 1 && values[0x7BFF] == 65_504)
        #expect(values[0x8000].sign == .minus && values[0xFC00] == -.infinity)
    }

    @Test func allBfloatPatterns() {
        let values = read(littleEndian(patterns), .bfloat16, patterns.count)
        #expect(values.map(\.bitPattern) == patterns.map { UInt32($0) << 16 })
    }

    @Test func doublesAreRounded() {
        var random = TestRandom(1)
        var numbers: [Double] = [
            0, -0.0, 1, -1, 0.1, 1e300, -1e300, 1e-300, 0x1p-126, 0x1p-149, 0x1p-150, 0x1.8p-150,
            Double(Float.greatestFiniteMagnitude), 3.4028235677973366e38, .infinity, -.infinity,
            // Halfway between two floats: to the even one.
            1 + 0x1p-24, 1 + 0x3p-24, 1 + 0x1p-24 + 0x1p-50, .leastNonzeroMagnitude,
        ]
        numbers += (0..<10_000).map { _ in Double(bitPattern: random.next()) }
            .filter { !$0.isNaN }
        let values = read(littleEndian(numbers.map(\.bitPattern)), .float64, numbers.count)
        #expect(values.map(\.bitPattern) == numbers.map { Float($0).bitPattern })
        let nan = read(littleEndian([Double.nan.bitPattern]), .float64, 1)
        #expect(nan[0].isNaN)
    }

    @Test func singlesAreKept() {
        var random = TestRandom(2)
        let numbers = (0..<10_000).map { _ in UInt32(truncatingIfNeeded: random.next()) }
        let values = read(littleEndian(numbers), .float32, numbers.count)
        #expect(values.map(\.bitPattern) == numbers)
    }

    /// Ragged counts, so that no loop over several numbers at a time is alone.
    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 31, 33]) func raggedCounts(_ count: Int) {
        let some = Array(patterns[0x3C00..<(0x3C00 + count)])
        #expect(read(littleEndian(some), .float16, count) == some.map(half))
        let wide = some.map { Double(half($0)).bitPattern }
        #expect(read(littleEndian(wide), .float64, count) == some.map(half))
    }

    @Test func sizes() {
        #expect([ElementType.float16, .bfloat16, .float32, .float64].map(\.size) == [2, 2, 4, 8])
        #expect(ElementType(rawValue: "BF16") == .bfloat16 && ElementType(rawValue: "I64") == nil)
    }

    @Test func bytesOfATensorReadBack() {
        let tensor = Tensor([1, -2.5, .infinity], shape: [3])
        let bytes = tensor.withBytes { span in
            (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        #expect(bytes.count == 12)
        #expect(read(bytes, .float32, 3) == tensor.values)
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            let bytes: [UInt8] = [1, 2, 3]
            _ = unsafe Tensor(bytes: bytes.span.bytes, type: .float16, shape: [2])
        }
    }
}
