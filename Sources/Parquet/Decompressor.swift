import CSnappy
import CZlib
import CZstd

/// Decompresses pages, and checks their checksums.
@safe final class Decompressor {
    private var zstd: OpaquePointer?

    init() {}

    deinit { unsafe _ = ZSTD_freeDCtx(zstd) }

    /// The CRC-32 of the first `count` bytes of `bytes`.
    static func checksum(_ bytes: [UInt8], count: Int) -> UInt32 {
        precondition(count <= bytes.count, "\(count) of \(bytes.count) bytes")
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: unsafe crc32_z(0, buffer.baseAddress, count))
        }
    }

    /// Decompresses `range` of `input` to `size` bytes of `output` from `offset` on; `output` grows as needed.
    ///
    /// Throws where the data are damaged, or hold more or fewer bytes. Nothing is allocated for a size that so few
    /// bytes cannot hold.
    func decompress(
        _ input: [UInt8], _ range: Range<Int>, codec: Codec, size: Int, to output: inout [UInt8],
        at offset: Int
    ) throws(Malformed) {
        precondition(
            range.upperBound <= input.count && range.lowerBound >= 0 && size >= 0 && offset >= 0,
            "\(range) of \(input.count) to \(size) at \(offset)")
        // An empty page may be compressed to nothing at all.
        if range.isEmpty, size == 0 { return }
        let most = Self.largestSize(of: range.count, codec: codec)
        guard size <= most else {
            throw Malformed(
                "\(size) bytes of data expected, but \(range.count) compressed bytes hold at most "
                    + "\(most)")
        }
        // A byte at least, so that there is an address.
        output.grow(to: offset + max(size, 1))
        var outcome: Outcome = .damaged
        unsafe input.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                let from = unsafe UnsafeRawBufferPointer(rebasing: source[range])
                let to = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: target[offset..<offset + size])
                switch codec {
                case .uncompressed:
                    if from.count == size {
                        unsafe to.copyMemory(from: from)
                        outcome = .size(size)
                    } else {
                        outcome = .size(from.count)
                    }
                case .snappy: outcome = unsafe Self.snappy(from, to)
                case .gzip: outcome = unsafe Self.gzip(from, to)
                case .zstd: outcome = unsafe zstd(from, to)
                case .unsupported: break
                }
            }
        }
        switch outcome {
        case .size(size): return
        case .size(let found):
            throw Malformed("\(size) bytes of data expected, found \(found)")
        case .tooLong: throw Malformed("\(size) bytes of data expected, found more")
        case .damaged: throw Malformed("damaged \(codec) data")
        }
    }

    private enum Outcome {
        case size(Int)
        case tooLong
        case damaged
    }

    /// What `count` compressed bytes can hold at most.
    private static func largestSize(of count: Int, codec: Codec) -> Int {
        switch codec {
        case .uncompressed: count
        // A copy of at most 64 bytes takes 2 or more.
        case .snappy: count * 64
        // 258 bytes take two bits or more, see zlib's description of its maximum.
        case .gzip: count * 1032
        // A block of at most 128 KiB takes 3 bytes or more.
        case .zstd: count.multipliedReportingOverflow(by: 44_000).partialValue
        case .unsupported: 0
        }
    }

    private static func snappy(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) -> Outcome {
        let bytes = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self)
        var size = 0
        guard unsafe snappy_uncompressed_length(bytes, input.count, &size) == SNAPPY_OK else {
            return .damaged
        }
        guard size == output.count else { return .size(size) }
        let target = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
        let status = unsafe snappy_uncompress(bytes, input.count, target, &size)
        return status == SNAPPY_OK ? .size(size) : .damaged
    }

    /// One member or more, with the framing of gzip or zlib.
    private static func gzip(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) -> Outcome {
        var stream = unsafe z_stream()
        // 15 + 32: the largest window, gzip or zlib framing.
        let status = unsafe inflateInit2_(
            &stream, 15 + 32, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "inflateInit2 answered \(status)")
        defer { unsafe _ = inflateEnd(&stream) }
        let bytes = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.next_in = UnsafeMutablePointer(mutating: bytes)
        unsafe stream.avail_in = UInt32(input.count)
        // One byte more than expected would be noticed here.
        var spare: UInt8 = 0
        unsafe stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.avail_out = UInt32(output.count)
        return unsafe withUnsafeMutablePointer(to: &spare) { spare in
            var filled = 0
            var isFull = false
            while true {
                if unsafe stream.avail_out == 0 {
                    if isFull { return .tooLong }
                    isFull = true
                    unsafe stream.next_out = spare
                    unsafe stream.avail_out = 1
                }
                let room = unsafe stream.avail_out
                let status = unsafe inflate(&stream, Z_NO_FLUSH)
                let got = unsafe Int(room - stream.avail_out)
                if isFull, got > 0 { return .tooLong }
                filled += got
                switch status {
                case Z_OK: continue
                case Z_STREAM_END:
                    if unsafe stream.avail_in == 0 { return .size(filled) }
                    guard unsafe inflateReset(&stream) == Z_OK else { return .damaged }
                default: return .damaged
                }
            }
        }
    }

    private func zstd(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) -> Outcome {
        if unsafe zstd == nil { unsafe zstd = ZSTD_createDCtx() }
        precondition(unsafe zstd != nil, "ZSTD_createDCtx found no memory")
        let size = unsafe ZSTD_decompressDCtx(
            zstd, output.baseAddress, output.count, input.baseAddress, input.count)
        if ZSTD_isError(size) == 0 { return .size(size) }
        return ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? .tooLong : .damaged
    }
}

extension [UInt8] {
    /// Makes room for `count` bytes; never gives room back.
    mutating func grow(to count: Int) {
        guard self.count < count else { return }
        // Somewhat more, so that pages of slightly different sizes do not grow it each time.
        let room = Swift.max(count, Swift.min(count + count / 8, Limits.pageBytes))
        reserveCapacity(room)
        append(contentsOf: repeatElement(0, count: room - self.count))
    }
}
