import Files
import Parquet
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The folder of Parquet files and of what should be read from them.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures").path

    /// The path of the file `name`.
    static func path(_ name: String) -> String { folder + "/" + name }

    /// What should be read; written by `generate.py`.
    static let expected: Result<JSON, FileError> = Result { () throws(FileError) in
        try JSON(contentsOf: path("expected.json"))
    }

    /// The columns and rows of the file `name`.
    static func table(_ name: String) throws -> ExpectedTable {
        let json = try expected.get()
        let table = try #require(json["files"]?[name]?.string)
        return try ExpectedTable(try #require(json["tables"]?[table]))
    }

    /// All files with their expected rows.
    static var names: [String] {
        ((try? expected.get())?["files"]?.members ?? []).map(\.key)
    }
}

/// The columns and rows that a file should have.
struct ExpectedTable {
    var columns: [(name: String, type: String, isNullable: Bool)] = []
    /// The values of the columns that can be read.
    var rows: [[ParquetValue]] = []

    init(_ json: JSON) throws {
        for column in try #require(json["columns"]?.array) {
            let parts = try #require(column.array)
            columns.append(
                (
                    try #require(parts[0].string), try #require(parts[1].string),
                    try #require(parts[2].bool as Bool?)
                ))
        }
        let types = columns.map(\.type).filter { !$0.contains(" ") }
        for row in try #require(json["rows"]?.array) {
            rows.append(
                try zip(types, try #require(row.array)).map { type, value in
                    if value.isNull { return .null }
                    switch type {
                    case "text": return .text(try #require(value.string))
                    case "bool": return .bool(try #require(value.bool as Bool?))
                    case "float":
                        return .float(try #require(value.string.flatMap(Float.init)))
                    case "double":
                        return .double(try #require(value.string.flatMap(Double.init)))
                    default:
                        guard case .number(let digits) = value else {
                            throw FileError(path: "expected.json", problem: "\(value)")
                        }
                        return type.utf8.first == UInt8(ascii: "u")
                            ? .unsigned(try #require(UInt64(digits)))
                            : .int(try #require(Int64(digits)))
                    }
                })
        }
    }
}

/// All rows that `reader` has left.
func rows(_ reader: ParquetReader) throws -> [[ParquetValue]] {
    var reader = reader
    var rows: [[ParquetValue]] = []
    while let row = try reader.next() { rows.append(row) }
    return rows
}

/// The error, without the folder, of reading all rows of the file `name` or of `bytes`.
func failure(
    _ name: String = "memory", bytes: [UInt8]? = nil, columns: [String]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) -> String {
    do {
        let reader =
            if let bytes {
                try ParquetReader(bytes: bytes, name: name, columns: columns)
            } else {
                try ParquetReader(path: Fixtures.path(name), columns: columns)
            }
        let count = try rows(reader).count
        Issue.record("\(name): \(count) rows, no error", sourceLocation: sourceLocation)
        return ""
    } catch let error as FileError {
        let text = error.description.replacing(Fixtures.folder + "/", with: "")
        #expect(
            !text.utf8.contains(0x0A), "more than one line: \(text)", sourceLocation: sourceLocation
        )
        #expect(text.hasPrefix(name + ": "), sourceLocation: sourceLocation)
        return text
    } catch {
        Issue.record("\(type(of: error)): \(error)", sourceLocation: sourceLocation)
        return ""
    }
}

/// `value` so that two are equal only where every bit is: texts by their bytes, -0 apart from 0.
func exact(_ value: ParquetValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): "bool \(value)"
    case .int(let value): "int \(value)"
    case .unsigned(let value): "unsigned \(value)"
    case .float(let value): "float \(value.bitPattern)"
    case .double(let value): "double \(value.bitPattern)"
    case .text(let value): "text \(Array(value.utf8))"
    }
}

/// Checks that `found` has exactly the values of `expected`, and tells of the first row that differs.
func expectSame(
    _ found: [[ParquetValue]], _ expected: [[ParquetValue]], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        found.count == expected.count, "\(what): \(found.count) rows",
        sourceLocation: sourceLocation)
    for (index, (found, expected)) in zip(found, expected).enumerated()
    where found.map(exact) != expected.map(exact) {
        Issue.record(
            "\(what), row \(index + 1): \(found), expected \(expected)",
            sourceLocation: sourceLocation)
        return
    }
}
