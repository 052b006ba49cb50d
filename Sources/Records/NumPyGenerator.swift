/// numpy's `np.random.default_rng(seed)`, so that a seed draws here what it draws in Python: the
/// words of a `SeedSequence` start a PCG64 (128-bit state, XSL RR output).
///
/// O'Neill: PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random
/// Number Generation, 2014. numpy promises the stream of `PCG64` for ever but not that of
/// `Generator.permutation`; the tests compare with what numpy 2.4 and datasets 5.2 answered.
struct NumPyGenerator {
    private var state: UInt128 = 0
    private let increment: UInt128
    /// The upper half of a word whose lower half was drawn.
    private var spare: UInt32?

    init(seed: UInt64) {
        let words = SeedSequence(seed: seed).words
        increment = (UInt128(words[2]) << 64 | UInt128(words[3])) << 1 | 1
        step()
        state &+= UInt128(words[0]) << 64 | UInt128(words[1])
        step()
    }

    private mutating func step() {
        // 0x2360ED051FC65DA4_4385DF649FCCF645
        let multiplier = UInt128(0x2360_ED05_1FC6_5DA4) << 64 | UInt128(0x4385_DF64_9FCC_F645)
        state = state &* multiplier &+ increment
    }

    /// The next 64 bits. A spare half word stays spare.
    mutating func next64() -> UInt64 {
        step()
        let high = UInt64(truncatingIfNeeded: state >> 64)
        let folded = high ^ UInt64(truncatingIfNeeded: state)
        let turn = high >> 58
        return folded >> turn | folded << ((0 &- turn) & 63)
    }

    /// The next 32 bits: the lower half of a word, then its upper half.
    mutating func next32() -> UInt32 {
        if let half = spare {
            spare = nil
            return half
        }
        let word = next64()
        spare = UInt32(truncatingIfNeeded: word >> 32)
        return UInt32(truncatingIfNeeded: word)
    }

    /// A uniform draw from `0...limit`: as many low bits as `limit` has, drawn until they are not
    /// above it; from half words where `limit` fits in one.
    mutating func next(through limit: UInt64) -> UInt64 {
        guard limit > 0 else { return 0 }
        let mask = UInt64.max >> UInt64(limit.leadingZeroBitCount)
        while true {
            let bits = limit <= UInt64(UInt32.max) ? UInt64(next32()) : next64()
            if bits & mask <= limit { return bits & mask }
        }
    }

    /// `permutation(count)`: the numbers `0..<count`, each from the last to the second swapped with
    /// a draw from those up to it.
    mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for last in stride(from: count - 1, through: 1, by: -1) {
            order.swapAt(last, Int(next(through: UInt64(last))))
        }
        return order
    }
}

/// numpy's `SeedSequence(seed).generate_state(4, np.uint64)`.
private struct SeedSequence {
    /// Four words.
    let words: [UInt64]

    init(seed: UInt64) {
        let halves = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
        var hash: UInt32 = 0x43B0_D7E5
        func mixed(_ value: UInt32) -> UInt32 {
            var value = value ^ hash
            hash = hash &* 0x931E_8875
            value = value &* hash
            return value ^ value >> 16
        }
        // The seed fills the pool's first words (a zero upper half counts as none, which mixes the
        // same), nothing the others; then each word stirs every other.
        var pool = (0..<4).map { mixed($0 < 2 ? halves[$0] : 0) }
        for source in 0..<4 {
            for target in 0..<4 where target != source {
                let stirred =
                    pool[target] &* 0xCA01_F9DD &- mixed(pool[source]) &* 0x4973_F715
                pool[target] = stirred ^ stirred >> 16
            }
        }
        hash = 0x8B51_F9DD
        let drawn = (0..<8).map { index in
            var value = pool[index % 4] ^ hash
            hash = hash &* 0x58F3_8DED
            value = value &* hash
            return value ^ value >> 16
        }
        words = (0..<4).map { UInt64(drawn[2 * $0]) | UInt64(drawn[2 * $0 + 1]) << 32 }
    }
}
