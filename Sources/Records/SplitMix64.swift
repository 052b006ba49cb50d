/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
///
/// Draw `i` (from 1) is `mix(seed + i * 0x9E3779B97F4A7C15)`: a pure function of seed and counter,
/// the same on every platform.
struct SplitMix64 {
    private var state: UInt64
    static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    init(seed: UInt64) { state = seed }

    /// A stream that belongs to (`seed`, `stream`, `use`); other values of any of them give
    /// unrelated streams.
    init(seed: UInt64, stream: UInt64, use: UInt64) {
        state = Self.mix(Self.mix(Self.mix(seed &+ Self.step) ^ stream &* Self.step) ^ use)
    }

    mutating func next() -> UInt64 {
        state &+= Self.step
        return Self.mix(state)
    }

    /// A uniform draw from `0..<bound` (Lemire's multiplication with rejection: exactly uniform).
    /// `bound` is above 0.
    mutating func next(below bound: UInt64) -> UInt64 {
        var (high, low) = next().multipliedFullWidth(by: bound)
        if low < bound {
            let threshold = (0 &- bound) % bound
            while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
        }
        return high
    }

    /// The numbers `0..<count` in random order: Fisher-Yates from the end, swapping `i` with a draw
    /// from `0...i`.
    mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for last in stride(from: count - 1, through: 1, by: -1) {
            order.swapAt(last, Int(next(below: UInt64(last) + 1)))
        }
        return order
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
