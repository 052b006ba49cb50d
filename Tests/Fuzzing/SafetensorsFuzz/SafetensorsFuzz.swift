internal import Checkpoints
internal import Files
internal import FuzzSupport

/// Safetensors files, and, where the first byte is `{`, also the index of a checkpoint in several files.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    check { () throws(FileError) in try fuzzSafetensors(bytes) }
    if bytes.first == UInt8(ascii: "{") {
        check { () throws(FileError) in try fuzzShardIndex(bytes) }
    }
    return 0
}

/// libFuzzer's mutations; mostly of the header alone, whose size is then made right.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
    var random = MutationRandom(seed: seed)
    return unsafe replaceInput(start, count, limit: limit) { bytes in
        let size = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard bytes.count >= 8, size <= UInt64(bytes.count - 8), !random.isOne(in: 4) else {
            return libraryMutation(bytes, limit: limit)
        }
        let data = bytes[(8 + Int(size))...]
        let header = libraryMutation(
            Array(bytes[8..<8 + Int(size)]), limit: limit - 8 - data.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
    }
}
