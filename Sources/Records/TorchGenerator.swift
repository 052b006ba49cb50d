/// PyTorch's random numbers on the CPU: the Mersenne Twister MT19937 as `torch.Generator` seeds and
/// reads it.
///
/// Matsumoto, Nishimura: Mersenne Twister: a 623-dimensionally equidistributed uniform
/// pseudo-random number generator, 1998. PyTorch promises no stream for ever; the tests compare with
/// what torch 2.15 answered, and it was the same in 2.13.
package struct TorchGenerator {
    private var state: [UInt32]
    /// The next of the state's words; `count` of them where all were given out.
    private var position: Int

    private static let count = 624

    /// `torch.manual_seed(seed)`: only the lower 32 bits of `seed` count, as in torch.
    package init(seed: UInt64) {
        var state = [UInt32(truncatingIfNeeded: seed)]
        state.reserveCapacity(Self.count)
        for index in 1..<Self.count {
            let last = state[index - 1]
            state.append((last ^ last >> 30) &* 1_812_433_253 &+ UInt32(index))
        }
        self.state = state
        position = Self.count
    }

    /// The next 32 bits.
    package mutating func next32() -> UInt32 {
        if position == Self.count { renew() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C_5680
        word ^= word << 15 & 0xEFC6_0000
        return word ^ word >> 18
    }

    private mutating func renew() {
        for index in 0..<Self.count {
            let next = state[index + 1 == Self.count ? 0 : index + 1]
            let mixed = state[index] & 0x8000_0000 | next & 0x7FFF_FFFF
            let far = index < 227 ? index + 397 : index - 227
            state[index] = state[far] ^ mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        position = 0
    }

    /// The next 64 bits: the upper half is drawn first.
    package mutating func next64() -> UInt64 {
        let high = UInt64(next32())
        return high << 32 | UInt64(next32())
    }

    /// `torch.empty((), dtype=torch.int64).random_()`: a number from 0 to 2^63 - 1.
    package mutating func nextInt64() -> Int64 { Int64(next64() & UInt64(Int64.max)) }

    /// `torch.randperm(count)`: the numbers `0..<count` in random order.
    ///
    /// Traps for a negative `count`.
    package mutating func permutation(of count: Int) -> [Int] {
        precondition(count >= 0, "permutation: of \(count) numbers")
        return count < Int(UInt32.max) / 20 ? forward(count) : insideOut(count)
    }

    /// Each place from the first is swapped with one not before it; 32 bits a draw.
    private mutating func forward(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for place in 0..<count - 1 {
            order.swapAt(place, place + Int(next32()) % (count - place))
        }
        return order
    }

    /// What torch does from 214,748,364 numbers on, where 32 bits would show in the result: each
    /// number takes a place up to its own, and what stood there moves to the end; 64 bits a draw.
    mutating func insideOut(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for place in 0..<count {
            order.swapAt(place, Int(next64() % UInt64(place + 1)))
        }
        return order
    }
}
