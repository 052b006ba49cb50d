import CZlib
import Files
import Testing

/// `bytes` as one gzip member.
private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = unsafe z_stream()
    let status = unsafe deflateInit2_(
        &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        CInt(MemoryLayout<z_stream>.size))
    try #require(status == Z_OK)
    defer { _ = unsafe deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 1024)
    let end = unsafe input.withUnsafeMutableBufferPointer { source in
        unsafe output.withUnsafeMutableBufferPointer { target in
            unsafe stream.next_in = source.baseAddress
            unsafe stream.avail_in = UInt32(source.count)
            unsafe stream.next_out = target.baseAddress
            unsafe stream.avail_out = UInt32(target.count)
            return unsafe deflate(&stream, Z_FINISH)
        }
    }
    try #require(end == Z_STREAM_END)
    return Array(output.prefix(Int(unsafe stream.total_out)))
}

private func noise(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
    var random = SeededNumbers(seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
}

private func readAll(_ path: String, pieceSize: Int) throws(FileError) -> [UInt8] {
    let stream = try ByteStream(path: path, pieceSize: pieceSize)
    var bytes: [UInt8] = []
    while true {
        let piece = try stream.next()
        if piece.isEmpty { break }
        bytes += piece
    }
    // The end stays the end.
    #expect(try stream.next().isEmpty)
    return bytes
}

private func lines(_ path: String) throws -> [String] {
    var reader = try LineReader(path: path)
    var lines: [String] = []
    while let line = try reader.next() {
        lines.append(String(decoding: line, as: UTF8.self))
        #expect(reader.number == lines.count)
    }
    #expect(try reader.next() == nil)
    return lines
}

@Suite struct ByteStreamTests {
    @Test(arguments: [0, 1, 2, 3, 63, 64, 65, 1000])
    func plainAndCompressed(_ count: Int) throws {
        try withFolder { folder in
            let bytes =
                Array(repeating: UInt8(ascii: "x"), count: count / 2) + noise((count + 1) / 2)
            let plain = try write(bytes, "plain", in: folder)
            let packed = try write(try gzip(bytes), "packed", in: folder)
            for pieceSize in [2, 3, 64, 1 << 16] {
                #expect(try readAll(plain, pieceSize: pieceSize) == bytes)
                #expect(try readAll(packed, pieceSize: pieceSize) == bytes)
            }
        }
    }

    @Test func membersFollowEachOther() throws {
        try withFolder { folder in
            let (a, b) = (noise(1000, seed: 1), noise(300, seed: 2))
            let padding = [UInt8](repeating: 0, count: 100)
            let members = try gzip(a) + gzip([]) + gzip(b)
            for (name, bytes) in [("two", members), ("padded", members + padding)] {
                let path = try write(bytes, name, in: folder)
                for pieceSize in [2, 7, 1 << 16] {
                    #expect(try readAll(path, pieceSize: pieceSize) == a + b)
                }
            }
        }
    }

    @Test func everyTruncationIsFound() throws {
        try withFolder { folder in
            let whole = try gzip(noise(120))
            // Shorter than two bytes is no gzip at all.
            for count in 2..<whole.count {
                let path = try write(Array(whole[..<count]), "cut", in: folder)
                let error = try #require(fileError("\(count)") { _ = try FileBytes.read(path) })
                #expect(error.path == path && error.problem.contains("gzip"), "\(error)")
            }
            let second = try gzip([1, 2, 3]) + whole.dropLast(5)
            let path = try write(second, "second", in: folder)
            #expect(try #require(fileError { _ = try FileBytes.read(path) }).path == path)
        }
    }

    @Test func damageIsFound() throws {
        try withFolder { folder in
            let whole = try gzip(noise(200))
            var random = SeededNumbers(3)
            for _ in 0..<200 {
                // Behind the header of ten bytes, whose time and system mean nothing, everything is checked.
                var bytes = whole
                let place = Int.random(in: 10..<bytes.count, using: &random)
                bytes[place] ^= UInt8.random(in: 1...255, using: &random)
                let path = try write(bytes, "damaged", in: folder)
                _ = fileError("byte \(place)") { _ = try FileBytes.read(path) }
            }
            let path = try write(try gzip([1]) + [7, 8, 9], "rest", in: folder)
            #expect(
                try #require(fileError { _ = try FileBytes.read(path) }).problem.contains("gzip"))
        }
    }

    @Test func mutationsNeverTrap() throws {
        try withFolder { folder in
            let whole = try gzip(Array("one line\nand another\n".utf8) + noise(50))
            var random = SeededNumbers(4)
            for _ in 0..<500 {
                var bytes = whole
                for _ in 0..<3 {
                    bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(
                        in: 0...255, using: &random)
                }
                let path = try write(bytes, "mutated", in: folder)
                _ = try? FileBytes.read(path)
            }
        }
    }

    @Test func whatCannotBeOpened() throws {
        try withFolder { folder in
            let missing = try #require(fileError { _ = try ByteStream(path: folder + "/no") })
            #expect(missing.path == folder + "/no" && missing.problem.contains("open"))
            #expect(try #require(fileError { _ = try ByteStream(path: folder) }).path == folder)
        }
    }
}

@Suite struct LineReaderTests {
    private func read(_ text: String) throws -> [String] {
        try withFolder { try lines(try write(Array(text.utf8), "text", in: $0)) }
    }

    @Test func endings() throws {
        #expect(try read("") == [])
        #expect(try read("\n") == [""])
        #expect(try read("a") == ["a"])
        #expect(try read("a\n") == ["a"])
        #expect(try read("a\n\nb") == ["a", "", "b"])
        #expect(try read("a\r\nb\r\n") == ["a", "b"])
        #expect(try read("a\r\n\r\n") == ["a", ""])
        #expect(try read("a\rb\nc") == ["a\rb", "c"])
        #expect(try read("a\r\r\nb") == ["a\r", "b"])
    }

    @Test func nothingElseEndsALine() throws {
        let text = "a\u{2028}b\u{2029}c\u{85}d\u{B}e\u{C}f\u{0}g"
        #expect(try read(text + "\n" + text) == [text, text])
    }

    @Test func byteOrderMark() throws {
        #expect(try read("\u{FEFF}a\n\u{FEFF}b") == ["a", "\u{FEFF}b"])
        #expect(try read("\u{FEFF}") == [""])
        #expect(try read("\u{FEFF}\n") == [""])
    }

    @Test func longLines() throws {
        try withFolder { folder in
            // Longer than a piece of the stream, and line ends at the border of pieces.
            let piece = 1 << 18
            let long = String(repeating: "ab", count: piece)
            let border = String(repeating: "x", count: piece - 1)
            let text = long + "\r\n" + border + "\nend\n" + long
            let plain = try write(Array(text.utf8), "plain", in: folder)
            #expect(try lines(plain) == [long, border, "end", long])
            let packed = try write(try gzip(Array(text.utf8)), "packed", in: folder)
            #expect(try lines(packed) == [long, border, "end", long])
            // The carriage return is the last byte of a piece.
            let split = try write(Array((border + "\r\nb").utf8), "split", in: folder)
            #expect(try lines(split) == [border, "b"])
        }
    }

    @Test func readTextWantsUTF8() throws {
        try withFolder { folder in
            let good = try write(Array("é\n".utf8), "good", in: folder)
            #expect(try FileBytes.readText(good) == "é\n")
            let bad = try write([0x61, 0xE9], "bad", in: folder)
            let error = try #require(fileError { _ = try FileBytes.readText(bad) })
            #expect(error.path == bad && error.problem.contains("UTF-8"))
        }
    }
}
