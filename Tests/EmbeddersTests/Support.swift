import Embedders
import Files
import TestSupport
import Testing

/// The folder of a model of the reference that is in the repository.
func fixture(_ name: String) -> String { GoldenRoot.all[0].folder + "/models/" + name }

/// Loads a copy of `bert-tiny` (or another model) in which `change` changed something, and gives the error.
func loadError(
    _ model: String = "bert-tiny", sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (String) throws -> Void
) throws -> FileError {
    try withFolder { folder in
        let copy = folder + "/" + model
        try copyFolder(fixture(model), to: copy)
        try change(copy)
        let error = try #require(
            fileError(sourceLocation: sourceLocation) { _ = try Embedder.load(copy) },
            sourceLocation: sourceLocation)
        #expect(error.path.hasPrefix(copy), "\(error)", sourceLocation: sourceLocation)
        return error
    }
}

/// Changes keys of the JSON object in the file at `path`; `nil` removes a key.
func edit(_ path: String, _ changes: [(String, JSON?)]) throws {
    var json = try JSON(contentsOf: path)
    for (key, value) in changes {
        if let value {
            json.set(key, value)
        } else {
            json = .object((json.members ?? []).filter { $0.key != key })
        }
    }
    try FileBytes.writeAtomically(json.text(indent: 2), to: path)
}

/// Texts of several lengths and scripts, one of them empty and two equal.
let sampleTexts = [
    "A man is playing the guitar.", "一个男人在树边吃香蕉。", "", "A man is playing the guitar.",
    "word", "Überraschung! naïve café — 你好 \u{1F600}", "   ", "[CLS] [MASK] x",
    String(repeating: "The quick brown fox jumps over the lazy dog. ", count: 40),
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
]
