import Files

@testable import Tokenizers

/// Small models of the other families.
enum Small {
    /// A byte-level vocabulary: all bytes, what `merges` make, and `special` first.
    static func bytePairs(
        _ merges: [String], special: [String] = ["<|endoftext|>"], more: [String] = []
    ) -> [(key: String, value: JSON)] {
        let letters = ByteAlphabet.characters.map { String($0) }
        let made = merges.map { $0.split(separator: " ").joined() }
        return (special + letters + made + more).enumerated().map { ($1, .int($0)) }
    }

    /// A byte-level `tokenizer.json`.
    static func byteLevel(
        _ merges: [String], vocabulary: [(key: String, value: JSON)]? = nil,
        model changes: [(key: String, value: JSON)] = [], parts: [(key: String, value: JSON)] = []
    ) -> String {
        var model: JSON = [
            "type": "BPE", "dropout": .null, "unk_token": .null, "fuse_unk": false,
            "continuing_subword_prefix": "", "end_of_word_suffix": "", "byte_fallback": false,
            "vocab": .object(vocabulary ?? bytePairs(merges)),
            "merges": .array(merges.map { .string($0) }),
        ]
        for (key, value) in changes { model.set(key, value) }
        let step: JSON = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
        ]
        var json: JSON = [
            "added_tokens": [addedToken("<|endoftext|>", 0)], "normalizer": .null,
            "pre_tokenizer": step, "post_processor": step, "decoder": step, "model": model,
        ]
        for (key, value) in parts { json.set(key, value) }
        return json.text()
    }

    static let pieces: [(String, Double)] = [
        ("<s>", 0), ("<pad>", 0), ("</s>", 0), ("<unk>", 0), ("▁", -3), ("a", -4), ("b", -4),
        ("ab", -5), ("▁a", -5), ("▁ab", -7), ("c", -4), ("bc", -9), ("é", -6),
    ]

    /// A Unigram `tokenizer.json`.
    static func unigram(
        _ pieces: [(String, Double)] = pieces, model changes: [(key: String, value: JSON)] = [],
        parts: [(key: String, value: JSON)] = []
    ) -> String {
        var model: JSON = [
            "type": "Unigram", "unk_id": 3,
            "vocab": .array(pieces.map { [.string($0.0), .double($0.1)] }),
        ]
        for (key, value) in changes { model.set(key, value) }
        let step: JSON = ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"]
        var json: JSON = [
            "added_tokens": [addedToken("<s>", 0)], "pre_tokenizer": step, "decoder": step,
            "model": model,
        ]
        for (key, value) in parts { json.set(key, value) }
        return json.text()
    }

    /// A map as SentencePiece writes it, of single ASCII characters.
    static func characterMap(_ changes: [(UInt8, String)]) -> [UInt8] {
        // The root's children lie at its offset, 256; the leaf of each at its own offset, 256 further.
        var units = [UInt32](repeating: 0, count: 1024)
        units[0] = 256 << 10
        var texts: [UInt8] = []
        for (byte, text) in changes {
            let node = 256 ^ Int(byte)
            // The leaf stands at the node xor its offset.
            units[node] = UInt32(512) << 10 | 0x100 | UInt32(byte)
            units[node ^ 512] = 0x8000_0000 | UInt32(texts.count)
            texts += Array(text.utf8) + [0]
        }
        func bytes(_ value: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return bytes(UInt32(4 * units.count)) + units.flatMap(bytes) + texts
    }

    /// A SentencePiece model file.
    static func model(
        _ pieces: [(String, Double, Int)], unknownID: Int, map: [UInt8] = [],
        trainer: [(Int, Int)] = [], normalizer: [(Int, Int)] = []
    ) -> [UInt8] {
        func varint(_ value: Int) -> [UInt8] {
            var (value, bytes) = (value, [UInt8]())
            while value > 0x7F {
                bytes.append(UInt8(value & 0x7F | 0x80))
                value >>= 7
            }
            return bytes + [UInt8(value)]
        }
        func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
            varint(number << 3 | 2) + varint(bytes.count) + bytes
        }
        func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
        var file: [UInt8] = []
        for (text, score, kind) in pieces {
            let bits = Float(score).bitPattern
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
            file += field(1, field(1, Array(text.utf8)) + [2 << 3 | 5] + bytes + field(3, kind))
        }
        file += field(2, field(40, unknownID) + trainer.flatMap { field($0.0, $0.1) })
        return file
            + field(
                3, (map.isEmpty ? [] : field(2, map)) + normalizer.flatMap { field($0.0, $0.1) })
    }

    /// A folder with `bytes` as `name`, loaded.
    static func load(_ name: String, _ bytes: [UInt8], _ more: [String: String] = [:]) throws
        -> Tokenizer
    {
        let folder = try temporaryFolder()
        defer { try? FileBytes.remove(folder) }
        try FileBytes.writeAtomically(bytes, to: folder + "/" + name)
        for (name, text) in more { try FileBytes.writeAtomically(text, to: folder + "/" + name) }
        return try Tokenizer(folder: folder)
    }
}

/// Random numbers that are the same in every run.
struct Repeatable: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
