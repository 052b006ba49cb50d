public import Tensors

/// Random numbers that are the same in every run.
public struct TestRandom: RandomNumberGenerator {
    private let key: UInt64
    private var counter: UInt64 = 0

    /// The stream `seed`.
    public init(_ seed: UInt64) { key = SplitMix64.mix(seed &+ 0x5EED) }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        counter += 1
        return SplitMix64.draw(key, counter)
    }

    /// A number from `range`, with 24 random bits.
    public mutating func uniform(_ range: ClosedRange<Float> = -1...1) -> Float {
        let unit = Float(next() >> 40) / 16_777_216
        return range.lowerBound + unit * (range.upperBound - range.lowerBound)
    }

    /// 1 or -1.
    public mutating func sign() -> Float { next() >> 63 == 0 ? 1 : -1 }

    /// A tensor of numbers from `range`.
    public mutating func tensor(_ shape: Shape, in range: ClosedRange<Float> = -1...1) -> Tensor {
        Tensor((0..<shape.count).map { _ in uniform(range) }, shape: shape)
    }

    /// A tensor of numbers whose size is in `range`, of either sign.
    public mutating func tensor(_ shape: Shape, size range: ClosedRange<Float>) -> Tensor {
        Tensor((0..<shape.count).map { _ in sign() * uniform(range) }, shape: shape)
    }

    /// `count` numbers below `limit`.
    public mutating func ids(_ count: Int, below limit: Int32) -> [Int32] {
        (0..<count).map { _ in Int32.random(in: 0..<limit, using: &self) }
    }
}
