import Files
import TestSupport
import Testing

@testable import Records

@Suite struct BadInputTests {
    static let pair = "{\"text\": \"a\", \"text_pos\": \"b\"}"
    static let scored = "sentence1,sentence2,label\n"
    static let good = "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": 1}\n"

    @Test(arguments: [
        (
            "\"label\": \"x\"",
            "a.jsonl:3: label must be a finite number, found \"x\"; write the score"
        ),
        ("\"label\": null", "label must be a finite number, found null"),
        ("\"label\": [1]", "label must be a finite number, found an array of 1"),
        ("\"label\": \"nan\"", "label must be a finite number, found \"nan\""),
        ("\"label\": \"inf\"", "label must be a finite number, found \"inf\""),
        ("\"label\": \"0x1\"", "label must be a finite number, found \"0x1\""),
        ("\"label\": \"\"", "label must be a finite number, found \"\""),
        ("\"label\": 1e999", "label must be a finite number, found 1e999"),
        ("\"label\": NaN", "a.jsonl:3: not valid JSON at column 47: NaN and Infinity are not JSON"),
        ("\"label\": -Infinity", "a.jsonl:3: not valid JSON at column 48: Infinity is not JSON"),
        ("\"score\": 1", "a.jsonl:3: the field label is missing; every row must have the fields"),
        ("\"label\": 1, \"sentence2\": 5", "a.jsonl:3: sentence2 must be a string, found 5"),
        ("\"label\": 1, \"sentence2\": true", "sentence2 must be a string, found true"),
        (
            "\"label\": 1, \"sentence2\": [\"x\", \"y\"]",
            "sentence2 must be a string, found an array of 2; lists of texts must stand in every"
        ),
        (
            "\"label\": 1, \"sentence2\": \"\"",
            "a.jsonl:3: sentence2 is empty or blank; remove the row"
        ),
        (
            "\"label\": 1, \"sentence1\": \" \\t\\u3000\\u200b\"",
            "a.jsonl:3: sentence1 is empty or blank"
        ),
        ("\"label\": 1, \"x\"", "a.jsonl:3: not valid JSON at column"),
    ])
    func jsonRows(field: String, problem: String) throws {
        // A blank line counts.
        let text = Self.good + "\n{\"sentence1\": \"a\", \"sentence2\": \"b\", \(field)}\n"
        let message = try failure("a.jsonl", text)
        #expect(message.contains(problem), "\(message)")
    }

    @Test func labelsThatAreNumbers() throws {
        let labels = ["1", "\"2.50\"", "\" 3 \"", "true", "false", "-1e-1", "\"+.5\"", "\"5.\""]
        let text = labels.map { "{\"sentence1\":\"a\",\"sentence2\":\"b\",\"label\":\($0)}\n" }
            .joined()
        #expect(try load("a.jsonl", text).records.labels == [1, 2.5, 3, 1, 0, -0.1, 0.5, 5])
    }

    @Test(arguments: [
        // Nothing in it.
        ("a.jsonl", "", "a.jsonl: the file is empty; check that this is the right file"),
        ("a.csv", "", "a.csv: the file is empty"),
        ("a.tsv", "\n\n", "a.tsv: no rows"),
        ("a.csv", " \n\r\n", "a.csv: no rows"),
        ("a.jsonl", "\n \n", "a.jsonl: no rows"),
        ("a.json", "[]", "a.json: no rows"),
        ("a.json", " \n", "a.json: no rows"),
        ("a.csv", "text,text_pos\n", "a.csv: a header but no rows"),
        ("a.tsv", "text\ttext_pos\r\n\n", "a.tsv: a header but no rows"),
        // Broken lines.
        ("a.jsonl", "[1]\n", "a.jsonl:1: expected a JSON object, found an array"),
        ("a.jsonl", pair + "\n{\"text\": \"a\", \"te", "a.jsonl:2: not valid JSON at column 18"),
        ("a.jsonl", pair + pair, "a.jsonl:1: not valid JSON at column 31: text after the end"),
        ("a.jsonl", "{\n\"text\": 1\n}", "a.jsonl:1: not valid JSON at column 2"),
        ("a.jsonl", "{}\n", "a.jsonl:1: none of the columns is known: there are none"),
        ("a.json", "{\"text\": \"a\", \"text_pos\": \"b\"", "a.json:1: not valid JSON"),
        ("a.json", "[" + pair + "\n", "a.json:2: the JSON array does not end"),
        ("a.json", "[" + pair + ",", "a.json:1: the JSON array does not end"),
        ("a.json", "[\n" + pair + ",\n]", "a.json:3: not valid JSON"),
        ("a.json", "[\n" + pair + ",\n{\"text\": x}]", "a.json:3: not valid JSON at column 10"),
        ("a.json", "[" + pair + "] x", "text after the end of the JSON array"),
        ("a.json", "[\"a\", \"b\"]", "a.json:1: expected a JSON object, found a string"),
        (
            "a.tsv", "text\ttext_pos\na\tb\n\nc\n",
            "a.tsv:4: expected 2 columns (text, text_pos), found 1"
        ),
        ("a.tsv", "a b\tc\nd\te\tf\n", "a.tsv:2: expected 2 columns (text, text_pos), found 3"),
        (
            "a.csv", "text,text_pos\n\"a\nb\",c\n\"d,e\n",
            "a.csv:4: a quoted field begins here and never ends"
        ),
        ("a.csv", "text,text_pos\n\"a\"b,c\n", "a.csv:2: text after the closing quote"),
        ("a.csv", "text,text_pos\n\"a\"\rb,c\n", "a.csv:2: text after the closing quote"),
        ("a.csv", "text,text_pos\na \"b\",c\n", "a.csv:2: a quote inside a field without quotes"),
        (
            "a.csv", "text,text_pos\n\"a\n\",b\nc,d,e\n",
            "a.csv:4: expected 2 columns (text, text_pos), found 3"
        ),
        // Missing fields.
        (
            "a.json", "[" + pair + ",\n{\"text\": \"a\"}]",
            "a.json:2: the field text_pos is missing; every row must have the fields of the first; "
                + "this one has text"
        ),
        (
            "a.csv", "text,text_pos\na,b\nc\n",
            "a.csv:3: expected 2 columns (text, text_pos), found 1"
        ),
        // Labels.
        (
            "a.tsv", "a\tb\t1\nc\td\tfive\n",
            "a.tsv:2: label must be a finite number, found \"five\""
        ),
        (
            "a.csv", scored + "a,b,1\n\nc,d,nan\n",
            "a.csv:4: label must be a finite number, found \"nan"
        ),
        ("a.csv", scored + "a,b,-inf\n", "a.csv:2: label must be a finite number, found \"-inf\""),
        ("a.csv", scored + "a,b,\n", "a.csv:2: label must be a finite number, found \"\""),
        ("a.csv", scored + "\"a\n\",b,1e999\n", "a.csv:2: label must be a finite number"),
        (
            "a.json", "[{\"sentence1\": \"a\", \"sentence2\": \"b\",\n\"label\": NaN}]",
            "a.json:2: not valid JSON at column 10: NaN and Infinity are not JSON"
        ),
        // Blank texts.
        ("a.tsv", "text\ttext_pos\na\t \n", "a.tsv:2: text_pos is empty or blank"),
        ("a.tsv", "text\ttext_pos\n\t\n", "a.tsv:2: text is empty or blank"),
        ("a.csv", "text,text_pos\n\"\",b\n", "a.csv:2: text is empty or blank"),
        ("a.csv", "text,text_pos\na,\u{3000}\n", "a.csv:2: text_pos is empty or blank"),
        (
            "a.json", "[" + pair + ",\n\n{\"text\": \"a\", \"text_pos\": \"\"}]",
            "a.json:3: text_pos is empty or blank; remove the row or give it a text"
        ),
        // Lists and texts.
        (
            "a.json", "[" + pair + ",\n{\"text\": \"a\", \"text_pos\": [\"b\"]}]",
            "a.json:2: text_pos must be a string, found an array of 1; lists of texts must stand in"
        ),
        // No table.
        ("a.txt", "only words\n", "neither JSON lines, a JSON array, CSV, TSV nor Parquet"),
        ("a.parquet", "PAR1....", "a.parquet: 8 bytes, fewer than the smallest Parquet file has"),
    ])
    func files(name: String, text: String, problem: String) throws {
        let message = try failure(name, text)
        #expect(message.contains(problem), "\(message)")
    }

    @Test func invalidUTF8() throws {
        let bad: [UInt8] = [0x61, 0xFF]
        func message(_ name: String, _ before: String, _ after: String) throws -> String {
            try failure(name, bytes: Array(before.utf8) + bad + Array(after.utf8))
        }
        #expect(
            try message("a.tsv", "text\ttext_pos\na\t", "\n").hasPrefix(
                "a.tsv:2: text_pos is not valid UTF-8; convert"))
        #expect(
            try message("a.csv", "text,text_pos\na,", "\n").hasPrefix(
                "a.csv:2: text_pos is not valid UTF-8"))
        #expect(
            try message("a.csv", "text,", "\na,b\n").hasPrefix(
                "a.csv:1: column 2 is not valid UTF-8"))
        #expect(
            try message("a.jsonl", "{\"text\":\"a\",\"text_pos\":\"", "\"}\n").contains(
                "a.jsonl:1: not valid JSON at column 25: a string that is not valid UTF-8"))
        #expect(
            try failure("a.csv", bytes: [0xFF, 0xFE, 0x61, 0]).contains("UTF-16 is not supported"))
    }

    @Test func gzip() throws {
        // gzip of "a b\tc d\te f\n", by Python's gzip.compress(..., mtime=0).
        let bytes: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 75, 84, 72, 226, 76, 86, 72, 225, 76, 85, 72, 227, 2,
            0, 222, 222, 100, 223, 12, 0, 0, 0,
        ]
        let scratch = try Scratch()
        let path = try scratch.file("a.tsv.gz", bytes: bytes)
        #expect(
            try Dataset.load(path).records
                == .triplets([TripletRecord(text: "a b", textPos: "c d", textNeg: "e f")]))
        for end in 3..<bytes.count {
            let cut = try failure("a.tsv.gz", bytes: Array(bytes[..<end]))
            #expect(cut.contains("a.tsv.gz: the gzip data ends too early; the file was cut short"))
        }
        var damaged = bytes
        damaged[12] ^= 0xFF
        damaged[16] ^= 0xFF
        for bytes in [damaged, bytes + Array("and more".utf8), bytes.dropLast(8) + bytes] {
            #expect(
                try failure("a.tsv.gz", bytes: bytes)
                    == "a.tsv.gz: damaged gzip data; fetch or compress the file again")
        }
        // Several members are one file, and zeros may fill up a block.
        let twice = try scratch.file("b.tsv.gz", bytes: bytes + bytes + [0, 0, 0])
        #expect(try Dataset.load(twice).count == 2)
        #expect(gzipped(Array("a b\tc d\te f\n".utf8)).suffix(8) == bytes.suffix(8))
    }

    @Test(arguments: [
        ("a.jsonl.gz", "\n{\"text\": \"", "a.jsonl.gz:2"), ("a.json.gz", "[\n\n{\"", "a.json.gz:3"),
        ("a.csv.gz", "text,text_pos\na,b\n\"", "a.csv.gz:3"),
    ])
    func rowsWithoutEnd(name: String, start: String, place: String) throws {
        let bytes = gzipBomb(start, UInt8(ascii: "a"), count: (16 << 20) + 600_000)
        #expect(bytes.count < 120_000)
        let message = try plainFailure(name, bytes: bytes)
        #expect(
            message
                == place
                + ": a row of more than 16 MiB begins here; check that the file is what it "
                + "should be: a line break or a closing quote may be missing")
    }

    @Test func rowsOfTheLongestKindAreRead() throws {
        let scratch = try Scratch()
        // A limit in the midst of a piece of the file, one at its end, and one beyond it.
        for limit in [1000, (1 << 18) - 2, (1 << 18) + 1000] {
            for (length, isRead) in [(limit - 1, true), (limit, false)] {
                let path = try scratch.file(
                    "a",
                    bytes: [0x61, 0x0A] + Array(repeating: 0x62, count: length) + [0x0A, 0x63])
                var reader = try ByteReader(path: path, rowLimit: limit)
                var skipper = try ByteReader(path: path, rowLimit: limit)
                #expect(try reader.readLine() == [0x61])
                #expect(try skipper.skipLine() == true)
                guard isRead else {
                    #expect(fileError { _ = try reader.readLine() }?.line == 2)
                    #expect(fileError { _ = try skipper.skipLine() }?.line == 2)
                    continue
                }
                #expect(try reader.readLine()?.count == length)
                #expect(try reader.readLine() == [0x63])
                #expect(try reader.readLine() == nil)
                #expect(try skipper.skipLine() == true)
                #expect(try skipper.skipLine() == true)
                #expect(try skipper.skipLine() == nil)
            }
        }
    }

    @Test func columnsWithoutEnd() throws {
        func names(_ count: Int) -> [String] { (0..<count).map { "c\($0)" } }
        func json(_ count: Int) -> String {
            "{" + names(count).map { "\"\($0)\": 1, " }.joined() + Self.pair.dropFirst()
        }
        #expect(try load("a.jsonl", json(4094)).count == 1)
        for text in [json(4095), Self.pair + "\n" + json(4095)] {
            #expect(try failure("a.jsonl", text).contains(": more than 4096 columns; check that"))
        }
        #expect(
            try failure("a.csv", names(4097).joined(separator: ",") + "\n")
                == "a.csv:1: more than 4096 columns; check that the file is what it should be")
        #expect(
            try failure("a.tsv", "text\ttext_pos\na\tb" + String(repeating: "\t", count: 5000))
                .hasPrefix("a.tsv:2: more than 4096 columns"))
    }

    @Test func whatIsCalledParquetMustBeIt() throws {
        #expect(
            try plainFailure("a.parquet", bytes: Array(Self.pair.utf8)).hasPrefix(
                "a.parquet: not a Parquet file: it should begin with PAR1"))
    }

    @Test func specifications() throws {
        let scratch = try Scratch()
        func message(_ specification: String) -> String {
            do {
                _ = try Dataset.load(specification)
                return "loaded"
            } catch {
                return error.description
            }
        }
        #expect(message("").contains("an empty path"))
        #expect(message("a.tsv,b.tsv").hasPrefix("a.tsv: no such file or folder"))
        #expect(
            message(scratch.path + "/none.tsv").contains("no such file or folder; check the path"))
        #expect(message(scratch.path).contains("the folder has no file of a known format"))
        #expect(message("/dev/null").contains("not a regular file"))
        let pairs = try scratch.file("pairs.tsv", "split\ttext\ttext_pos\ntrain\ta\tb\n")
        let scored = try scratch.file("scored.tsv", "a b\tc\t1\n")
        #expect(message(pairs + ",").contains("an empty path"))
        #expect(message(pairs + "#").contains("'#' must be followed by column=value"))
        #expect(message(pairs + "#=x").contains("'#' must be followed by column=value"))
        #expect(
            message(pairs + "#part=test").contains(
                "cannot select by part: there is no such column; the columns are split, text, text_pos"
            ))
        #expect(
            message(pairs + "#split=test").contains(
                "none of 1 rows has split=test; values of this column are \"train\""))
        #expect(
            message(scored + "#label=1").contains("cannot select by label: there is no such column")
        )
        #expect(
            message(pairs + "," + scored).contains(
                "holds scored pairs (sentence1, sentence2, label -> scored pairs), but " + pairs
                    + " holds pairs; one data set is of one kind"))
    }

    @Test func recordsInMemoryAreChecked() throws {
        let pairs = Dataset(pairs: [
            PairRecord(text: "a", textPos: "b"), PairRecord(text: "a", textPos: "\n"),
        ])
        let blank = #expect(throws: FileError.self) { try pairs.validate() }
        #expect(blank?.description.hasPrefix("records:2: text_pos is empty or blank") == true)
        let scored = Dataset(scoredPairs: [
            ScoredPairRecord(sentence1: "a", sentence2: "b", label: .nan)
        ])
        let label = #expect(throws: FileError.self) { try scored.validate() }
        #expect(label?.description.contains("label must be a finite number, found nan") == true)
        try Dataset(triplets: [TripletRecord(text: "a", textPos: "b", textNeg: "c")]).validate()
    }

    @Test(arguments: ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.data", "a.gz", "a.parquet"])
    func noBytesTrap(name: String) throws {
        let scratch = try Scratch()
        var random = TestRandom(state: UInt64(name.utf8.count) &* 77)
        var seeds = [
            Self.good + Self.good, "[" + Self.good + "," + Self.good + "]",
            "text,text_pos\n\"a,\"\"\nb\",c\nd,e\n", "text\ttext_pos\ta\nb\tc\td\n", "a b\tc\t4\n",
            "{\"query\":\"a\",\"pos\":[\"b\",\"c\"],\"neg\":[\"d\"]}\n",
            "{\"query\":[\"a\",\"b\"],\"pos\":[\"b\",\"c\"]}\n",
        ].map { Array($0.utf8) }
        if name == "a.parquet" {
            seeds = try ["pairs", "scored", "null"].map {
                try FileBytes.read(Goldens.folder + "/parquet/\($0).parquet")
            }
        }
        let bytes =
            Array("{}[],:\"\\\t\n\r 0.eE-+u'é\u{FEFF}".utf8) + [0, 0x1F, 0x8B, 0xFF, 0xC3, 0xED]
        var loaded = 0
        for round in 0..<250 {
            var data = seeds[round % seeds.count]
            if round % 7 == 0 {
                data = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) where !data.isEmpty {
                let place = Int.random(in: 0..<data.count, using: &random)
                let byte = bytes.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<4, using: &random) {
                case 0: data[place] = byte
                case 1: data.insert(byte, at: place)
                case 2: data.remove(at: place)
                default: data.removeSubrange(place...)
                }
            }
            let path = try scratch.file(name, bytes: data)
            do {
                let records = try Dataset.load(path)
                #expect(records.count > 0 && (records.count <= data.count || name == "a.parquet"))
                try records.validate()
                #expect(try RecordStream(path).fingerprintText() == records.fingerprintText)
                loaded += 1
            } catch {
                #expect(streamFailure(path) == error)
                #expect(error.path == path)
                #expect(!error.description.utf8.contains(0x0A))
            }
        }
        #expect(loaded > 0 || name == "a.gz")
    }
}
