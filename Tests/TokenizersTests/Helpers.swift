import Files
import Testing

@testable import Tokenizers

/// A folder of its own for a test.
func temporaryFolder() throws -> String {
    let folder = "/tmp/tokenizers-test-\(UInt64.random(in: 0...UInt64.max))"
    try FileBytes.makeFolder(folder)
    return folder
}

/// A small vocabulary; ids are places in the list.
let smallVocabulary = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "un", "##aff", "##able", "a", "##b",
    "cafe", "中", "国", "!", ".", "hello", "world", "##s", "ß", "σ", "ς", "i", "##i", "[", "]",
    "mask", "x", "##x", "n't", "İ",
]

/// Writes a model folder, loads it, and removes it again.
func load(_ files: [String: String]) throws -> Tokenizer {
    let folder = try temporaryFolder()
    defer { try? FileBytes.remove(folder) }
    for (name, text) in files { try FileBytes.writeAtomically(text, to: folder + "/" + name) }
    return try Tokenizer(folder: folder)
}

/// A tokenizer over ``smallVocabulary``.
func small(lowercase: Bool = true) throws -> Tokenizer {
    try Tokenizer.wordPiece(
        vocabulary: smallVocabulary, lowercase: lowercase, modelMaxLength: 128)
}

/// A small `tokenizer.json` with some of its parts replaced (or, with `nil`, removed).
func tokenizerJSON(_ changes: [String: JSON?] = [:]) -> String {
    var parts: [(key: String, value: JSON)] = [
        ("version", "1.0"), ("truncation", .null), ("padding", .null),
        (
            "added_tokens",
            [addedToken("[CLS]", 2), addedToken("[SEP]", 3), addedToken("[MASK]", 4)]
        ),
        (
            "normalizer",
            [
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": .null, "lowercase": true,
            ]
        ),
        ("pre_tokenizer", ["type": "BertPreTokenizer"]),
        ("post_processor", ["type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]]),
        ("decoder", ["type": "WordPiece", "prefix": "##", "cleanup": true]),
        ("model", model()),
    ]
    for (key, value) in changes {
        parts.removeAll { $0.key == key }
        if let value { parts.append((key, value)) }
    }
    return JSON.object(parts).text()
}

func model(
    _ vocabulary: JSON? = nil, changes: [(key: String, value: JSON)] = []
) -> JSON {
    let vocabulary =
        vocabulary
        ?? .object(smallVocabulary.enumerated().map { (key: $1, value: .int($0)) })
    var model: JSON = [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": vocabulary,
    ]
    for (key, value) in changes { model.set(key, value) }
    return model
}

func addedToken(
    _ content: String, _ id: Int, singleWord: Bool = false, left: Bool = false,
    right: Bool = false, normalized: Bool = false, special: Bool = true
) -> JSON {
    [
        "id": .int(id), "content": .string(content), "single_word": .bool(singleWord),
        "lstrip": .bool(left), "rstrip": .bool(right), "normalized": .bool(normalized),
        "special": .bool(special),
    ]
}
