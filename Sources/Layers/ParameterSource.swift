public import Tensors

/// How a parameter begins when it is not loaded.
public enum Initializer: Sendable {
    /// Normally distributed around 0.
    case normal(standardDeviation: Double)
    /// Evenly distributed from -`bound` to `bound`.
    case uniform(bound: Double)
    /// All 0.
    case zeros
    /// All 1.
    case ones
}

/// Where the first values of parameters come from: a checkpoint, or random numbers.
public protocol ParameterSource: AnyObject {
    /// The value of the parameter with that full name, or `nil` where the source has none. Throws where the source
    /// has one that does not fit.
    func value(name: String, shape: Shape, initializer: Initializer) throws -> Tensor?
}

/// Begins every parameter anew, from a seed: the same numbers for the same seed and names on every machine.
public final class RandomSource: ParameterSource {
    private let seed: UInt64

    /// Random numbers that are a function of `seed` and the names of the parameters.
    public init(seed: UInt64) { self.seed = seed }

    /// Always a value.
    public func value(name: String, shape: Shape, initializer: Initializer) -> Tensor? {
        switch initializer {
        case .zeros: return Tensor(zeros: shape)
        case .ones: return Tensor(Array(repeating: 1, count: shape.count), shape: shape)
        case .normal(let deviation):
            let numbers = normalNumbers(shape.count, key: key(of: name), deviation: deviation)
            return Tensor(numbers, shape: shape)
        case .uniform(let bound):
            let key = key(of: name)
            let numbers = (0..<UInt64(shape.count)).map { place in
                // The middles of 2^24 steps: symmetric, and no number is 0.
                let share = (Double(SplitMix64.draw(key, place) >> 40) + 0.5) / 0x1p24
                return Float((2 * share - 1) * bound)
            }
            return Tensor(numbers, shape: shape)
        }
    }

    /// The stream of the parameter called `name`: FNV-1a of the name.
    private func key(of name: String) -> UInt64 {
        name.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Irwin-Hall: the sum of twelve uniform draws less six has mean 0 and variance 1, and needs no transcendental
    /// function, whose last bits differ between platforms.
    private func normalNumbers(_ count: Int, key: UInt64, deviation: Double) -> [Float] {
        // The twelve draws are the 16-bit parts of three numbers; their sum is a whole number, exact in any order.
        var numbers: [Float] = []
        numbers.reserveCapacity(count)
        var place: UInt64 = 0
        for _ in 0..<count {
            var sum: UInt64 = 0
            for _ in 0..<3 {
                let bits = SplitMix64.draw(key, place)
                place += 1
                sum += bits & 0xFFFF
                sum += (bits >> 16) & 0xFFFF
                sum += (bits >> 32) & 0xFFFF
                sum += bits >> 48
            }
            numbers.append(Float(((Double(sum) + 6) / 65536 - 6) * deviation))
        }
        return numbers
    }
}

/// Why a model's parameter could not be made.
public enum ParameterError: Error, Equatable, CustomStringConvertible {
    /// The source has no tensor of that name.
    case missing(name: String, shape: Shape)

    /// One line.
    public var description: String {
        switch self {
        case .missing(let name, let shape):
            "the checkpoint has no tensor \(name) \(shape); it may belong to another architecture or be incomplete"
        }
    }
}
