internal import CZlib
internal import Files

extension ZipArchive.Entry {
    /// The unpacked bytes. Allocates the size that the table announces, which
    /// ``ZipArchive/maximumTotal(fileSize:)`` bounds; throws where the data has another size or checksum.
    func unpacked(from source: WeightBytes) throws(FileError) -> [UInt8] {
        guard isDeflated else {
            return try source.read(size, at: bytes.lowerBound, for: "entry \(shown(name.utf8))")
        }
        let result = try source.withBytes { (all) throws(FileError) -> [UInt8]? in
            inflate(all.extracting(bytes), size: size)
        }
        guard let result, checksum(of: result) == checksum else {
            throw source.damaged(
                "entry \(shown(name.utf8)) of the archive does not unpack to its \(size) bytes")
        }
        return result
    }

    private func checksum(of bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { buffer in
            Int(unsafe crc32_z(0, buffer.bindMemory(to: UInt8.self).baseAddress, buffer.count))
        }
    }
}

/// Raw deflate data that must unpack to exactly `size` bytes and use all of `input`; else `nil`.
private func inflate(_ input: RawSpan, size: Int) -> [UInt8]? {
    var stream = unsafe z_stream()
    // Negative: raw data without a header.
    let status = unsafe inflateInit2_(
        &stream, -15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "inflateInit2 answered \(status)")
    defer { unsafe _ = inflateEnd(&stream) }
    var ended = false
    let result = unsafe [UInt8](unsafeUninitializedCapacity: size + 1) { output, count in
        unsafe input.withUnsafeBytes { source in
            // zlib counts in 32 bits.
            let step = 1 << 30
            var used = 0
            var status = Z_OK
            while status == Z_OK {
                let give = min(step, source.count - used)
                let room = min(step, size + 1 - count)
                unsafe stream.next_in = UnsafeMutablePointer(
                    mutating: source.bindMemory(to: UInt8.self).baseAddress?.advanced(by: used))
                unsafe stream.avail_in = UInt32(give)
                unsafe stream.next_out = output.baseAddress?.advanced(by: count)
                unsafe stream.avail_out = UInt32(room)
                status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
                unsafe used += give - Int(stream.avail_in)
                unsafe count += room - Int(stream.avail_out)
            }
            ended = status == Z_STREAM_END && used == source.count
        }
    }
    return ended && result.count == size ? result : nil
}
