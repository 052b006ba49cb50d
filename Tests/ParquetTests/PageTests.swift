import Files
import Parquet
import Testing

/// `first member` and `zwei`.
private let compressed: [(codec: Int, bytes: [UInt8])] = [
    // gzip in two members, and with the framing of zlib.
    (
        2,
        [
            0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0xE3, 0x61, 0x60, 0x60, 0x48, 0xCB,
            0x2C, 0x2A, 0x2E, 0x01, 0x00, 0xF0, 0xFE, 0x6E, 0x54, 0x09, 0, 0, 0, 0x1F, 0x8B,
            0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0x53, 0xC8, 0x4D, 0xCD, 0x4D, 0x4A, 0x2D, 0x62,
            0x61, 0x60, 0x60, 0xA8, 0x2A, 0x4F, 0xCD, 0x04, 0x00, 0xF7, 0xBB, 0xA1, 0xDD, 0x0F,
            0, 0, 0,
        ]
    ),
    (
        2,
        [
            0x78, 0x9C, 0xE3, 0x61, 0x60, 0x60, 0x48, 0xCB, 0x2C, 0x2A, 0x2E, 0x51, 0xC8, 0x4D,
            0xCD, 0x4D, 0x4A, 0x2D, 0x62, 0x01, 0xF2, 0xAB, 0xCA, 0x53, 0x33, 0x01, 0x4A, 0xBF,
            0x06, 0x90,
        ]
    ),
    (1, [0x18, 0x5C] + plain("first member") + plain("zwei")),
    (
        6,
        [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x18, 0xC1, 0, 0] + plain("first member") + plain("zwei")
    ),
]

/// Pages that today's writers do not write, but others may or did.
@Suite struct PageTests {
    typealias Page = OneColumnFile.Page

    /// The values of `file`, whose rows must have one value each.
    static func values(_ file: OneColumnFile) throws -> [ParquetValue] {
        try rows(try ParquetReader(bytes: file.bytes)).map {
            try #require($0.count == 1)
            return $0[0]
        }
    }

    static func texts(_ file: OneColumnFile) throws -> [String?] {
        try values(file).map { value in
            if case .text(let text) = value { text } else { nil }
        }
    }

    static let letters = "abcdefghij".map { String($0) }

