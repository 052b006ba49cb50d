import Files
import Testing

@testable import Tokenizers

/// Files with random damage are refused, or give some tokenizer: never a trap, nor an endless loop.
struct DamageTests {
    private static let merges = ["a b", "Ġ ab", "l o", "lo w"]
    private static let map = Small.characterMap([(0x41, "ab"), (0x42, ""), (0x09, " ")])
    private static let model = Small.model(
        [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁a", -2, 1), ("b", -3, 1)],
        unknownID: 0, map: map)

    static let files: [(String, [String: [UInt8]])] = [
        ("tokenizer.json", ["tokenizer.json": Array(Small.byteLevel(merges).utf8)]),
        ("tokenizer.json", ["tokenizer.json": Array(Small.unigram().utf8)]),
        (
            "merges.txt",
            [
                "merges.txt": Array(merges.joined(separator: "\n").utf8),
                "vocab.json": Array(JSON.object(Small.bytePairs(merges)).text().utf8),
            ]
        ),
        ("sentencepiece.bpe.model", ["sentencepiece.bpe.model": model]),
    ]

    @Test(arguments: files.indices)
    func damagedFiles(_ index: Int) throws {
        let (name, files) = Self.files[index]
        var generator = Repeatable(state: UInt64(index) &* 977 &+ 1)
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        for (name, bytes) in files {
            try FileBytes.writeAtomically(bytes, to: folder + "/" + name)
        }
        let good = files[name] ?? []
        var loaded = 0
        for _ in 0..<150 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                default:
                    bytes.insert(
                        bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            try FileBytes.writeAtomically(bytes, to: folder + "/" + name)
            do throws(FileError) {
                let tokenizer = try Tokenizer(folder: folder)
                loaded += 1
                for text in ["low ab\tAB", "é\u{301}中\r\n", ""] {
                    let encoding = tokenizer.encode(text)
                    _ = tokenizer.decode(encoding.ids)
                    #expect(tokenizer.ids(of: text).ids == encoding.ids)
                }
            } catch {
                #expect(!error.path.isEmpty && !error.problem.isEmpty)
            }
        }
        #expect(loaded < 150)
    }

    @Test func damagedMaps() {
        var generator = Repeatable(state: 3)
        let text = Array("A\tB xyzé\u{301}\r\nAAA".utf8)
        for _ in 0..<2000 {
            var bytes = Self.map
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let near =
                    [0, 4, 4 + 4 * 256, 4 + 4 * 768, bytes.count - 16].randomElement(
                        using: &generator) ?? 0
                let place = min(near + Int.random(in: 0..<600, using: &generator), bytes.count - 1)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let map = CharacterMap(bytes) else { continue }
            for isAligned in [true, false] {
                var normalized = NormalizedText(text, isAligned: isAligned)
                map.apply(to: &normalized)
                #expect(String(validating: normalized.bytes, as: UTF8.self) != nil)
                #expect(normalized.bytes.count < 1 << 16)
            }
        }
    }
}
