import Files
import Testing

private func parse(_ text: String) throws(JSONSyntaxError) -> JSON {
    try JSON(parsing: Array(text.utf8))
}

private func failure(
    _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) -> JSONSyntaxError? {
    do {
        let value = try JSON(parsing: bytes)
        Issue.record(
            "\(String(decoding: bytes, as: UTF8.self)) was read as \(value.text())",
            sourceLocation: sourceLocation)
    } catch {
        return error
    }
    return nil
}

@Suite struct JSONReadingTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "-1", "10", "0.5", "1e5", "1E+5", "1e-5", "1.25E-10",
        "123456789012345678901234567890", "\"\"", "[]", "{}", "[[]]", "[1, \"a\", null]",
        "{\"a\": {\"b\": []}}",
    ])
    func isKeptAsWritten(_ text: String) throws {
        #expect(try parse(text).text() == text)
        #expect(try parse(" \t\r\n\(text)\r\n ").text() == text)
    }

    @Test(arguments: [
        "", " ", "nul", "nulL", "TRUE", "True", "tru", "truee", "+1", "01", "-01", "-", "1.", ".5",
        "1.e5", "1e", "1e+", "0x10", "1_000", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{",
        "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}",
        "{1:2}", "{\"a\" 1}", "{\"a\"::1}", "\"", "\"a", "'a'", "\"\\x\"", "\"\\u12\"",
        "\"\\u12G4\"", "\"\\", "\"\\u", "1 2", "[] []", "null,", "/* a */ 1", "1 // a", "\u{B}1",
        "\u{A0}1", "NaN", "-NaN", "Infinity", "-Infinity", "nan", "undefined", "\u{0}",
    ])
    func isRefused(_ text: String) { _ = failure(Array(text.utf8)) }

    @Test(arguments: ["NaN", "Infinity", "-Infinity", "[1, NaN]", "{\"a\": Infinity}"])
    func namesWhatPythonWrites(_ text: String) throws {
        let error = try #require(failure(Array(text.utf8)))
        #expect(error.problem.contains("Infinity"), "\(error)")
    }

    @Test func escapes() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u4F60\uD83D\uDE00\u0000""#
        #expect(try parse(text).string == "\"\\/\u{8}\u{C}\n\r\tA\u{E9}你😀\u{0}")
    }

    @Test(arguments: [
        #""\uD800""#, #""\uDC00""#, #""\uD800x""#, #""\uD800\n""#, #""\uD800\uD800""#,
        #""\uDE00\uD83D""#, #""\uD83D\u0041""#,
    ])
    func unpairedSurrogates(_ text: String) throws {
        #expect(try #require(failure(Array(text.utf8))).problem.contains("surrogate"))
    }

    @Test func controlCharactersMustBeEscaped() throws {
        for byte in UInt8(0)..<0x20 {
            let error = try #require(failure([0x22, 0x61, byte, 0x22]))
            #expect(error.problem.contains("control character"), "\(error)")
            #expect(error.offset == 2)
        }
        #expect(try JSON(parsing: [0x22, 0x7F, 0x22]).string == "\u{7F}")
        // Also behind an escape, where strings are read another way.
        #expect(failure(Array("\"\\n\n\"".utf8)) != nil)
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0x5C, 0x6E, 0xFF, 0x22],
        ] as [[UInt8]])
    func badUTF8(_ bytes: [UInt8]) throws {
        let error = try #require(failure(bytes))
        #expect(error.problem.contains("UTF-8"), "\(error)")
    }

    @Test func byteOrderMark() throws {
        #expect(try JSON(parsing: [0xEF, 0xBB, 0xBF] + Array("[1]".utf8)).text() == "[1]")
        #expect(failure([0xEF, 0xBB, 0xBF]) != nil)
        #expect(failure([0xEF, 0xBB]) != nil)
    }

    @Test func linesAndColumns() throws {
        let error = try #require(failure(Array("{\n  \"a\": 1,\n  \"é\": ?\n}".utf8)))
        #expect(error.line == 3)
        // In bytes: two spaces, a key of two bytes in quotes, a colon and a space stand before.
        #expect(error.column == 9)
        #expect(error.problem.contains("'?'"))
        let end = try #require(failure(Array("[1,\n".utf8)))
        #expect(end.line == 2 && end.column == 1 && end.offset == 4)
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
            Array(
                (String(repeating: open, count: depth) + "1"
                    + String(repeating: close, count: depth))
                    .utf8)
        }
        _ = try JSON(parsing: nested(JSON.maximumDepth, "[", "]"))
        _ = try JSON(parsing: nested(JSON.maximumDepth, "{\"a\":", "}"))
        for depth in [JSON.maximumDepth + 1, 1_000_000] {
            #expect(try #require(failure(nested(depth, "[", "]"))).problem.contains("deep"))
            #expect(try #require(failure(nested(depth, "{\"a\":", "}"))).problem.contains("deep"))
        }
        // Siblings are not depth.
        _ = try parse("[" + Array(repeating: "[{}]", count: 1000).joined(separator: ",") + "]")
    }

    @Test func keysKeepOrderAndSpelling() throws {
        let value = try parse("{\"z\": 1, \"é\": 2, \"e\u{301}\": 3, \"a\": 4, \"z\": 5}")
        let members = try #require(value.members)
        #expect(members.map { Array($0.key.utf8).count } == [1, 2, 3, 1, 1])
        #expect(value["\u{E9}"]?.int == 2)
        #expect(value["e\u{301}"]?.int == 3)
        // The last of equal keys counts.
        #expect(value["z"]?.int == 5)
        #expect(value["b"] == nil)
        #expect(try parse("[1]")["a"] == nil)
    }

    @Test func setKeepsOrderAndSpelling() throws {
        var value = try parse("{\"é\": 1, \"b\": 2}")
        value.set("e\u{301}", 3)
        value.set("é", 4)
        value.set("c", .null)
        #expect(
            value.text().utf8.elementsEqual(
                "{\"é\": 4, \"b\": 2, \"e\u{301}\": 3, \"c\": null}".utf8))
    }

    @Test func removeKeepsOrderAndSpelling() {
        var value: JSON = ["a": 1, "é": 2, "e\u{301}": 3, "b": 4]
        value.remove("é")
        value.remove("missing")
        #expect(value.text() == "{\"a\": 1, \"e\u{301}\": 3, \"b\": 4}")
    }

    @Test func numbers() throws {
        #expect(try parse("2").int == 2)
        #expect(try parse("2.0").int == 2)
        #expect(try parse("2e3").int == 2000)
        #expect(try parse("2.5").int == nil)
        #expect(try parse("9223372036854775807").int == .max)
        #expect(try parse("-9223372036854775808").int == .min)
        #expect(try parse("9223372036854775808").int == nil)
        #expect(try parse("1e400").int == nil)
        #expect(try parse("\"2\"").int == nil)
        #expect(try parse("0.1").double == 0.1)
        #expect(try parse("-0.0").double?.sign == .minus)
        #expect(try parse("4.9e-324").double == .leastNonzeroMagnitude)
    }

    @Test func filesAreNamed() throws {
        try withFolder { folder in
            let path = try write(Array("{\n\"a\": }".utf8), "a.json", in: folder)
            let error = try #require(fileError { _ = try JSON(contentsOf: path) })
            #expect(error.path == path && error.line == 2)
            #expect(error.problem.contains("column 6"), "\(error)")
            let missing = try #require(fileError { _ = try JSON(contentsOf: folder + "/no") })
            #expect(missing.path == folder + "/no")
        }
    }

    /// Whatever bytes come, there is a value or an error, and a value survives being written and read again.
    @Test func mutationsNeverTrap() throws {
        let seedText = #"""
            {"a": [1, -2.5e+10, true, false, null, "x\n\u00e9\uD83D\uDE00\\"], "b": {"": {}, "é": []},
             "numbers": [0, 0.5, 1e5, -0], "text": "日本 \" \/", "deep": [[[[{"k": [[]]}]]]]}
            """#
        let original = Array(seedText.utf8)
        _ = try JSON(parsing: original)
        var random = SeededNumbers(1)
        let interesting =
            Array("{}[]\",:\\u0123456789eE+-.tfnNI \n\u{0}".utf8) + [0xFF, 0xC3, 0xED]
        var (good, bad) = (0, 0)
        for _ in 0..<8_000 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] = interesting.randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: place)
                case 3: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: place)
                default: bytes = Array(bytes[..<max(1, place)])
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            do {
                let value = try JSON(parsing: bytes)
                good += 1
                let text = value.text()
                #expect(try parse(text).text() == text)
            } catch {
                bad += 1
                #expect(error.offset <= bytes.count && error.line >= 1 && error.column >= 1)
            }
        }
        #expect(good > 100 && bad > 1000, "\(good) good, \(bad) bad")
    }
}

@Suite struct JSONWritingTests {
    @Test func strings() throws {
        #expect(
            JSON.string("\"\\\n\r\t\u{8}\u{7F}\u{1}é你😀").text()
                == #""\"\\\n\r\t\u0008\u007f\u0001é你😀""#)
        // Line separators are escaped: a file of JSON lines stays one of lines for every reader.
        #expect(JSON.string("\u{2028}\u{2029}").text() == #""\u2028\u2029""#)
    }

    @Test func everyScalarSurvives() throws {
        var text = ""
        for value in stride(from: UInt32(0), through: 0x10FFFF, by: 1) {
            // All of the first planes' small values, then a sample.
            guard value < 0x3000 || value % 251 == 0, let scalar = Unicode.Scalar(value) else {
                continue
            }
            text.unicodeScalars.append(scalar)
        }
        let read = try parse(JSON.string(text).text())
        #expect(try #require(read.string).utf8.elementsEqual(text.utf8))
    }

    @Test func doublesReadBackToTheBit() throws {
        var random = SeededNumbers(2)
        var values: [Double] = [
            0, -0.0, 1, 0.1, 1e22, 1e-7, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
            .leastNormalMagnitude,
        ]
        while values.count < 2000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { values.append(value) }
        }
        for value in values {
            let read = try parse(JSON.double(value).text())
            #expect(read.double?.bitPattern == value.bitPattern, "\(value)")
        }
        #expect(JSON.double(.nan).isNull && JSON.double(.infinity).isNull)
    }

    @Test func indentation() throws {
        let value: JSON = ["a": [1, 2], "b": [:], "c": [], "d": ["e": .null]]
        #expect(
            value.text(indent: 2) == """
                {
                  "a": [
                    1,
                    2
                  ],
                  "b": {},
                  "c": [],
                  "d": {
                    "e": null
                  }
                }
                """)
        #expect(value.text() == #"{"a": [1, 2], "b": {}, "c": [], "d": {"e": null}}"#)
        #expect(try parse(value.text(indent: 2)).text() == value.text())
    }
}
