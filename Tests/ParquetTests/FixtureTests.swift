import Files
import Parquet
import Testing

/// Files written by pyarrow and pandas, see `Fixtures/generate.py`.
@Suite struct FixtureTests {
    @Test(
        arguments: Fixtures.names.filter {
            !$0.hasPrefix("bad-") && $0 != "only-nested.parquet" && $0 != "int96.parquet"
        })
    func isReadAsItWasWritten(name: String) throws {
        let expected = try Fixtures.table(name)
        let reader = try ParquetReader(path: Fixtures.path(name))
        // The first version of the format has no unsigned integers of 32 bits; no file here has one.
        #expect(reader.columns.map(\.name) == expected.columns.map(\.name))
        #expect(reader.columns.map(\.type.description) == expected.columns.map(\.type))
        #expect(reader.columns.map(\.isNullable) == expected.columns.map(\.isNullable))
        #expect(reader.rowCount == expected.rows.count)
        expectSame(try rows(reader), expected.rows, name)
    }

    @Test func fixturesAreThere() throws {
        #expect(Fixtures.names.count > 50)
        // Encodings x compressions x page versions.
        let matrix = try Fixtures.expected.get()["files"]?.members?.filter {
            $0.value.string == "matrix"
        }
        #expect((matrix?.count ?? 0) >= 33)
    }

    @Test(arguments: Fixtures.names.filter { $0.hasPrefix("dictionary") })
    func columnsInAnyOrder(name: String) throws {
        let all = try Fixtures.table(name).rows
        let reader = try ParquetReader(
            path: Fixtures.path(name), columns: ["good", "text", "good"])
        #expect(reader.selectedColumns.map(\.name) == ["good", "text", "good"])
        #expect(reader.columns.count == 7)
        expectSame(try rows(reader), all.map { [$0[6], $0[0], $0[6]] }, name)
    }

    @Test func nestedColumnsDoNotDisturb() throws {
        let reader = try ParquetReader(path: Fixtures.path("nested.parquet"))
        #expect(reader.selectedColumns.map(\.name) == ["before", "middle", "after"])
        #expect(reader.columns.map(\.isSupported).count { $0 } == 3)
        let list = reader.columns[1]
        #expect(list.name == "list" && list.type == .unsupported("a list"))
        #expect(
            list.unsupportedReason
                == "it holds a list in each row; texts, numbers and truth values are read")
        #expect(
            failure("nested.parquet", columns: ["before", "struct"])
                == "nested.parquet: the column \"struct\" cannot be read: it holds a struct in each "
                + "row; texts, numbers and truth values are read; leave it out, or write it as "
                + "texts or numbers")
        for name in ["map", "date", "time", "decimal", "half", "four", "vector"] {
            #expect(failure("nested.parquet", columns: [name]).contains("\"\(name)\" cannot be"))
        }
    }

    @Test func int96IsRefusedByName() throws {
        let reader = try ParquetReader(path: Fixtures.path("int96.parquet"))
        #expect(try rows(reader) == [[.text("a")], [.text("b")]])
        #expect(
            failure("int96.parquet", columns: ["moment"]).contains("an INT96 timestamp in each row")
        )
    }

    @Test func columnsThatAreNotThere() {
        #expect(
            failure("types.parquet", columns: ["text"])
                == "types.parquet: no column \"text\"; the file has \"large\" (text), \"category\" "
                + "(text), \"bytes\" (text), \"long\" (text)")
        #expect(failure("types.parquet", columns: []).contains("no column was asked for"))
        #expect(
            failure("same-names.parquet", columns: ["text"])
                .contains("2 columns are called \"text\"; give them different names"))
        #expect(
            failure("only-nested.parquet")
                == "only-nested.parquet: no column that can be read: the file has \"list\" (a list)"
                + "; write texts and numbers as columns of their own")
    }

    @Test func compressionThatIsNotSupported() {
        #expect(
            failure("bad-lz4.parquet")
                == "bad-lz4.parquet: column \"text\", row group 0: compressed with LZ4_RAW, which is "
                + "not supported; write the file again with snappy, gzip, zstd or no compression")
        #expect(failure("bad-brotli.parquet").contains("compressed with BROTLI, which is not"))
    }

    @Test func textThatIsNotUTF8() throws {
        var reader = try ParquetReader(path: Fixtures.path("bad-utf8.parquet"))
        #expect(
            failure("bad-utf8.parquet")
                == "bad-utf8.parquet: column \"bytes\", row group 0, page at byte 4, row 2: a text "
                + "that is not valid UTF-8; leave the column out, or write it as UTF-8 text")
        #expect(
            failure("bad-utf8-dictionary.parquet").contains(
                "column \"bytes\", row group 0, page at byte 4: a text that is not valid UTF-8"))
        // The error comes again.
        #expect(throws: FileError.self) { try reader.next() }
        #expect(throws: FileError.self) { try reader.next() }
    }

    @Test func isParquet() throws {
        #expect(try ParquetReader.isParquet(path: Fixtures.path("types.parquet")))
        #expect(try !ParquetReader.isParquet(path: Fixtures.path("expected.json")))
        #expect(ParquetReader.isParquet(start: Array("PARE".utf8)))
        #expect(!ParquetReader.isParquet(start: Array("PAR".utf8)))
        #expect(throws: FileError.self) {
            try ParquetReader.isParquet(path: Fixtures.path("nothing"))
        }
    }

    @Test func equality() {
        let values: [ParquetValue] = [
            .null, .bool(true), .int(1), .unsigned(1), .float(1), .double(1), .text("1"),
            .bool(false), .int(-1), .unsigned(2), .float(0.1), .double(0.1), .text("\u{E9}"),
            .text("e\u{301}"),
        ]
        for (index, left) in values.enumerated() {
            for (other, right) in values.enumerated() {
                #expect((left == right) == (index == other), "\(left) and \(right)")
            }
        }
        // As it was written, not as the nearest number of double precision.
        #expect("\(ParquetValue.float(0.1))" == "float(0.1)")
    }

    @Test func copiesGoOnAlone() throws {
        let expected = try Fixtures.table("groups.parquet").rows
        var reader = try ParquetReader(path: Fixtures.path("groups.parquet"))
        for _ in 0..<13 { _ = try reader.next() }
        let copy = reader
        #expect(reader.rowsRead == 13)
        expectSame(try rows(reader), Array(expected[13...]), "reader")
        expectSame(try rows(copy), Array(expected[13...]), "copy")
    }

    @Test func aFolderIsNoFile() {
        // Often enough to use up the descriptors, if one stayed open.
        for _ in 0..<3000 {
            #expect(throws: FileError.self) { try ParquetReader(path: Fixtures.folder) }
            #expect(throws: FileError.self) { try ParquetReader(path: #filePath) }
        }
        #expect(
            failure("../Fixtures") == "../Fixtures: not a regular file; a Parquet file is read "
                + "from its end; copy the data to a file")
        #expect(failure("missing.parquet").contains("cannot open: No such file or directory"))
    }
}
