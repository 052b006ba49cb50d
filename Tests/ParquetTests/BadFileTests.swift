import Files
import Parquet
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Files that are damaged, or lie: one line that says where and what, never a trap.
@Suite struct BadFileTests {
    typealias Page = OneColumnFile.Page

    static func file(_ change: (inout OneColumnFile) -> Void) -> [UInt8] {
        var file = OneColumnFile([.data(plain("a") + plain("b"), count: 2)], rowCount: 2)
        change(&file)
        return file.bytes
    }

    @Test func theFileUnchangedIsGood() throws {
        #expect(try rows(try ParquetReader(bytes: Self.file { _ in })).count == 2)
    }

    @Test func noParquet() {
        #expect(
            failure(bytes: []) == "memory: the file is empty; check that this is the right file")
        #expect(
            failure(bytes: Array("{\"text\": 1}\n".utf8))
                == "memory: not a Parquet file: it should begin with PAR1, but begins with the bytes "
                + "7b 22 74 65; check that this is the right file")
        #expect(failure(bytes: Array("PA".utf8)).contains("begins with the bytes 50 41"))
        #expect(failure(bytes: Array("PAR1PAR1".utf8)).contains("8 bytes, fewer than the smallest"))
        #expect(
            failure(bytes: Array("PAR1....abcd".utf8)).contains("should end with PAR1, but does"))
        #expect(
            failure(bytes: Array("PAR1\u{9}\0\0\0PAR1".utf8)).contains("a footer of 9 bytes in a"))
        #expect(
            failure(bytes: Array("PAR1\0\0\0\0PAR1".utf8)).contains(
                "the footer ends within a value"))
    }

    @Test func encrypted() {
        let refusal = "an encrypted Parquet file, which is not supported; write the data again"
        var bytes = Self.file { _ in }
        bytes.replaceSubrange(0..<4, with: "PARE".utf8)
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: "PARE".utf8)
        #expect(failure(bytes: bytes).contains(refusal))
        #expect(
            failure(bytes: Self.file { $0.footerFields = [(8, .structure([(1, .structure([]))]))] })
                .contains(refusal))
        #expect(
            failure(bytes: Self.file { $0.chunkFields = [(8, .structure([]))] })
                .contains("column \"column\", row group 0: an encrypted"))
    }

    @Test func footersThatLie() {
        func check(_ expected: String, _ change: (inout OneColumnFile) -> Void) {
            let found = failure(bytes: Self.file(change))
            #expect(found.contains(expected), "\(found)")
        }
        check("the footer declares 3 rows, but its 1 row groups have 2") {
            ($0.rowCount, $0.groupRows, $0.valueCount) = (3, 2, 2)
        }
        check("2 values expected, one for each row, found 3") { $0.valueCount = 3 }
        check("column \"column\", row group 0: 2 values expected, one for each row, found -1") {
            $0.valueCount = -1
        }
        check("row group 0: no number of rows") { $0.groupRows = -2 }
        check("no number of rows, but -1") { $0.rowCount = -1 }
        check("the schema says BYTE_ARRAY, the chunk INT32") { $0.chunkType = 1 }
        check("the chunk the unknown type 17") { $0.chunkType = 17 }
        check("a column has the unknown type 17") { $0.type = 17 }
        check("the chunk is of the column \"a.b\"") { $0.path = ["a", "b"] }
        check("compressed with LZO, which is not supported; write the file") { $0.codec = 3 }
        check("compressed with LZ4, which is not supported") { $0.codec = 5 }
        check("compressed with the unknown codec 42, which is not") { $0.codec = 42 }
        check("bytes from byte 3 expected") { $0.chunkOffset = 3 }
        check("bytes from byte 100000 expected, but the data end at byte ") {
            $0.chunkOffset = 100_000
        }
        check("bytes from byte 4 expected, but the data end at byte ") { $0.chunkSize = 1 << 40 }
        check("bytes from byte 4 expected") { $0.chunkSize = .max }
        check("0 bytes from byte 4 expected") { $0.chunkSize = 0 }
        check("the values are in another file, \"other\\nfile\"; read that file") {
            $0.chunkFields = [(1, .text("other\nfile"))]
        }
        check("\"column\" is a column and a group") { $0.schemaFields = [(5, .int32(1))] }
        check("a group of -1 columns") { $0.schemaFields = [(5, .int32(-1))] }
        check("a list of structure expected, found one of int32") {
            $0.footerFields = [(4, .list([.int32(1)]))]
        }
        check("more than 32 levels of structures") {
            let deep = (0..<40).reduce(Thrift.int32(1)) { inner, _ in .list([inner]) }
            $0.footerFields = [(30, deep)]
        }
    }

    @Test func footerOfManyColumns() {
        let column = Thrift.structure([(1, .int32(1)), (4, .text("c"))])
        func bytes(_ elements: Int, children: Int) -> [UInt8] {
            let root = Thrift.structure([(4, .text("r")), (5, .int32(children))])
            let footer = Thrift.structure([
                (2, .list([root] + Array(repeating: column, count: elements))), (3, .int64(0)),
                (4, .list([])),
            ]).bytes
            return "PAR1".utf8 + footer + littleEndian(UInt32(footer.count)) + "PAR1".utf8
        }
        #expect(failure(bytes: bytes(70_000, children: 70_000)).contains("more than 65536 columns"))
        #expect(failure(bytes: bytes(2, children: 3)).contains("the schema ends where a column"))
        #expect(
            failure(bytes: bytes(3, children: 2)).contains("the schema has 1 elements too many"))
        #expect(failure(bytes: bytes(2, children: .max >> 33)).contains("should stand (2 of "))
    }

    @Test func pagesThatLie() {
        func check(
            _ expected: String, type: Int = 6, isNullable: Bool = false, converted: Int? = nil,
            rows: Int = 2, _ pages: Page...
        ) {
            var file = OneColumnFile(pages, rowCount: rows)
            (file.type, file.isNullable, file.converted) = (type, isNullable, converted)
            let found = failure(bytes: file.bytes)
            #expect(found.contains(expected), "\(found)")
        }
        let good = plain("a") + plain("b")
        check(
            "page at byte 4: a page of 99 bytes, but the column chunk has 10 more",
            .data(good, count: 2, compressedSize: 99))
        check("11 bytes of data expected, found 10", .data(good, count: 2, size: 11))
        check(
            "a page of 300000000 bytes; at most 268435456 are read",
            .data(good, count: 2, size: 300_000_000))
        check(
            "a dictionary of 70000000 bytes; at most 33554432",
            .dictionary(good, count: 2, size: 70_000_000))
        check(
            "no page header: a page of 10 bytes, -1 decompressed", .data(good, count: 2, size: -1))
        check("a page of 3 values, but the column chunk should have 2 more", .data(good, count: 3))
        check("no page header: a page without a number of values", .data(good, count: -1))
        check("1 more values expected, but the column chunk ends", .data(plain("a"), count: 1))
        check(
            "the page has the checksum 513cf673, but 1 was written",
            .data(good, count: 2, checksum: 1))
        check("row 2: the page ends before its last value", .data(plain("a"), count: 2))
        check(
            "row 2: a text of 9 bytes expected, but the page has 1 more",
            .data(plain("a") + [9, 0, 0, 0, 65], count: 2))
        check(
            "a text of 4294967295 bytes expected",
            .data([0xFF, 0xFF, 0xFF, 0xFF] + good, count: 2))
        check(
            "no page header: a page of type 3 without the header of that type",
            {
                var page = Page.data(good, count: 2); page.header[0].value = .int32(3); return page
            }())
        // Encodings.
        check(
            "BYTE_ARRAY values written as ALP, which is not supported; write the file again",
            .data(good, count: 2, encoding: 10))
        check("BYTE_ARRAY values written as BIT_PACKED", .data(good, count: 2, encoding: 4))
        check(
            "BYTE_ARRAY values written as the unknown encoding 55",
            .data(good, count: 2, encoding: 55))
        check("BYTE_ARRAY values written as RLE", .data(good, count: 2, encoding: 3))
        check("BYTE_ARRAY values written as BYTE_STREAM_SPLIT", .data(good, count: 2, encoding: 9))
        check(
            "FLOAT values written as DELTA_BINARY_PACKED", type: 4,
            .data(good, count: 2, encoding: 5))
        check(
            "numbers of 4 bytes each expected, found 10 bytes", type: 4,
            .data(good, count: 2, encoding: 9))
        // Levels.
        check("levels written as PLAIN", isNullable: true, .data(good, count: 2, levels: 0))
        check("the page ends within its levels", isNullable: true, .data([1, 0, 0], count: 2))
        check(
            "levels of 9 bytes expected, but the page has 1", isNullable: true,
            .data([9, 0, 0, 0, 1], count: 2))
        check(
            "row 1: a number of 1 bits expected, found 2", isNullable: true,
            .data([2, 0, 0, 0, 4, 2] + good, count: 2))
        check(
            "row 2: the page ends before its last value", isNullable: true,
            .data([2, 0, 0, 0, 2, 1] + good, count: 2))
        check(
            "row 1: the page ends within a number", isNullable: true,
            .data([1, 0, 0, 0, 0x80] + good, count: 2))
        check(
            "a page of 2 values with 3 nulls", isNullable: true,
            .dataV2(good, count: 2, nulls: 3))
        check(
            "levels of 99 and 0 bytes", isNullable: true,
            .dataV2(good, count: 2, nulls: 1, definition: 99))
        check(
            "levels of -1 and 0 bytes", isNullable: true,
            .dataV2(good, count: 2, nulls: 1, definition: -1))
        // Dictionaries.
        check(
            "the page needs a dictionary, but none came before it",
            .data([1, 4, 0], count: 2, encoding: 8))
        check(
            "row 2: the dictionary has 2 values, found the index 2", .dictionary(good, count: 2),
            .data([8, 2, 0, 2, 2], count: 2, encoding: 8))
        check(
            "row 1: the dictionary has 0 values, found the index 0", .dictionary([], count: 0),
            .data([0, 4], count: 2, encoding: 8))
        check(
            "row 1: the dictionary has 2 values, found the index 7", .dictionary(good, count: 2),
            .data([3, 3, 0xFF, 0xFF, 0xFF], count: 2, encoding: 8))
        check(
            "indices of 33 bits", .dictionary(good, count: 2),
            .data([33, 4, 0], count: 2, encoding: 8))
        check("page at byte 4: a dictionary of 3 values in 10 bytes", .dictionary(good, count: 3))
        check(
            "a second dictionary in one column chunk", .dictionary(good, count: 2),
            .dictionary(good, count: 2))
        check(
            "a dictionary written as DELTA_BYTE_ARRAY",
            .dictionary(good, count: 2, encoding: 7))
        check("a dictionary of truth values", type: 0, .dictionary([1], count: 2))
        // Numbers.
        check(
            "row 2: an integer of 8 bits expected, found 128", type: 1, converted: 15,
            .data(littleEndian(Int32(-128)) + littleEndian(Int32(128)), count: 2))
        check(
            "row 1: an integer of 16 bits expected, found -32769", type: 1, converted: 16,
            .data(littleEndian(Int32(-32769)) + littleEndian(Int32(0)), count: 2))
        check(
            "row 2: an unsigned integer of 8 bits expected, found 256", type: 1, converted: 11,
            .data(littleEndian(Int32(255)) + littleEndian(Int32(256)), count: 2))
        check("row 1: the page ends before its last value", type: 2, .data([1, 2, 3], count: 2))
        check("row 1: the page ends before its last value", type: 0, rows: 9, .data([1], count: 9))
        check("the page ends within a number", type: 0, .data([1], count: 2, encoding: 3))
        check(
            "7 bytes of truth values expected, but the page has 1", type: 0,
            .data([7, 0, 0, 0, 1], count: 2, encoding: 3))
    }

    @Test func differencesThatLie() {
        func check(_ expected: String, type: Int = 2, encoding: Int = 5, _ body: [UInt8]) {
            var file = OneColumnFile([.data(body, count: 3, encoding: encoding)], rowCount: 3)
            (file.type, file.converted) = (type, nil)
            let found = failure(bytes: file.bytes)
            #expect(found.contains(expected), "\(found)")
        }
        let good = deltas([1, 5, 2])
        check("the page ends within a number", [0x80])
        check("a number of more than 64 bits", Array(repeating: 0x80, count: 12))
        check("blocks of 0 differences in 4 parts", [0, 4, 3, 2])
        check("blocks of 128 differences in 0 parts", varint(128) + [0, 3, 2])
        check("blocks of 128 differences in 3 parts", varint(128) + [3, 3, 2])
        check("blocks of 128 differences in 8 parts", varint(128) + [8, 3, 2])
        check("differences in 18446744073709551615 parts", varint(.max) + varint(.max) + [3, 2])
        check("a page of 4294967296 numbers", varint(128) + [4] + varint(1 << 32) + [2])
        check("row 3: the page ends before its last value", deltas([1, 2]))
        check("row 2: the page ends within a block of differences", Array(good.dropLast()))
        check("row 2: differences of 65 bits", varint(128) + [4, 3, 2, 0, 65, 0, 0, 0])
        // Texts.
        check(
            "row 2: a text of 5 bytes expected, but the page has 3 more", type: 6, encoding: 6,
            deltas([1, 5, 2]) + "abcd".utf8)
        check(
            "row 1: a text of -1 bytes expected", type: 6, encoding: 6,
            deltas([-1, 5, 2]) + "abcd".utf8)
        check(
            "row 1: a text shares 1 bytes with the one before, which has 0", type: 6, encoding: 7,
            deltas([1, 0, 0]) + deltas([1, 1, 1]) + "abc".utf8)
        check(
            "row 2: a text shares -2 bytes", type: 6, encoding: 7,
            deltas([0, -2, 0]) + deltas([1, 1, 1]) + "abc".utf8)
        check(
            "row 2: a text shares 2 bytes with the one before, which has 1", type: 6, encoding: 7,
            deltas([0, 2, 0]) + deltas([1, 1, 1]) + "abc".utf8)
    }

    @Test(arguments: ["types-pages.parquet", "nulls-v2.parquet", "delta-snappy-v1.parquet"])
    func cutShortAnywhere(name: String) throws {
        let bytes = try FileBytes.read(Fixtures.path(name))
        for count in bytes.indices {
            #expect(throws: FileError.self) { try ParquetReader(bytes: Array(bytes[..<count])) }
        }
    }

    @Test(arguments: [
        "dictionary-zstd-v2.parquet", "delta-snappy-v2.parquet", "nulls-v1.parquet",
    ])
    func aByteChangedAnywhere(name: String) throws {
        let bytes = try FileBytes.read(Fixtures.path(name))
        let changes: [UInt8] = [0x01, 0x80, 0xFF, 0x10]
        var (read, refused) = (0, 0)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            var changed = bytes
            changed[index] ^= changes[index / 3 % changes.count]
            do {
                try fuzzParquet(changed)
                read += 1
            } catch { refused += 1 }
        }
        #expect(refused > bytes.count / 15 && read > 0, "\(read) read, \(refused) refused")
    }

    @Test func everyChangeIsFoundWhereThereIsAChecksum() throws {
        let bytes = try FileBytes.read(Fixtures.path("checksum.parquet"))
        let good = try rows(try ParquetReader(bytes: bytes))
        // The data begin after the magic, and the footer is not protected.
        let footer = Int(bytes[bytes.count - 8]) | Int(bytes[bytes.count - 7]) << 8
        var found = 0
        for index in stride(from: 4, to: bytes.count - 8 - footer, by: 4) {
            var changed = bytes
            changed[index] ^= 0x10
            do {
                let other = try rows(try ParquetReader(bytes: changed))
                // Parts of a page header are not needed.
                #expect(other.map { $0.map(exact) } == good.map { $0.map(exact) }, "byte \(index)")
            } catch { found += 1 }
        }
        #expect(found > 400)
    }

    @Test func theFileBecomesShorter() throws {
        let name =
            FileManager.default.temporaryDirectory.path + "/shorter-\(UUID().uuidString).parquet"
        defer { try? FileBytes.remove(name) }
        let texts = (0..<3000).map { String(repeating: "x", count: 100) + "\($0)" }
        let file = OneColumnFile(
            texts.map { .data(plain($0), count: 1) }, rowCount: texts.count)
        try FileBytes.writeAtomically(file.bytes, to: name)
        var reader = try ParquetReader(path: name)
        _ = try reader.next()
        // The same file, not a new one in its place.
        #expect(unsafe truncate(name, 1000) == 0)
        #expect {
            while try reader.next() != nil {}
        } throws: { error in
            "\(error)".contains("became shorter while it was read")
        }
    }
}
