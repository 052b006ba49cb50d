import Checkpoints
import Files
import TestSupport
import Testing

/// The kept inputs of the fuzz targets: each is read or refused in one line, and quickly.
struct CorpusTests {
    @Test(arguments: ["PickleFuzz", "SafetensorsFuzz"])
    func everyInput(_ target: String) throws {
        for (name, bytes) in try fuzzCorpus(target) {
            let time = ContinuousClock().measure {
                do throws(FileError) {
                    if target == "PickleFuzz" {
                        try fuzzTorchFile(bytes)
                    } else {
                        if bytes.first == UInt8(ascii: "{") { try fuzzShardIndex(bytes) }
                        try fuzzSafetensors(bytes)
                    }
                } catch {
                    let text = error.description.utf8
                    #expect(
                        text.count < 1000 && text.allSatisfy { $0 >= 0x20 }, "\(name): \(error)")
                }
            }
            #expect(time < .seconds(5), "\(name) took \(time)")
        }
    }

    /// An index may name files that differ in their bytes alone, but none outside its folder.
    @Test func shardNames() throws {
        let two = #"{"weight_map": {"a": "\u00e9.safetensors", "b": "e\u0301.safetensors"}}"#
        #expect(try fuzzShardIndex(Array(two.utf8)) == 2)
        for name in ["../x", "/x", "", #"x\u0000.bin"#, #"x\n"#] {
            let index = #"{"weight_map": {"a\nb": ""# + name + #""}}"#
            let error = fileError(name) { try fuzzShardIndex(Array(index.utf8)) }
            #expect(error?.problem.contains("no file name") == true, "\(name)")
        }
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