    @Test func levelsAsBits() throws {
        // The highest bit first: present, null, present, null, null, present, present, present; null, present.
        let body = [0b1010_0111, 0b0100_0000] + Self.letters.prefix(6).flatMap(plain)
        var file = OneColumnFile([.data(body, count: 10, levels: 4)], rowCount: 10)
        file.isNullable = true
        #expect(
            try Self.texts(file) == ["a", nil, "b", nil, nil, "c", "d", "e", nil, "f"])
    }

    @Test func dictionaryOfOneValue() throws {
        let dictionary = Page.dictionary(plain("only"), count: 1)
        // Indices of 0 bits: in a run, bit-packed (a group of 8), and in runs of no values.
        for body: [UInt8] in [[0, 10], [0, 3], [0, 0, 0, 10], [0, 4, 7]] {
            for encoding in [2, 8] {
                let file = OneColumnFile(
                    [dictionary, .data(body, count: 5, encoding: encoding)], rowCount: 5)
                #expect(try Self.texts(file) == Array(repeating: "only", count: 5), "\(body)")
            }
        }
    }

    @Test func lastRunWithoutPadding() throws {
        let dictionary = Page.dictionary(Self.letters.flatMap(plain), count: 10)
        let body: [UInt8] = [8, 3, 9, 0, 5]
        let file = OneColumnFile([dictionary, .data(body, count: 3, encoding: 8)], rowCount: 3)
        #expect(try Self.texts(file) == ["j", "a", "f"])
        // One value more is not there.
        let short = OneColumnFile([dictionary, .data(body, count: 4, encoding: 8)], rowCount: 4)
        #expect(failure(bytes: short.bytes).contains("row 1: the page ends within a run"))
    }

    @Test(arguments: [1, 2, 3, 5, 7, 8, 9, 12, 15, 17, 20, 24, 31, 32])
    func indicesOfAnyWidth(width: Int) throws {
        let indices = (0..<40).map { $0 * 7 % 10 % (1 << min(width, 4)) }
        var bits = [UInt8](repeating: 0, count: width * 5)
        for (place, index) in indices.enumerated() {
            for bit in 0..<width where index >> bit & 1 == 1 {
                bits[(place * width + bit) / 8] |= 1 << UInt8((place * width + bit) % 8)
            }
        }
        let body = [UInt8(width), 11] + bits
        let dictionary = Page.dictionary(Self.letters.flatMap(plain), count: 10)
        let file = OneColumnFile([dictionary, .data(body, count: 40, encoding: 8)], rowCount: 40)
        #expect(try Self.texts(file) == indices.map { Self.letters[$0] })
    }

    @Test func pagesOfVersion2() throws {
        let two = plain("x") + plain("y")
        // Not compressed although the column is; no levels though nulls are allowed; repetition levels, passed over.
        var file = OneColumnFile([.dataV2(two, count: 2, isCompressed: false)], rowCount: 2)
        file.codec = 1
        #expect(try Self.texts(file) == ["x", "y"])
        file.isNullable = true
        #expect(try Self.texts(file) == ["x", "y"])
        file.pages = [
            .dataV2(
                [9, 9, 9, 3, 0b101] + two, count: 3, nulls: 1, definition: 2, repetition: 3,
                isCompressed: false)
        ]
        file.rowCount = 3
        #expect(try Self.texts(file) == ["x", nil, "y"])
    }

    @Test(arguments: [0, 1, 2, 6])
    func nothingButNulls(codec: Int) throws {
        // There is nothing to decompress, not even an empty stream.
        var file = OneColumnFile([.dataV2([8, 0], count: 4, nulls: 4, definition: 2)], rowCount: 4)
        file.isNullable = true
        file.codec = codec
        #expect(try Self.texts(file) == [nil, nil, nil, nil])
        file.pages = [.dataV2([8, 0], count: 4, nulls: 4, encoding: 8, definition: 2)]
        #expect(failure(bytes: file.bytes.dropLast(1) + [0]).contains("should end with PAR1"))
        #expect(try Self.texts(file) == [nil, nil, nil, nil])
    }

    @Test func pagesBetween() throws {
        let file = OneColumnFile(
            [
                .index([1, 2, 3]), .data([], count: 0), .data(plain("a"), count: 1),
                .index([]), .data([], count: 0), .data(plain("b"), count: 1),
            ], rowCount: 2)
        #expect(try Self.texts(file) == ["a", "b"])
    }

    @Test(arguments: 0..<4)
    func compression(index: Int) throws {
        let (codec, bytes) = compressed[index]
        func file(_ bytes: [UInt8], size: Int) -> [UInt8] {
            var file = OneColumnFile([.data(bytes, count: 2, size: size)], rowCount: 2)
            file.codec = codec
            return file.bytes
        }
        let good = try rows(try ParquetReader(bytes: file(bytes, size: 24)))
        #expect(good == [[.text("first member")], [.text("zwei")]])
        // Any other size, and any damage to the data, is found.
        for size in [0, 1, 23, 25, 100] {
            #expect(
                failure(bytes: file(bytes, size: size)).contains("\(size) bytes of data expected"))
        }
        for cut in 1..<bytes.count {
            #expect(
                failure(bytes: file(Array(bytes[..<cut]), size: 24)).contains(": column \"column\"")
            )
        }
        #expect(failure(bytes: file(Array("no data".utf8), size: 24)).contains("page at byte 4: "))
    }

    @Test func headerWithLongStatistics() throws {
        var page = Page.data(plain("a"), count: 1)
        let statistics = Thrift.structure([(1, .binary([UInt8](repeating: 65, count: 300_000)))])
        let details: [(Int, Thrift)] = [
            (1, .int32(1)), (2, .int32(0)), (3, .int32(3)), (4, .int32(3)), (5, statistics),
        ]
        page.header[page.header.count - 1].value = .structure(details)
        let file = OneColumnFile([page, .data(plain("b"), count: 1)], rowCount: 2)
        #expect(try Self.texts(file) == ["a", "b"])
    }

    @Test func manySmallPagesAndSomeLarge() throws {
        let long = String(repeating: "語", count: 40_000)
        let texts = (0..<9000).map { $0 % 1000 == 500 ? long + "\($0)" : "\($0)" }
        let file = OneColumnFile(texts.map { .data(plain($0), count: 1) }, rowCount: texts.count)
        #expect(try Self.texts(file) == texts)
    }

    @Test func longTextsInOnePage() throws {
        // More than is decoded at a time, with nulls between.
        let texts = (0..<40).map { index in
            index % 4 == 1 ? nil : String(repeating: "\(index % 10)", count: index * 4000)
        }
        let bits = texts.indices.map { texts[$0] == nil ? UInt8(0) : 1 }
        let levels: [UInt8] =
            [11]
            + (0..<5).map { group in (0..<8).reduce(0) { $0 | bits[group * 8 + $1] << UInt8($1) } }
        let body = littleEndian(UInt32(6)) + levels + texts.compactMap(\.self).flatMap(plain)
        var file = OneColumnFile([.data(body, count: 40)], rowCount: 40)
        file.isNullable = true
        #expect(try Self.texts(file) == texts)
    }

    @Test func differencesOfAllWidths() throws {
        let numbers: [Int64] = [
            .max, .min, 0, -1, .min, .max, 1, 1 << 40, -1 << 40, 7, 8, 9, 10, 12, 1 << 62,
        ]
        var file = OneColumnFile(
            [.data(deltas(numbers), count: numbers.count, encoding: 5)], rowCount: numbers.count)
        (file.type, file.converted) = (2, nil)
        #expect(try Self.values(file) == numbers.map { .int($0) })
        (file.type, file.converted) = (1, nil)
        #expect(
            try Self.values(file) == numbers.map { .int(Int64(Int32(truncatingIfNeeded: $0))) })
    }

    @Test func meanings() throws {
        func type(_ converted: Int?, _ logical: Int?, physical: Int = 6) throws -> String {
            var file = OneColumnFile([], rowCount: 0)
            (file.type, file.converted) = (physical, converted)
            if let logical {
                file.schemaFields = [(10, .structure([(logical, .structure([]))]))]
            }
            do {
                return try ParquetReader(bytes: file.bytes).columns[0].type.description
            } catch {
                #expect(error.problem.contains("no column that can be read: the file has "))
                return error.problem.replacing(
                    "no column that can be read: the file has \"column\" ", with: "")
            }
        }
        for text in [nil, 0, 4, 19] as [Int?] { #expect(try type(text, nil) == "text") }
        for text in [1, 4, 12] { #expect(try type(nil, text) == "text") }
        #expect(try type(20, nil) == "(BSON)")
        #expect(try type(nil, 14, physical: 7) == "(a UUID)")
        #expect(try type(nil, 77) == "(a value of the unknown logical type 77)")
        #expect(try type(77, nil) == "(a value of the unknown type 77)")
        // The logical type counts where there are both.
        #expect(try type(0, 17) == "(a geometry)")
        #expect(try type(nil, 11, physical: 3) == "null")
        #expect(try type(nil, nil, physical: 3) == "(an INT96 timestamp)")
        #expect(try type(0, nil, physical: 5) == "(DOUBLE that means something unknown)")
        for (code, name) in [
            (11, "uint8"), (12, "uint16"), (13, "uint32"), (15, "int8"), (17, "int32"),
        ] {
            #expect(try type(code, nil, physical: 1) == name)
        }
        #expect(try type(14, nil, physical: 2) == "uint64")
        #expect(try type(18, nil, physical: 2) == "int64")
    }
}

/// `numbers` as the encoding DELTA_BINARY_PACKED writes them: blocks of 128 in four parts.
func deltas(_ numbers: [Int64]) -> [UInt8] {
    var bytes = varint(128) + varint(4) + varint(UInt64(numbers.count)) + zigzag(numbers.first ?? 0)
    let differences = zip(numbers.dropFirst(), numbers).map { $0 &- $1 }
    for start in stride(from: 0, to: differences.count, by: 128) {
        let block = differences[start..<min(start + 128, differences.count)]
        let smallest = block.min() ?? 0
        let parts = stride(from: start, to: block.endIndex, by: 32).map { part in
            block[part..<min(part + 32, block.endIndex)].map { UInt64(bitPattern: $0 &- smallest) }
        }
        let widths = parts.map { 64 - ($0.reduce(0, |)).leadingZeroBitCount }
        bytes += zigzag(smallest) + (0..<4).map { $0 < widths.count ? UInt8(widths[$0]) : 99 }
        for (part, width) in zip(parts, widths) {
            var bits = [UInt8](repeating: 0, count: width * 4)
            for (place, value) in part.enumerated() {
                for bit in 0..<width where value >> UInt64(bit) & 1 == 1 {
                    bits[(place * width + bit) / 8] |= 1 << UInt8((place * width + bit) % 8)
                }
            }
            bytes += bits
        }
    }
    return bytes
}
