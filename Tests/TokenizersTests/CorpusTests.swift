import Files
import Testing
import Tokenizers

/// The kept inputs of the fuzz targets: each makes a tokenizer that keeps its promises or is refused, and quickly.
struct CorpusTests {
    @Test(arguments: ["TokenizerJSONFuzz", "SentencePieceFuzz"])
    func everyInput(_ target: String) throws {
        var loaded = 0
        for (name, bytes) in try fuzzCorpus(target) {
            let time = ContinuousClock().measure {
                do throws(FileError) {
                    if target == "TokenizerJSONFuzz" {
                        try fuzzTokenizerJSON(bytes)
                    } else {
                        try fuzzSentencePiece(bytes)
                    }
                    loaded += 1
                } catch {
                    #expect(error.path.hasPrefix("memory") && !error.problem.isEmpty, "\(name)")
                }
            }
            #expect(time < .seconds(5), "\(name) took \(time)")
        }
        #expect(loaded > 20)
    }
}

/// The kept inputs of a fuzz target, by name.
private func fuzzCorpus(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
    let tests = FileBytes.parent(of: FileBytes.parent(of: #filePath) ?? "") ?? ""
    let folder = tests + "/Fuzzing/Corpus/" + target
    let names = try FileBytes.names(in: folder)
    try #require(names.count > 20, "\(folder) has \(names.count) inputs")
    return try names.map { name in
        // As it is: a file that begins like gzip is one of the inputs.
        let file = try MappedFile(path: folder + "/" + name)
        return (name, file.bytes(in: 0..<file.count))
    }
}
