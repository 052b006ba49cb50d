import Files
import Testing
import Uniem

@testable import UniemCLI

@Suite("encode")
struct EncodeTests {
    private func vectors(_ run: Run) throws -> [[Float]] {
        #expect(run.status == 0, "\(run.error)")
        return try run.jsonLines.map { line in
            (line["embedding"]?.array ?? []).compactMap(\.double).map(Float.init)
        }
    }

    @Test("gives the library's vectors, to the last bit")
    func sameAsLibrary() throws {
        let model = try Sample.model.get()
        let texts = ["It is raining.", "今天下雨", "snow"]
        let embedder = try Embedder.load(model)
        #expect(try vectors(uniem(["encode", model] + texts)) == embedder.encode(texts))
        let raw = try vectors(uniem(["encode", model, "--no-normalize"] + texts))
        #expect(raw == embedder.encode(texts, normalize: false) && raw != embedder.encode(texts))
        let cls = try vectors(uniem(["encode", model, "--pooling", "cls"] + texts))
        #expect(try cls == Embedder.load(model, pooling: .cls).encode(texts))
    }

    @Test("texts come from arguments, files or a pipe")
    func sources() throws {
        let model = try Sample.model.get()
        let folder = try TemporaryFolder()
        let lines = try folder.file("t.txt", "one text\nanother text\n")
        let objects = try folder.file(
            "t.jsonl", "{\"id\": 1, \"text\": \"one text\"}\n{\"text\": \"another text\"}")
        let expected = try vectors(uniem("encode", model, "one text", "another text"))
        #expect(try vectors(uniem("encode", model, "--input", lines)) == expected)
        #expect(try vectors(uniem("encode", model, "--input", objects)) == expected)
        let piped = try uniem("encode", model, input: "one text\r\nanother text")
        #expect(try vectors(piped) == expected)
    }

    @Test("files hold what standard output shows", arguments: ["npy", "safetensors", "jsonl"])
    func files(_ ending: String) throws {
        let model = try Sample.model.get()
        let folder = try TemporaryFolder()
        let path = folder.path + "/v." + ending
        let run = try uniem("encode", model, "one text", "another", "--output", path)
        #expect(run.status == 0 && run.output.isEmpty && run.error.contains("2 vectors of 16"))
        let shown = try uniem("encode", model, "one text", "another")
        let bytes = try FileBytes.read(path)
        if ending == "jsonl" {
            #expect(String(decoding: bytes, as: UTF8.self) == shown.output)
        } else {
            let numbers = try vectors(shown).joined().flatMap { number in
                (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * UInt32($0))) }
            }
            #expect(Array(bytes.suffix(numbers.count)) == numbers)
        }
    }

    @Test("more texts than a block, and small chunks, change nothing but the last bits")
    func blocks() throws {
        let model = try Sample.model.get()
        let texts = (0..<EncodeCommand.block + 10).map { "text number \($0)" }
        let input = texts.joined(separator: "\n")
        let all = try vectors(uniem("encode", model, "--batch-tokens", "40", input: input))
        #expect(all.count == texts.count)
        let last = try vectors(uniem("encode", model, texts[texts.count - 1]))
        for (a, b) in zip(all[texts.count - 1], last[0]) { #expect(abs(a - b) < 1e-5) }
    }

    @Test("texts that are cut are counted, and so is a limit that the model does not have")
    func cut() throws {
        let model = try Sample.model.get()
        let long = String(repeating: "rain ", count: 100)
        let run = try uniem("encode", model, "short", long)
        #expect(run.error.contains("1 of 2 texts were too long"))
        let short = try uniem("encode", model, "one two three four five", "--max-length", "4")
        #expect(short.error.contains("1 of 1 texts"))
        let note = try uniem("encode", model, "short", "--max-length", "1000")
        #expect(note.status == 0 && note.error.contains("the model has 64 positions"))
    }
}
