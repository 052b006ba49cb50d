import Checkpoints
import Files
import TestSupport
import Tensors
import Testing

/// A safetensors file with the given header and data.
func safetensors(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
        + Array(header.utf8) + data
}

private func numbers(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: 4 * count) }

@Suite struct SafetensorsReadingTests {
    /// The message for a file with these bytes, which names the file.
    private func problem(
        _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try withFolder { folder in
            let path = folder + "/model.safetensors"
            try FileBytes.writeAtomically(bytes, to: path)
            let error = try #require(
                fileError(sourceLocation: sourceLocation) { _ = try SafetensorsFile(path: path) })
            #expect(error.path == path && !error.remedy.isEmpty, sourceLocation: sourceLocation)
            return error.problem
        }
    }

    @Test func tooShort() throws {
        for count in 0..<8 {
            let text = try problem([UInt8](repeating: 0, count: count))
            #expect(text.contains("\(count) bytes"), "\(text)")
        }
    }

    @Test(arguments: [9, 100, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max] as [UInt64])
    func headerLongerThanTheFile(_ length: UInt64) throws {
        let text = try problem(safetensors("{}", length: length))
        #expect(text.contains("header of \(length) bytes"), "\(text)")
    }

    @Test(arguments: [
        ("", "JSON"), ("{", "JSON"), ("[]", "an array"), ("null", "null"), ("\"x\"", "a string"),
        ("3", "a number"), ("{}x", "JSON"),
    ])
    func headerThatIsNoObject(_ header: String, _ expected: String) throws {
        let text = try problem(safetensors(header))
        #expect(text.contains("header") && text.contains(expected), "\(text)")
    }

    @Test(arguments: [
        // What the entry says, and what the message must name beside the tensor. Eight bytes of data are there.
        (#"{"shape": [2], "data_offsets": [0, 8]}"#, "dtype"),
        (#"{"dtype": 3, "shape": [2], "data_offsets": [0, 8]}"#, "dtype"),
        (#"{"dtype": null, "shape": [2], "data_offsets": [0, 8]}"#, "dtype"),
        ("[]", "dtype"), ("7", "dtype"), ("null", "dtype"),
        (#"{"dtype": "F32", "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": [1.5], "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": [1e400], "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": [9223372036854775808], "data_offsets": [0, 8]}"#, "shape"),
        (#"{"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}"#, "shape"),
        (
            #"{"dtype": "F32", "shape": [4611686018427387904, 2, 2], "data_offsets": [0, 0]}"#,
            "shape"
        ),
        (#"{"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]}"#, "0 bytes"),
        (#"{"dtype": "F32", "shape": [2]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": []}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [0]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": {"0": 8}}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [0.5, 8]}"#, "data_offsets"),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}"#, "byte 12"),
        (
            #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 9223372036854775807]}"#,
            "byte 9223372036854775807"
        ),
        (#"{"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}"#, "4 bytes"),
        (#"{"dtype": "F32", "shape": [], "data_offsets": [0, 8]}"#, "8 bytes"),
        (#"{"dtype": "F32", "shape": [0], "data_offsets": [0, 8]}"#, "8 bytes"),
        (#"{"dtype": "F16", "shape": [2], "data_offsets": [0, 8]}"#, "8 bytes"),
        (#"{"dtype": "I64", "shape": [2], "data_offsets": [0, 8]}"#, "8 bytes"),
    ])
    func badEntry(_ entry: String, _ expected: String) throws {
        let good = #""good.one": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}"#
        let header = "{\(good), \"bad.one\": \(entry)}"
        let text = try problem(safetensors(header, data: numbers(2)))
        #expect(text.contains("bad.one") && text.contains(expected), "\(text)")
    }

    @Test func namesTwice() throws {
        let entry = #"{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}"#
        let text = try problem(safetensors("{\"a\": \(entry), \"a\": \(entry)}", data: numbers(1)))
        #expect(text.contains("tensor a") && text.contains("twice"), "\(text)")
    }

    @Test func truncated() throws {
        try withFolder { folder in
            let path = folder + "/whole"
            try SafetensorsWriter.write(
                [("first", Tensor([1, 2, 3])), ("second", Tensor([4, 5]))], to: path)
            let whole = try FileBytes.read(path)
            _ = try SafetensorsFile(path: path)
            for count in 0..<whole.count {
                let text = try problem(Array(whole[..<count]))
                if count >= whole.count - 8 { #expect(text.contains("second"), "\(text)") }
            }
        }
    }

    @Test func noFile() throws {
        try withFolder { folder in
            for path in [folder, folder + "/no"] {
                let error = try #require(fileError { _ = try SafetensorsFile(path: path) })
                #expect(error.path == path)
            }
        }
    }

    /// A type that is not built is an error only for who wants the tensor.
    @Test func otherTypes() throws {
        try withFolder { folder in
            let path = folder + "/model.safetensors"
            let header = #"""
                {"__metadata__": {"format": "pt", "n": 3},
                 "ids": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
                 "new": {"dtype": "F4_X", "shape": [3], "data_offsets": [0, 2]},
                 "good": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
                """#
            try FileBytes.writeAtomically(safetensors(header, data: numbers(2)), to: path)
            let file = try SafetensorsFile(path: path)
            #expect(file.entries.map(\.name) == ["ids", "new", "good"])
            #expect(file.metadata.map(\.key) == ["format"] && file.metadata[0].value == "pt")
            #expect(try file.tensor(named: "good")?.values == [0, 0])
            #expect(try file.tensor(named: "none") == nil)
            for (name, type) in [("ids", "I64"), ("new", "F4_X")] {
                let error = try #require(fileError { _ = try file.tensor(named: name) })
                #expect(error.path == path)
                #expect(error.problem.contains(name) && error.problem.contains(type))
            }
        }
    }

    @Test func halfPrecision() throws {
        try withFolder { folder in
            let half: [(UInt16, Float)] = [
                (0x3C00, 1), (0xC000, -2), (0x0001, 0x1p-24), (0x03FF, 0x3FFp-24), (0x7BFF, 65504),
                (0x8000, -0.0), (0x7C00, .infinity), (0xFC00, -.infinity), (0x3555, 0x1.554p-2),
            ]
            let brain: [(UInt16, Float)] = [
                (0x3F80, 1), (0xC000, -2), (0x0001, 0x1p-133), (0x7F7F, 0x1.FEp127), (0x8000, -0.0),
                (0x7F80, .infinity), (0xFF80, -.infinity),
            ]
            for (type, cases) in [("F16", half), ("BF16", brain)] {
                let data = (cases.map(\.0) + [0x7FC0]).flatMap {
                    [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)]
                }
                let header = """
                    {"x": {"dtype": "\(type)", "shape": [\(cases.count + 1)], \
                    "data_offsets": [0, \(data.count)]}}
                    """
                let path = folder + "/" + type
                try FileBytes.writeAtomically(safetensors(header, data: data), to: path)
                let values = try #require(try SafetensorsFile(path: path).tensor(named: "x")).values
                for (value, (_, expected)) in zip(values, cases) {
                    #expect(value.bitPattern == expected.bitPattern, "\(type) \(expected)")
                }
                #expect(values[cases.count].isNaN)
            }
        }
    }

    /// Data may begin at any byte.
    @Test func oddOffsets() throws {
        try withFolder { folder in
            for spaces in 0..<8 {
                let header =
                    #"{"x": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]}}"#
                    + String(repeating: " ", count: spaces)
                let data: [UInt8] = [9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
                let path = folder + "/\(spaces)"
                try FileBytes.writeAtomically(safetensors(header, data: data), to: path)
                #expect(try SafetensorsFile(path: path).tensor(named: "x")?.values == [1, -2])
            }
        }
    }

    @Test func mutationsNeverTrap() throws {
        try withFolder { folder in
            let path = folder + "/model.safetensors"
            try SafetensorsWriter.write(
                [
                    ("encoder.weight", Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])),
                    ("bias", Tensor([7, 8])), ("scale", Tensor([9], shape: [])),
                ], metadata: [("format", "pt")], to: path)
            let original = try FileBytes.read(path)
            var random = TestRandom(11)
            let pieces = Array("0123456789-{}[],:\"eF6I".utf8)
            var (good, bad) = (0, 0)
            for _ in 0..<5_000 {
                var bytes = original
                for _ in 0...Int.random(in: 0..<3, using: &random) {
                    // Mostly in the header; rarely in its length, which stops everything.
                    let low = Int.random(in: 0..<20, using: &random) == 0 ? 0 : 8
                    let place = Int.random(in: low..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.removeLast(Int.random(in: 0..<4, using: &random))
                    default: bytes[place] = pieces.randomElement(using: &random) ?? 0
                    }
                }
                // Cutting an old file to nothing would make some file systems wait for the disk.
                try FileBytes.remove(path)
                let file = try FileWriter(path: path)
                try file.write(bytes)
                do throws(FileError) {
                    let file = try SafetensorsFile(path: path)
                    for entry in file.entries { _ = try? file.tensor(entry) }
                    good += 1
                } catch {
                    #expect(error.path == path)
                    bad += 1
                }
            }
            #expect(good > 500 && bad > 500, "\(good) good, \(bad) bad")
        }
    }
}

@Suite struct SafetensorsWritingTests {
    @Test func roundTripToTheBit() throws {
        try withFolder { folder in
            let path = folder + "/x.safetensors"
            let patterns: [UInt32] = [
                0, 0x8000_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7FC1_2345, 0xFFFF_FFFF,
                0x7F80_0001, 1, 0x8000_0001, 0x7F7F_FFFF, 0x3F80_0000,
            ]
            var random = TestRandom(5)
            let tensors: [(name: String, tensor: Tensor)] = [
                ("awkward", Tensor(patterns.map(Float.init(bitPattern:)), shape: [3, 4])),
                ("scalar", Tensor([2.5], shape: [])), ("none", Tensor([], shape: [0])),
                ("no.rows", Tensor([], shape: [0, 5])),
                ("no.columns", Tensor([], shape: [5, 0, 2])),
                ("four", random.tensor([2, 1, 3, 2])), ("名前 \"quoted\"\n", Tensor([1])),
                ("large", random.tensor([300, 41])),
            ]
            try SafetensorsWriter.write(tensors, metadata: [("format", "pt"), ("é", "")], to: path)
            let file = try SafetensorsFile(path: path)
            #expect(file.entries.map(\.name) == tensors.map(\.name))
            #expect(file.metadata.map(\.key) == ["format", "é"])
            for (entry, (name, tensor)) in zip(file.entries, tensors) {
                #expect(entry.shape == tensor.shape && entry.type == "F32", "\(name)")
                #expect(try file.tensor(entry).bits == tensor.bits, "\(name)")
            }
            // Data begin at a multiple of eight, end with the file, and leave no gaps.
            var end = try #require(file.entries.first).bytes.lowerBound
            #expect(end % 8 == 0)
            for entry in file.entries {
                #expect(entry.bytes.lowerBound == end)
                end = entry.bytes.upperBound
            }
            #expect(try FileBytes.size(path) == end)
        }
    }

    @Test func nothingAtAll() throws {
        try withFolder { folder in
            try SafetensorsWriter.write([], to: folder + "/x")
            #expect(try SafetensorsFile(path: folder + "/x").entries.isEmpty)
            #expect(
                try #require(fileError { try SafetensorsWriter.write([], to: folder + "/no/x") })
                    .path == folder + "/no/x")
        }
    }

    @Test(.enabled(if: FileBytes.exists("/dev/full"), "there is no /dev/full"))
    func fullDisk() throws {
        let error = try #require(
            fileError { try SafetensorsWriter.write([("x", Tensor([1]))], to: "/dev/full") })
        #expect(error.path == "/dev/full" && error.problem.contains("No space left"))
    }
}
