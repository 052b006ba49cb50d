internal import FuzzSupport
internal import Parquet

/// Parquet files; or, where the input does not begin as they do, the pages of one column.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe fuzzInput(start, count)
    if bytes.starts(with: "PAR1".utf8) {
        _ = try? fuzzParquet(bytes)
    } else {
        _ = try? fuzzParquetPages(bytes)
    }
    return 0
}

/// libFuzzer's mutations; of a file mostly of the pages or of the footer alone, whose size is made right.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
    var random = MutationRandom(seed: seed)
    return unsafe replaceInput(start, count, limit: limit) { bytes in
        guard bytes.starts(with: "PAR1".utf8), bytes.count >= 12, !random.isOne(in: 16) else {
            return libraryMutation(bytes, limit: limit)
        }
        let size = bytes[(bytes.count - 8)..<(bytes.count - 4)].reversed().reduce(0) {
            $0 << 8 | Int($1)
        }
        guard size <= bytes.count - 12 else { return libraryMutation(bytes, limit: limit) }
        var pages = Array(bytes[4..<bytes.count - 8 - size])
        var footer = Array(bytes[(bytes.count - 8 - size)..<(bytes.count - 8)])
        if random.isOne(in: 2) {
            footer = libraryMutation(footer, limit: limit - 12 - pages.count)
        } else if random.isOne(in: 4) {
            pages = libraryMutation(pages, limit: limit - 12 - footer.count)
        } else {
            // The places in the footer stay right.
            let count = pages.count
            pages = libraryMutation(pages, limit: max(1, count))
            pages += Array(repeating: 0, count: max(0, count - pages.count))
        }
        return "PAR1".utf8 + pages + footer
            + (0..<4).map { UInt8(truncatingIfNeeded: footer.count >> ($0 * 8)) } + "PAR1".utf8
    }
}
