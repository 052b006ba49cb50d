internal import Checkpoints
internal import Files
internal import FuzzSupport

/// Files of `torch.save`: zip, pickles one after the other, tar.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    check { () throws(FileError) in try fuzzTorchFile(bytes) }
    return 0
}

/// libFuzzer's mutations; mostly with the checksums of a tar archive made right, which it would never hit.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
    var random = MutationRandom(seed: seed)
    return unsafe replaceInput(start, count, limit: limit) { bytes in
        var bytes = libraryMutation(bytes, limit: limit)
        if !random.isOne(in: 8) { repairTar(&bytes) }
        return bytes
    }
}

private func repairTar(_ bytes: inout [UInt8]) {
    var position = 0
    while position + 512 <= bytes.count,
        bytes[position + 257..<position + 262].elementsEqual("ustar".utf8)
    {
        let header = position..<position + 512
        let field = position + 148..<position + 156
        let sum = header.reduce(0) { $0 + (field.contains($1) ? 0x20 : Int(bytes[$1])) }
        let digits = String(sum, radix: 8)
        let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\0 "
        bytes.replaceSubrange(field, with: text.utf8)
        let size = bytes[position + 124..<position + 136].prefix { $0 >= 0x30 && $0 < 0x38 }
            .reduce(0) { min($0, 1 << 40) << 3 | Int($1 - 0x30) }
        position += 512 + (size + 511) / 512 * 512
    }
}
