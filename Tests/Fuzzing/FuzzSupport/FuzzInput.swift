public import Files

/// Calls `read` with an untrusted file; an error must be one line, of a length that can be read.
public func check(_ read: () throws(FileError) -> Int) {
    do throws(FileError) {
        _ = try read()
    } catch {
        let text = error.description.utf8
        guard text.count < 1000, text.allSatisfy({ $0 >= 0x20 }) else {
            // Not precondition, which says nothing in a release build.
            fatalError("a bad error message: \(error)")
        }
    }
}

/// The bytes of an input, as libFuzzer hands them over.
public func fuzzInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: start, count: count))
}

/// Replaces an input, `count` bytes in memory for `limit`, by what `change` makes of it; returns the new size.
///
/// For `LLVMFuzzerCustomMutator`. What is longer than `limit` is cut.
public func replaceInput(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, limit: Int, by change: ([UInt8]) -> [UInt8]
) -> Int {
    let result = change(unsafe Array(UnsafeBufferPointer(start: start, count: count))).prefix(limit)
    for (index, byte) in result.enumerated() { unsafe start[index] = byte }
    return result.count
}

/// `bytes` after one of libFuzzer's own mutations, at most `limit` bytes.
public func libraryMutation(_ bytes: [UInt8], limit: Int) -> [UInt8] {
    let limit = max(1, limit)
    let kept = min(bytes.count, limit)
    return unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        guard let start = buffer.baseAddress else { return }
        for index in 0..<kept { unsafe start[index] = bytes[index] }
        unsafe count = libraryMutate(start, kept, limit)
    }
}

@_silgen_name("LLVMFuzzerMutate")
private func libraryMutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int
) -> Int

/// Random numbers from the seed that libFuzzer gives a mutator.
public struct MutationRandom: RandomNumberGenerator {
    private var state: UInt64

    /// The numbers that follow from `seed`.
    public init(seed: UInt32) { state = UInt64(seed) }

    /// The next 64 random bits (SplitMix64).
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// True once in `count` times.
    public mutating func isOne(in count: Int) -> Bool {
        Int.random(in: 0..<count, using: &self) == 0
    }
}
