internal import FuzzSupport
internal import Tokenizers

/// `tokenizer.json`; after bytes 0xFF also a text to encode and the JSON files beside it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    _ = try? fuzzTokenizerJSON(unsafe fuzzInput(start, count))
    return 0
}
