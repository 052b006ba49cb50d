import Files
import Testing
import Uniem

@testable import UniemCLI

@Suite("Files of vectors")
struct WriterTests {
    private let vectors = Tensor([1, -0.5, 0.1, 1e-7, 3.4028235e38, -0.0], shape: [2, 3])
    private let texts = ["a \"quoted\"\ttext", "雨"]

    private var numbers: [UInt8] {
        vectors.values.flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * UInt32($0))) }
        }
    }

    private func written(_ name: String) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + name
        let format = try #require(EmbeddingFormat(path: path))
        let writer = try format.writer(path: path, count: 2, width: 3)
        // In two blocks.
        try writer.write([texts[0]], vectors.rows(0..<1))
        #expect(!FileBytes.exists(path), "the file must not appear before it is complete")
        try writer.write([texts[1]], vectors.rows(1..<2))
        try writer.finish()
        #expect(try FileBytes.names(in: folder.path) == [name])
        return try FileBytes.read(path)
    }

    @Test("npy: NumPy's format 1.0, byte for byte")
    func npy() throws {
        let bytes = try written("v.npy")
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        var header: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0]
        header += Array(text.utf8) + Array(repeating: 0x20, count: 117 - text.utf8.count) + [0x0A]
        #expect(header.count == 128)
        #expect(bytes == header + numbers)
    }

    @Test("safetensors: one tensor, embeddings")
    func safetensors() throws {
        let bytes = try written("v.safetensors")
        let length = Int(bytes[0]) + Int(bytes[1]) << 8
        #expect(bytes[2..<8].allSatisfy { $0 == 0 } && length % 8 == 0)
        let header = try JSON(parsing: Array(bytes[8..<8 + length]))
        let entry = try #require(header["embeddings"])
        #expect(header.members?.count == 1)
        #expect(entry["dtype"]?.string == "F32")
        #expect(entry["shape"]?.array?.map(\.int) == [2, 3])
        #expect(entry["data_offsets"]?.array?.map(\.int) == [0, 24])
        #expect(Array(bytes[(8 + length)...]) == numbers)
    }

    @Test("jsonl: the fewest digits that read back")
    func jsonLines() throws {
        let text = String(decoding: try written("v.jsonl"), as: UTF8.self)
        #expect(
            text == """
                {"text":"a \\"quoted\\"\\ttext","embedding":[1.0,-0.5,0.1]}
                {"text":"雨","embedding":[1e-07,3.4028235e+38,-0.0]}

                """)
        for (row, line) in text.split(separator: "\n").enumerated() {
            let json = try JSON(parsing: Array(line.utf8))
            let back = json["embedding"]?.array?.compactMap(\.double).map(Float.init)
            #expect(back == vectors.row(row) && json["text"]?.string == texts[row])
        }
    }

    @Test("a writer that is given up leaves nothing, and the older file as it was")
    func givenUp() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("v.npy", "older")
        do {
            let writer = try EmbeddingFormat.npy.writer(path: path, count: 2, width: 3)
            try writer.write([texts[0]], vectors.rows(0..<1))
        }
        #expect(try FileBytes.names(in: folder.path) == ["v.npy"])
        #expect(try FileBytes.readText(path) == "older")
    }

    @Test("unknown endings are no format")
    func endings() {
        #expect(EmbeddingFormat(path: "a.npy") == .npy && EmbeddingFormat(path: "A.NPY") == .npy)
        #expect(EmbeddingFormat(path: "a.csv") == nil && EmbeddingFormat(path: "npy") == nil)
        #expect(TextFile.Format(path: "a.txt.gz") == .lines)
        #expect(TextFile.Format(path: "a.jsonl") == .jsonLines)
        #expect(TextFile.Format(path: "a.csv") == nil)
    }

    @Test(
        "words are quoted for a shell where they must be",
        arguments: [
            ("Runs/a-1_b.c", "Runs/a-1_b.c"), ("模型", "模型"), ("my run", "'my run'"),
            ("it's", "'it'\\''s'"), ("", "''"), ("$(rm)", "'$(rm)'"),
        ])
    func quoting(_ word: String, _ expected: String) {
        #expect(ShellWord.quoted(word) == expected)
    }
}
